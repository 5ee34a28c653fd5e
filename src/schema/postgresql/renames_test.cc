#include "schema/postgresql/renames.h"

#include <gtest/gtest.h>

namespace backout::schema::postgresql {
namespace {

Catalog catalog(const std::string& table, const std::vector<std::string>& columns) {
  Catalog made;
  made.origin = "cluster/16384";
  Table one;
  one.schema = "public";
  one.name = table;
  one.kind = "table";
  one.oid = 4711;
  int number = 0;
  for (const std::string& name : columns) {
    Column column;
    column.name = name;
    column.number = ++number;
    one.columns.push_back(column);
  }
  made.tables.push_back(one);
  return made;
}

TEST(Renames, AreKnownByOidAndNumber) {
  const Renames found = renames(catalog("client", {"id", "email"}), catalog("customer", {"id", "mail"}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.at("public.client").table, "public.customer");
  EXPECT_EQ(found.at("public.client").columns, (std::map<std::string, std::string>{{"email", "mail"}}));
  EXPECT_EQ(renames_from_json(to_json(found)), found);
  EXPECT_EQ(inverse(inverse(found)), found);
  EXPECT_EQ(inverse(found).at("public.customer").columns.at("mail"), "email");
}

TEST(Renames, NothingIsRenamedWhenNothingIsOrWhenTheDatabaseIsAnotherOne) {
  EXPECT_TRUE(renames(catalog("client", {"id"}), catalog("client", {"id"})).empty());
  Catalog restored = catalog("client", {"mail", "id"});
  restored.origin = "cluster/16999";
  EXPECT_TRUE(renames(catalog("client", {"id", "email"}), restored).empty())
      << "numbers of another database mean nothing";
  restored.origin.clear();
  EXPECT_TRUE(renames(restored, restored).empty());
}

TEST(Renames, TwoColumnsThatSwappedTheirNames) {
  const Renames found = renames(catalog("t", {"a", "b"}), catalog("t", {"b", "a"}));
  EXPECT_EQ(found.at("public.t").columns, (std::map<std::string, std::string>{{"a", "b"}, {"b", "a"}}));
}

}  // namespace
}  // namespace backout::schema::postgresql

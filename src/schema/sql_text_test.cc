#include "schema/sql_text.h"

#include <gtest/gtest.h>

namespace backout::schema {
namespace {

TEST(SqlText, IsTheSameWhateverSpacesCommentsCaseAndQuotes) {
  EXPECT_EQ(normalised("CREATE TABLE \"Orders\" (id INTEGER, -- the id\n [Item] TEXT /* what */ DEFAULT 'It''s')"),
            normalised("create table orders(`ID` integer,item text default 'It''s')"));
  EXPECT_NE(normalised("DEFAULT 'A'"), normalised("DEFAULT 'a'"));
}

TEST(SqlText, SplitsATableIntoColumnsConstraintsAndChecks) {
  const auto text = table_text(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, price DECIMAL(10, 2) NOT NULL CHECK (price > 0 AND (price < 10)), "
      "\"check\" TEXT DEFAULT (a(',', ')')),"
      " CONSTRAINT positive CHECK (price <> 5), UNIQUE (price, id) ON CONFLICT REPLACE, FOREIGN KEY (id) REFERENCES "
      "u(id)) WITHOUT ROWID");
  ASSERT_EQ(text.columns.size(), 3U);
  EXPECT_EQ(text_of(text.columns.at("id")), "integer primary key");
  EXPECT_EQ(text_of(without_checks(text.columns.at("price"))), "decimal ( 10 , 2 ) not null");
  EXPECT_EQ(text.checks, (std::vector<std::string>{"( price < > 5 )", "( price > 0 and ( price < 10 ) )"}));
  EXPECT_EQ(text.constraints, (std::vector<std::string>{"foreign key ( id ) references u ( id )",
                                                        "unique ( price , id ) on conflict replace"}));
}

TEST(SqlText, LooksForWordsOutsideOfParenthesesOnly) {
  EXPECT_TRUE(has_word(tokens("TEXT REFERENCES u(id)"), "references"));
  EXPECT_FALSE(has_word(tokens("TEXT DEFAULT (coalesce('references', references))"), "references"));
  EXPECT_FALSE(has_word(tokens("TEXT \"references\""), "references"));
}

TEST(SqlText, SurvivesTextThatIsNotFinished) {
  for (const char* sql : {"", "CREATE TABLE", "CREATE TABLE t(", "CREATE TABLE t(a 'open", "CREATE TABLE t(a /* open",
                          "((((", "))", "CREATE TABLE t(a, CHECK ("})
    (void)table_text(sql);
}

}  // namespace
}  // namespace backout::schema

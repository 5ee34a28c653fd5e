// The verdict against an oracle: random schemas, random migrations, random
// code. The oracle runs the code's statements on the old and on the new schema,
// with rows, and compares errors and results.
#include <cstdlib>

#include "database/postgresql/random_shop_for_tests.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/replay.h"
#include "database/postgresql/testing.h"
#include "schema/postgresql/compare.h"

namespace backout::postgresql {
namespace {

/// What a statement did, as its caller sees it. Types that no client tells
/// apart are the same.
struct Outcome {
  std::string error;  // SQLSTATE and constraint
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
};

Outcome run_as_code(Connection& connection, const std::string& sql) {
  const Rows rows(PQexec(connection.raw(), sql.c_str()));
  Outcome out;
  if (!rows.ok()) {
    for (const int field : {PG_DIAG_SQLSTATE, PG_DIAG_CONSTRAINT_NAME}) {
      const char* text = PQresultErrorField(rows.raw(), field);
      out.error += std::string(text == nullptr ? "" : text) + " ";
    }
    return out;
  }
  for (int column = 0; column < PQnfields(rows.raw()); ++column) {
    Oid type = PQftype(rows.raw(), column);
    type = type == 1043 ? 25 : type >= 16384 ? 16384 : type;
    out.names.push_back(std::string(PQfname(rows.raw(), column)) + " " + std::to_string(type));
  }
  for (int row = 0; row < rows.count(); ++row) {
    out.rows.emplace_back();
    for (size_t column = 0; column < out.names.size(); ++column)
      out.rows.back().push_back(rows.is_null(row, static_cast<int>(column)) ? "(null)"
                                                                            : rows.text(row, static_cast<int>(column)));
  }
  out.rows.push_back({std::to_string(rows.affected())});
  return out;
}

/// Columns at the end of the new outcome are nothing that the code looks at,
/// unless they hide another of their name.
bool same_for_code(const Outcome& was, const Outcome& is) {
  if (was.error != is.error || was.rows.size() != is.rows.size() || was.names.size() > is.names.size()) return false;
  if (!std::equal(was.names.begin(), was.names.end(), is.names.begin())) return false;
  for (size_t i = was.names.size(); i < is.names.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (is.names[i].substr(0, is.names[i].find(' ')) == is.names[j].substr(0, is.names[j].find(' '))) return false;
  for (size_t i = 0; i < was.rows.size(); ++i)
    if (!std::equal(was.rows[i].begin(), was.rows[i].end(), is.rows[i].begin())) return false;
  return true;
}

class Cases {
 public:
  void prepare() {
    TestCluster& cluster = TestCluster::the();
    cluster.admin(
        "DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN "
        "duplicate_object THEN NULL; END $$");
    for (auto& side : sides_) {
      auto opened = Connection::open(cluster.server(), cluster.database("case"));
      ASSERT_TRUE(opened);
      side.emplace(std::move(*opened));
    }
  }

  /// "" or the first statement that works otherwise on the new schema; the
  /// verdict in `leaves`.
  std::string run(unsigned seed, bool& leaves, std::string& why) {
    RandomShop shop(seed);
    const std::string schema = shop.schema_sql(), migration = shop.migration();
    Statements statements{.texts = shop.statements(), .source = "test"};
    Connection &was = *sides_[0], &is = *sides_[1];
    for (Connection* side : {&was, &is})
      must(*side,
           "RESET ROLE; SET client_min_messages = error; DROP SCHEMA "
           "public CASCADE; CREATE SCHEMA public; SET "
           "search_path = public; " +
               schema + "; SET search_path = ''");
    const auto before = read_catalog(is);
    // One by one: a new label of an enum cannot be used in the transaction that
    // made it.
    must(is, "SET search_path = public");
    for (const auto& sql : statements_of(migration)) migrated_ = is.exec(sql).has_value() && migrated_;
    must(is, "SET search_path = ''");
    const auto after = read_catalog(is);
    if (!before || !after) return ADD_FAILURE() << "cannot read", "";
    auto comparison = schema::postgresql::compare(*before, *after);
    const auto evidence = replay({*before, *after, is, &was}, statements, comparison);
    if (!evidence) return ADD_FAILURE() << evidence.error().message, "";
    weigh(comparison, *evidence);
    leaves = comparison.rung == schema::Rung::kLeave;
    why = migration + "\n  " + comparison.why();
    for (Connection* side : {&was, &is}) must(*side, "SET search_path = public; SET row_security = on; SET ROLE app");
    for (const auto& sql : statements.texts)
      if (!same_for_code(run_as_code(was, sql), run_as_code(is, sql))) return sql;
    return "";
  }

 private:
  /// Cut at semicolons outside of strings.
  static std::vector<std::string> statements_of(const std::string& sql) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (const char c : sql) {
      if (c == '\'') quoted = !quoted;
      if (c == ';' && !quoted) {
        out.emplace_back();
      } else {
        out.back() += c;
      }
    }
    return out;
  }
  static void must(Connection& connection, const std::string& sql) {
    const auto done = connection.exec(sql);
    if (!done) ADD_FAILURE() << done.error().message << "\n" << sql;
  }
  std::optional<Connection> sides_[2];
  bool migrated_ = true;
};

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

TEST(Compatibility, IsNeverCalledFalselyAndSeldomMissed) {
  const unsigned cases = number_from("BACKOUT_CASES", 120), first = number_from("BACKOUT_SEED", 1);
  Cases all;
  all.prepare();
  unsigned compatible = 0, called = 0, wrong = 0;
  for (unsigned seed = first; seed < first + cases && !HasFatalFailure(); ++seed) {
    bool leaves = false;
    std::string why;
    const std::string differs = all.run(seed, leaves, why);
    compatible += differs.empty() ? 1 : 0;
    called += differs.empty() && leaves ? 1 : 0;
    if (leaves && !differs.empty()) {
      ++wrong;
      ADD_FAILURE() << "BACKOUT_SEED=" << seed << " called compatible, and is not:\n  " << why << "\n  " << differs;
    }
    if (differs.empty() && !leaves && std::getenv("BACKOUT_TELL") != nullptr)
      std::printf("missed, seed %u: %s\n", seed, why.c_str());
  }
  std::printf("%u cases: %u compatible, %u of them called so, %u falsely called so\n", cases, compatible, called,
              wrong);
  EXPECT_GE(called * 10, compatible * 9);
  EXPECT_GE(compatible * 5, cases) << "too few compatible cases to say anything";
}

}  // namespace
}  // namespace backout::postgresql

#include "database/postgresql/same_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/postgresql/read_catalog.h"
#include "database/postgresql/testing.h"

namespace backout::postgresql {
namespace {

TEST(SameCatalog, ExpressionsAreLoosenedOutsideOfQuotes) {
  EXPECT_EQ(loosened("((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"),
            loosened("((state)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))"));
  EXPECT_EQ(loosened("(a)::numeric(10,2) > 'x (y)::text'"), "a>'x (y)::text'");
  EXPECT_EQ(loosened("b::public.\"Odd type\"[] = \"a (b\""), "b=\"a (b\"");
  EXPECT_EQ(loosened("c::timestamp without time zone + d"), "c+d");
  EXPECT_EQ(loosened("'it''s (not)'::text"), "'it''s (not)'");
  EXPECT_NE(loosened("a > 1"), loosened("a > 2"));
}

TEST(SameCatalog, WhatIsMissingOrAnotherIsNamed) {
  TestCluster& cluster = TestCluster::the();
  const std::string one = cluster.database(), other = cluster.database();
  const char* both =
      "CREATE TABLE a (id int PRIMARY KEY, b text DEFAULT 'x' CHECK (b <> 'y'), c int); CREATE INDEX i ON a (b); "
      "CREATE VIEW v AS SELECT id FROM a; CREATE TYPE mood AS ENUM ('glad')";
  cluster.run(one, both);
  cluster.run(other, "CREATE TABLE before_it (a int); DROP TABLE before_it");
  cluster.run(other, both);
  const auto catalog_of = [&](const std::string& database) {
    auto connection = Connection::open(cluster.server(), database);
    return *read_catalog(*connection);
  };
  EXPECT_THAT(differences_of(catalog_of(one), catalog_of(other)).faults, ::testing::IsEmpty());
  cluster.run(other,
              "DROP INDEX i; ALTER TABLE a ALTER b SET DEFAULT 'z'; ALTER TYPE mood ADD VALUE 'sad'; CREATE TABLE more "
              "(a int); GRANT SELECT ON v TO PUBLIC");
  const auto differences = differences_of(catalog_of(other), catalog_of(one));
  EXPECT_THAT(differences.faults,
              ::testing::UnorderedElementsAre(
                  "table public.a is not as in the source: column b is another, index i is missing",
                  "table public.v is not as in the source: its rights", "table public.more was not in the source",
                  "type public.mood is not as in the source"));
  cluster.run(one, "CREATE OR REPLACE VIEW v AS SELECT id FROM a WHERE c > 0");
  const auto worded = differences_of(catalog_of(one), catalog_of(other));
  EXPECT_THAT(worded.faults, ::testing::Not(::testing::IsEmpty()));
}

}  // namespace
}  // namespace backout::postgresql

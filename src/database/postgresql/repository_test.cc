#include "database/postgresql/repository.h"

#include "database/postgresql/lsn.h"

#include <gmock/gmock.h>

#include "database/postgresql/offer.h"

namespace backout::postgresql {
namespace {

using ::testing::ElementsAre;

TEST(RepositoryLog, PlacesAndSegments) {
  EXPECT_EQ(*lsn_of("0/2000028"), 0x2000028U);
  EXPECT_EQ(*lsn_of("1A/FF"), 0x1A000000FFU);
  for (const char* wrong : {"", "/", "0/", "x/1", "0/1 ", "123456789/0"}) EXPECT_FALSE(lsn_of(wrong)) << wrong;
  EXPECT_EQ(segment_after("0000000100000000000000FE", 16U << 20), "0000000100000000000000FF");
  EXPECT_EQ(segment_after("0000000100000000000000FF", 16U << 20), "000000010000000100000000");
  EXPECT_EQ(segment_after("000000030000000A00000003", 1U << 30), "000000030000000B00000000");
  const std::vector<std::string> there{"000000010000000000000002", "000000010000000000000004"};
  const auto missing = [&](const char* first, const char* last) {
    return missing_segments(there, first, last, 16U << 20, 2);
  };
  EXPECT_THAT(missing("000000010000000000000002", "000000010000000000000004"), ElementsAre("000000010000000000000003"));
  EXPECT_THAT(missing("000000010000000000000005", "000000010000000000000009"),
              ElementsAre("000000010000000000000005", "000000010000000000000006"));
  EXPECT_THAT(missing("000000010000000000000002", "000000020000000000000004"), ElementsAre());  // another timeline
  EXPECT_THAT(missing("", "nonsense"), ElementsAre());
}

TEST(RepositoryLog, TheNewestBackupFromBefore) {
  Stanza stanza;
  stanza.backups = {{.label = "old", .system_id = "7", .stop_lsn = 10, .stopped_at = 100},
                    {.label = "damaged", .system_id = "7", .stop_lsn = 20, .stopped_at = 200, .damaged = true},
                    {.label = "of another", .system_id = "8", .stop_lsn = 20, .stopped_at = 200},
                    {.label = "new", .system_id = "7", .stop_lsn = 30, .stopped_at = 300}};
  EXPECT_EQ(newest_before_lsn(stanza, 29, "7")->label, "old");
  EXPECT_EQ(newest_before_lsn(stanza, 30, "7")->label, "new");
  EXPECT_EQ(newest_before_lsn(stanza, 9, "7"), nullptr);
  EXPECT_EQ(newest_before_time(stanza, 250, "")->label, "of another");
  EXPECT_EQ(newest_before_time(stanza, 99, ""), nullptr);
}

/// The verbs of the steps that a run gets.
std::vector<std::string> verbs(RunKind kind, const Json& repository, const Json& saved) {
  driver::Offering offering;
  offering.kind = kind;
  offering.hosts = {"local"};
  offering.subject = {
      {"server", "service=shop"}, {"database", "shop"}, {"rung", kind == RunKind::kCheckpoint ? "" : "restore"}};
  if (repository.is_object()) offering.subject["pgbackrest"] = repository;
  offering.seen["local"] = {{"exists", true}, {"database", "shop"}, {"schema", get(saved, "catalog")}};
  offering.saved = saved;
  offering.run_directory = "/runs/R-1";
  const auto steps = offer_postgresql(offering);
  if (!steps) return {steps.error().message};
  std::vector<std::string> all;
  for (const Step& step : *steps) all.push_back(step.action.verb);
  return all;
}

TEST(RepositoryOffer, WhatACheckpointAndAWayBackAreMadeOf) {
  EXPECT_THAT(verbs(RunKind::kCheckpoint, nullptr, Json::object()), ElementsAre("backup", "verify-backup"));
  EXPECT_THAT(verbs(RunKind::kCheckpoint, {{"stanza", "shop"}}, Json::object()),
              ElementsAre("backup", "verify-backup"));
  EXPECT_THAT(verbs(RunKind::kCheckpoint, {{"stanza", "shop"}, {"dump", false}}, Json::object()),
              ElementsAre("backup", "prove-point"));
  const Json catalog{{"catalog", 1}, {"tables", Json::array()}};
  const Json point{{"lsn", "0/1"}, {"timeline", 1}, {"stanza", "shop"}};
  const auto second = [&](const Json& repository, const Json& saved) {
    const auto all = verbs(RunKind::kRollback, repository, saved);
    return all.size() > 1 ? all[1] : all.front();
  };
  const Json repository{{"stanza", "shop"}};
  EXPECT_EQ(second(repository, {{"catalog", catalog}, {"backup", "/d"}, {"manifest", "/m"}, {"point", point}}),
            "restore");
  EXPECT_EQ(second(repository, {{"catalog", catalog}, {"backup", ""}, {"manifest", "/m"}, {"point", point}}),
            "recover");
  EXPECT_EQ(second(repository, {{"catalog", catalog},
                                {"backup", "/d"},
                                {"manifest", "/m"},
                                {"point", {{"to_time", "2026-01-01 00:00:00+00"}}}}),
            "recover");
  EXPECT_THAT(second(nullptr, {{"catalog", catalog}, {"backup", ""}, {"manifest", "/m"}, {"point", point}}),
              ::testing::HasSubstr("backout.yaml names no stanza"));
}

}  // namespace
}  // namespace backout::postgresql

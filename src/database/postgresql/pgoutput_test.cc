// Bytes that a real server sent (PostgreSQL 15.20), and what is cut, longer or changed anywhere.
#include "database/postgresql/pgoutput.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "fuzz/pgoutput_reader.h"

namespace backout::postgresql {
namespace {

// CREATE TABLE s.t (id int PRIMARY KEY, v varchar(20), m s.mood): inserts, updates, a delete, a message.
constexpr const char* kGolden[] = {
    "420000000001b8b5e0000303d3952c868c000002d6",
    "59000040037300"
    "6d6f6f6400",
    "5200004005730074006400030169640000000017ffffffff0076000000041300000018006d0000004003ffffffff",
    "49000040054e00037400000001317400000003610962740000000466696e65", "49000040054e00037400000001326e6e",
    "43000000000001b8b5e00000000001b8b610000303d3952c868c", "420000000001b8b770000303d3952cf502000002d7",
    "55000040054e0003740000000131740000000163740000000466696e65",
    "55000040054b00037400000001326e6e4e00037400000001336e6e", "44000040054b00037400000001316e6e",
    "4d010000000001b8b7707072650000000003636f6e", "43000000000001b8b7700000000001b8b7a0000303d3952cf502",
    // A long value that was not touched; a table that is REPLICA IDENTITY FULL.
    "420000000001b8e950000303d396c59a0b000002d8",
    "52000040017075626c6963006c006400030169640000000017ffffffff00620000000019ffffffff006e0000000017ffffffff",
    "55000040014e000374000000013175740000000131",
    "52000040097075626c696300660066000201610000000017ffffffff01620000000019ffffffff",
    "55000040094f00027400000001317400000001784e0002740000000131740000000179",
    "44000040094f0002740000000131740000000179", "43000000000001b8e9500000000001b8e980000303d396c59a0b",
    "420000000001b8da80000303d3952ded60000002da", "54000000010300004005",
    "43000000000001b8da800000000001b8db90000303d3952ded60",
    // TRUNCATE ... RESTART IDENTITY CASCADE; what came by way of an origin.
    "420000000001b8de100002ea470ae86000000002db", "4f00000000000000ab6f00", "49000040054e00037400000001396e6e",
    "43000000000001b8de100000000001b8de780002ea470ae86000"};

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::strtol(std::string(hex.substr(i, 2)).c_str(), nullptr, 16));
  return bytes;
}

/// The value and the bytes that it points into.
template <class Message>
struct Parsed {
  std::string bytes;
  Message message;
};
template <class Message>
Parsed<Message> golden(size_t at) {
  Parsed<Message> parsed{bytes_of(kGolden[at]), {}};
  const auto output = parse_pgoutput(parsed.bytes);
  EXPECT_TRUE(output) << output.error().message;
  if (output && std::holds_alternative<Message>(*output))
    parsed.message = std::get<Message>(*output);
  else
    ADD_FAILURE() << kGolden[at] << " is another message";
  return parsed;
}

TEST(PgOutput, BytesOfAServerAreRead) {
  const auto begin = golden<PgBegin>(0);
  EXPECT_EQ(begin.message.final_lsn, 0x1b8b5e0U);
  EXPECT_EQ(begin.message.xid, 0x2d6U);
  const auto type = golden<PgType>(1);
  EXPECT_EQ(type.message.name, "mood");
  const auto relation = golden<PgRelation>(2);
  EXPECT_EQ(relation.message.schema, "s");
  EXPECT_EQ(relation.message.name, "t");
  EXPECT_EQ(relation.message.identity, 'd');
  ASSERT_EQ(relation.message.columns.size(), 3U);
  EXPECT_TRUE(relation.message.columns[0].in_key);
  EXPECT_EQ(relation.message.columns[0].name, "id");
  EXPECT_FALSE(relation.message.columns[1].in_key);
  EXPECT_EQ(relation.message.columns[1].modifier, 24);
  const auto insert = golden<PgInsert>(3);
  EXPECT_EQ(insert.message.relation, 0x4005U);
  ASSERT_EQ(insert.message.now.size(), 3U);
  EXPECT_EQ(insert.message.now[1].bytes, "a\tb");
  EXPECT_EQ(golden<PgInsert>(4).message.now[1].kind, PgFieldKind::kNull);
  const auto commit = golden<PgCommit>(5);
  EXPECT_EQ(commit.message.lsn, 0x1b8b5e0U);
  EXPECT_EQ(commit.message.end_lsn, 0x1b8b610U);
}

TEST(PgOutput, WhatARowWasIsRead) {
  EXPECT_EQ(golden<PgUpdate>(7).message.old, PgOld::kNone);
  const auto moved = golden<PgUpdate>(8);
  EXPECT_EQ(moved.message.old, PgOld::kKey);
  EXPECT_EQ(moved.message.before[0].bytes, "2");
  EXPECT_EQ(moved.message.now[0].bytes, "3");
  EXPECT_EQ(golden<PgDelete>(9).message.before[0].bytes, "1");
  const auto said = golden<PgMessage>(10);
  EXPECT_TRUE(said.message.transactional);
  EXPECT_EQ(said.message.prefix, "pre");
  EXPECT_EQ(said.message.content, "con");
  EXPECT_EQ(golden<PgUpdate>(14).message.now[1].kind, PgFieldKind::kUnchanged);
  EXPECT_EQ(golden<PgRelation>(15).message.identity, 'f');
  const auto whole = golden<PgUpdate>(16);
  EXPECT_EQ(whole.message.old, PgOld::kWhole);
  EXPECT_EQ(whole.message.before[1].bytes, "x");
  EXPECT_EQ(golden<PgDelete>(17).message.old, PgOld::kWhole);
  const auto truncate = golden<PgTruncate>(20);
  EXPECT_TRUE(truncate.message.cascade && truncate.message.restart_identity);
  EXPECT_EQ(truncate.message.relations, std::vector<uint32_t>{0x4005});
  EXPECT_EQ(golden<PgOrigin>(23).message.name, "o");
}

TEST(PgOutput, WhatIsCutOrTooLongIsAnError) {
  for (const char* hex : kGolden) {
    const std::string bytes = bytes_of(hex);
    for (size_t size = 0; size < bytes.size(); ++size) {
      // In memory of its own, so that a sanitizer sees a byte too many.
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(parse_pgoutput({cut.data(), cut.size()})) << hex << " cut after " << size;
    }
    EXPECT_FALSE(parse_pgoutput(bytes + "x")) << hex;
  }
  EXPECT_FALSE(parse_pgoutput("Z"));
  EXPECT_EQ(parse_pgoutput(std::string("S\0\0\0\1\1", 6)).error().code, Code::kUnsupported);
  // More fields, relations and bytes than there can be.
  EXPECT_FALSE(parse_pgoutput(bytes_of("49000040054effff")));
  EXPECT_FALSE(parse_pgoutput(bytes_of("54ffffffff00")));
  EXPECT_FALSE(parse_pgoutput(bytes_of("49000040054e000174ffffffff31")));
}

TEST(PgOutput, AnyBytesAreAMessageOrAnError) {
  const char* said = std::getenv("BACKOUT_RANDOM_SEED");
  const unsigned seed = said == nullptr ? 7 : static_cast<unsigned>(std::atoi(said));
  std::printf("BACKOUT_RANDOM_SEED=%u\n", seed);
  std::mt19937 random(seed);
  std::string whole;
  for (const char* hex : kGolden) {
    const std::string bytes = bytes_of(hex);
    whole += static_cast<char>(bytes.size() >> 8U);
    whole += static_cast<char>(bytes.size() & 0xffU);
    whole += bytes;
  }
  const auto one = [](const std::string& bytes) {
    const std::vector<char> own(bytes.begin(), bytes.end());  // of its own, for a sanitizer
    fuzz_pgoutput({own.data(), own.size()});
  };
  one("");
  one(whole);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random() % 256); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8))); break;
        case 2: bytes.erase(at, 1 + random() % 8); break;
        default: bytes.insert(at, 1 + random() % 4, static_cast<char>(random() % 256)); break;
      }
      if (bytes.empty()) bytes = "x";
    }
    one(bytes);
  }
}

}  // namespace
}  // namespace backout::postgresql

// What a stream of changes comes to, with messages that are made here as a server would.
#include "database/postgresql/slot_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace backout::postgresql {
namespace {

constexpr uint32_t kTable = 500;

std::string big_endian(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((value >> (8 * i)) & 0xffU);
  return out;
}
std::string begin(uint32_t transaction) {
  return "B" + big_endian(9, 8) + big_endian(0, 8) + big_endian(transaction, 4);
}
std::string commit() { return "C" + big_endian(0, 1) + big_endian(9, 8) + big_endian(10, 8) + big_endian(0, 8); }
/// `columns`: "*id" is in the key.
std::string relation(const std::vector<std::string>& columns, char identity = 'd', uint32_t oid = kTable) {
  std::string out = "R" + big_endian(oid, 4) + "public" + '\0' + "t" + '\0' + identity + big_endian(columns.size(), 2);
  for (const std::string& column : columns) {
    const bool key = column[0] == '*';
    out += big_endian(key ? 1 : 0, 1) + column.substr(key ? 1 : 0) + '\0' + big_endian(23, 4) + big_endian(0, 4);
  }
  return out;
}
/// "-": null, "~": not sent.
std::string row(const std::vector<std::string>& values) {
  std::string out = big_endian(values.size(), 2);
  for (const std::string& value : values)
    out += value == "-" ? "n" : value == "~" ? "u" : "t" + big_endian(value.size(), 4) + value;
  return out;
}
std::string insert(const std::vector<std::string>& values) { return "I" + big_endian(kTable, 4) + "N" + row(values); }
std::string update(const std::vector<std::string>& values) { return "U" + big_endian(kTable, 4) + "N" + row(values); }
std::string update(const std::vector<std::string>& before, const std::vector<std::string>& values) {
  return "U" + big_endian(kTable, 4) + "K" + row(before) + "N" + row(values);
}
std::string remove(const std::vector<std::string>& before) { return "D" + big_endian(kTable, 4) + "K" + row(before); }
std::string truncate() { return "T" + big_endian(1, 4) + big_endian(0, 1) + big_endian(kTable, 4); }

class Changes : public ::testing::Test {
 protected:
  static SlotChanges made(size_t bytes = 1U << 20) {
    SlotChanges changes(*Snapshot::parse("100:103:101"), *Snapshot::parse("200:200:"), bytes);
    changes.want({.id = 1, .key = {{"id", "number"}}, .relations = {kTable}});
    return changes;
  }
  static void all(SlotChanges& changes, const std::vector<std::string>& messages) {
    for (const std::string& message : messages) {
      const auto taken = changes.take(message);
      ASSERT_TRUE(taken) << taken.error().message;
    }
  }
  static SlotNet net(const std::vector<std::string>& inside) {
    SlotChanges changes = made();
    all(changes, {begin(150), relation({"*id", "v"})});
    all(changes, inside);
    all(changes, {commit()});
    return changes.net(1);
  }
};

TEST_F(Changes, FirstAndLastOfAKeyDecide) {
  const SlotNet seen = net({insert({"1", "a"}), insert({"2", "a"}), remove({"2", "-"}), update({"3", "b"}),
                            remove({"4", "-"}), remove({"5", "-"}), insert({"5", "x"}), update({"6", "b"}),
                            remove({"6", "-"}), update({"7", "-"}, {"8", "b"})});
  EXPECT_EQ(seen.doubt, "");
  EXPECT_EQ(seen.inserted, 2);  // 1, 8
  EXPECT_EQ(seen.deleted, 3);   // 4, 6, 7
  EXPECT_EQ(seen.written, (std::vector<std::string>{"3", "5"}));
}

TEST_F(Changes, TransactionsOfAnotherTimeDoNotCount) {
  SlotChanges changes = made();
  // 99: seen by the first snapshot; 101: not; 102: seen; 250: not yet seen by the second.
  all(changes, {begin(99), relation({"*id", "v"}), insert({"1", "a"}), commit()});
  all(changes, {begin(101), insert({"2", "a"}), commit(), begin(102), insert({"3", "a"}), commit()});
  all(changes, {begin(250), insert({"4", "a"}), truncate(), commit()});
  EXPECT_EQ(changes.net(1).inserted, 1);
  EXPECT_EQ(changes.changes(), 1);
}

TEST_F(Changes, NumbersThatCameRoundAreTheNearest) {
  const auto snapshot = Snapshot::parse("8589934500:8589934610:8589934600");
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->whole(10), 8589934602U);
  EXPECT_EQ(snapshot->whole(4294967295U), 8589934591U);
  EXPECT_FALSE(snapshot->sees(8589934600U));
  EXPECT_TRUE(snapshot->sees(8589934601U));
  for (const char* wrong : {"", "1", "1:2", "x:1:", "1:2:x", "2:1:", "1:2:3;4", "0:0:"})
    EXPECT_FALSE(Snapshot::parse(wrong)) << wrong;
}

TEST_F(Changes, WhatLeavesADoubtIsNoCount) {
  EXPECT_EQ(net({insert({"1", "a"}), truncate(), insert({"2", "a"})}).doubt, "it was truncated");
  EXPECT_NE(net({relation({"*v", "id"}), insert({"1", "a"})}).doubt.find("another key"), std::string::npos);
  EXPECT_NE(net({relation({"*id", "*v"}), insert({"1", "a"})}).doubt.find("another key"), std::string::npos);
  EXPECT_NE(net({insert({"1", "a"}), insert({"1", "a"})}).doubt.find("do not follow"), std::string::npos);
  EXPECT_NE(net({update({"~", "a"})}).doubt.find("was not sent"), std::string::npos);
  EXPECT_NE(net({insert({"-", "a"})}).doubt.find("was not sent"), std::string::npos);
  SlotChanges few = made(300);
  all(few, {begin(150), relation({"*id", "v"}), insert({"1", "a"}), insert({"2", "a"}), insert({"3", "a"}),
            insert({"4", "a"}), commit()});
  EXPECT_NE(few.net(1).doubt.find("too many"), std::string::npos);
  EXPECT_NE(few.net(7).doubt, "");
}

TEST_F(Changes, AColumnThatMovedOrARenamedKeyIsFollowed) {
  const SlotNet seen = net({insert({"1", "a"}), relation({"w", "*number", "x"}), insert({"-", "2", "-"}),
                            update({"-", "1", "b"}), relation({"*number", "v"}, 'f'), remove({"2", "-"})});
  EXPECT_EQ(seen.doubt, "");
  EXPECT_EQ(seen.inserted, 1);
}

TEST_F(Changes, AStreamOutOfOrderIsAnError) {
  SlotChanges changes = made();
  EXPECT_FALSE(changes.take(insert({"1", "a"})));
  EXPECT_FALSE(changes.take(commit()));
  ASSERT_TRUE(changes.take(begin(150)));
  EXPECT_FALSE(changes.take(insert({"1", "a"})));  // the table was not described
  EXPECT_FALSE(changes.take(begin(151)));
}

TEST_F(Changes, KeysAreWrittenAsCopyWritesThem) {
  EXPECT_EQ(net({update({"a\tb\\\n", "x"})}).written, std::vector<std::string>{"a\\tb\\\\\\n"});
  EXPECT_EQ(net({update({"", "x"})}).written, std::vector<std::string>{""});
}

TEST_F(Changes, RandomHistoriesComeToWhatTheTablesDifferBy) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::map<std::string, int> table;
    for (int i = 0; i < 20; i += 2) table[std::to_string(i)] = 0;
    const auto before = table;
    std::set<std::string> touched;
    std::vector<std::string> messages;
    for (int i = 0; i < 60; ++i) {
      const std::string key = std::to_string(random() % 20), other = std::to_string(random() % 20);
      const bool there = table.contains(key);
      if (!there) {
        messages.push_back(insert({key, "v"}));
        table[key] = i;
      } else if (random() % 3 == 0) {
        messages.push_back(remove({key, "-"}));
        table.erase(key);
      } else if (random() % 3 == 0 && !table.contains(other)) {
        messages.push_back(update({key, "-"}, {other, "v"}));
        table.erase(key);
        table[other] = i;
        touched.insert(other);
      } else {
        messages.push_back(update({key, "v"}));
      }
      touched.insert(key);
    }
    const SlotNet seen = net(messages);
    ASSERT_EQ(seen.doubt, "");
    int64_t inserted = 0, deleted = 0;
    std::vector<std::string> written;
    for (const auto& [key, value] : table) inserted += before.contains(key) ? 0 : 1;
    for (const auto& [key, value] : before) deleted += table.contains(key) ? 0 : 1;
    for (const std::string& key : touched)
      if (before.contains(key) && table.contains(key)) written.push_back(key);
    EXPECT_EQ(seen.inserted, inserted);
    EXPECT_EQ(seen.deleted, deleted);
    EXPECT_EQ(seen.written, written);
  }
}

}  // namespace
}  // namespace backout::postgresql

#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kPartitionRules[] = {
    {"partition-added", Fit::kYes, "",
     "rows of its range are taken that were refused, or went to the default partition"},
    {"partition-attached", Fit::kNo, "X", "it was a table of its own: the parent's SELECT returns its rows now"},
    {"partition-detached", Fit::kNo, "WX",
     "the parent no longer shows its rows, and refuses new ones of its range (23514)"},
    {"partition-removed", Fit::kNo, "RWXD", "its rows are gone, and new ones of its range are refused (23514)"},
    {"partition-bounds", Fit::kNo, "WX", "it takes other rows; those that no partition takes are refused (23514)"},
    {"partition-key", Fit::kNo, "WU", "rows are distributed in another way; keys and ON CONFLICT may not be the same"},
};

void compare_all_partitions(const Sides& sides, Findings& findings) {
  for (const Table& table : sides.wanted.tables) {
    const std::string name = table.full_name();
    const Table* other = find(sides.there.tables, name);
    if (other == nullptr) {
      if (!table.partition_bound.empty() && counterpart(sides, table) == nullptr)
        findings.add("partition-removed", name);
      continue;
    }
    if (table.partition_key != other->partition_key)
      findings.add("partition-key", name,
                   "was " + (table.partition_key.empty() ? "none" : table.partition_key) + ", is " +
                       (other->partition_key.empty() ? "none" : other->partition_key));
    if (table.partition_bound == other->partition_bound && table.parents == other->parents) continue;
    if (table.partition_bound.empty() && other->partition_bound.empty()) continue;  // inheritance
    if (other->partition_bound.empty()) {
      findings.add("partition-detached", name);
    } else if (table.partition_bound.empty()) {
      findings.add("partition-attached", name);
    } else {
      findings.add("partition-bounds", name, "was " + table.partition_bound + ", is " + other->partition_bound);
    }
  }
  for (const Table& table : sides.there.tables)
    if (!table.partition_bound.empty() && predecessor(sides, table) == nullptr)
      findings.add("partition-added", table.full_name());
}

}  // namespace

const Family kPartitions{"partitions", kPartitionRules, &compare_all_partitions};

}  // namespace backout::schema::postgresql

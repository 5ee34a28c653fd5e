#include <fmt/format.h>

#include "base/text.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/same_catalog.h"

namespace backout::postgresql {
namespace {

constexpr size_t kMostFaults = 20;

void compare_table(const std::string& what, const TableContent* found, const TableContent* wanted,
                   std::vector<std::string>& faults) {
  if (found == nullptr) {
    faults.push_back(what + " is missing");
  } else if (wanted == nullptr) {
    faults.push_back(what + " is not in the manifest");
  } else if (found->rows != wanted->rows) {
    faults.push_back(fmt::format("{}: {}, the manifest says {}", what, counted(found->rows, "row"), wanted->rows));
  } else if (found->hash != wanted->hash) {
    faults.push_back(what + ": the content of its rows is not what the manifest says");
  } else if (found->unlogged != wanted->unlogged) {
    faults.push_back(what + (wanted->unlogged ? ": it was unlogged" : ": it is unlogged"));
  }
}

template <class Map>
const typename Map::mapped_type* find_in(const Map& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

/// A sequence may have gone on between the two looks at it that the manifest has: the dump's value lies in between.
bool lies_between(const SequencePosition& found, const SequencePosition& before, const SequencePosition& after) {
  const auto next = [](const SequencePosition& at) {
    return at.is_called ? at.last_value + at.increment : at.last_value;
  };
  const int64_t first = next(before), last = next(after);
  const bool turned = (after.increment > 0) != (last >= first);  // setval or CYCLE meanwhile
  return turned || (std::min(first, last) <= next(found) && next(found) <= std::max(first, last));
}

void compare_sequences(const std::map<std::string, SequencePosition>& found, const Manifest& manifest,
                       std::vector<std::string>& faults) {
  for (const auto& [name, before] : manifest.sequences) {
    const SequencePosition* there = find_in(found, name);
    const SequencePosition* after = find_in(manifest.sequences_after, name);
    if (there == nullptr)
      faults.push_back("sequence " + name + " is missing");
    else if (!lies_between(*there, before, after == nullptr ? before : *after))
      faults.push_back(
          fmt::format("sequence {} is at {}, the manifest says {}", name, there->last_value, before.last_value));
  }
}

void compare_content(const Content& found, const Content& wanted, std::vector<std::string>& faults) {
  for (const auto& [name, table] : wanted.tables)
    compare_table("table " + name, find_in(found.tables, name), &table, faults);
  for (const auto& [name, there] : found.tables)
    if (!wanted.tables.contains(name)) compare_table("table " + name, &there, nullptr, faults);
  compare_table("large objects", &found.large_objects, &wanted.large_objects, faults);
}

Result<void> compare_catalog(const schema::postgresql::Catalog& found, const Manifest& manifest,
                             std::vector<std::string>& faults, std::vector<std::string>& notes) {
  const auto wanted = TRY(schema::postgresql::catalog_from_json(manifest.catalog).with_context("the manifest"));
  CatalogDifferences differences = differences_of(found, wanted);
  faults.insert(faults.end(), differences.faults.begin(), differences.faults.end());
  notes.insert(notes.end(), differences.notes.begin(), differences.notes.end());
  return {};
}

std::vector<std::string> without_the_rest(std::vector<std::string> faults) {
  if (faults.size() <= kMostFaults) return faults;
  faults.resize(kMostFaults);
  faults.emplace_back("and more");
  return faults;
}

}  // namespace

Result<std::vector<std::string>> faults_between(const Manifest& found, const Manifest& wanted) {
  std::vector<std::string> faults, notes;
  compare_content(found.content, wanted.content, faults);
  compare_sequences(found.sequences, wanted, faults);
  const auto catalog = TRY(schema::postgresql::catalog_from_json(found.catalog).with_context("what was restored"));
  TRY_VOID(compare_catalog(catalog, wanted, faults, notes));
  return without_the_rest(std::move(faults));
}

Result<std::vector<std::string>> faults_of(Connection& connection, const Manifest& manifest,
                                           std::vector<std::string>& notes, const Progress& progress) {
  std::vector<std::string> faults;
  TRY_VOID(connection.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  const Content found = TRY(read_content(connection, [&](const CountedTable& next) {
    if (progress) progress("comparing " + next.name + " with the manifest");
    return faults.size() < kMostFaults;
  }));
  compare_content(found, manifest.content, faults);
  compare_sequences(TRY(read_sequences(connection)), manifest, faults);
  const auto catalog = TRY(read_catalog(connection).with_context("reading the catalogue"));
  TRY_VOID(compare_catalog(catalog, manifest, faults, notes));
  TRY_VOID(connection.exec("COMMIT"));
  return without_the_rest(std::move(faults));
}

}  // namespace backout::postgresql

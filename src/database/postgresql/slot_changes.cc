#include "database/postgresql/slot_changes.h"

#include <algorithm>
#include <type_traits>

#include "database/postgresql/row_stream.h"

namespace backout::postgresql {
namespace {

constexpr size_t kAround = 96;  // bytes that a key takes beside its own

/// As COPY ... TO writes a value.
void add_escaped(std::string& out, std::string_view value) {
  if (value.find_first_of("\\\b\f\n\r\t\v") == std::string_view::npos)
    out += value;
  else
    out += copy_field(std::string(value));
}

}  // namespace

void SlotChanges::want(SlotTable table) {
  Table& kept = tables_[table.id];
  for (const uint32_t relation : table.relations) shapes_[relation].table = &kept;
  kept.wanted = std::move(table);
}

void SlotChanges::doubt(Table& table, std::string why) {
  if (!table.doubt.empty()) return;
  table.doubt = std::move(why);
  left_ += table.bytes;
  table.bytes = 0;
  table.keys = {};
}

Result<void> SlotChanges::take(std::string_view message) {
  const PgOutput output = TRY(parse_pgoutput(message));
  return std::visit(
      [&](const auto& each) -> Result<void> {
        using Kind = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Kind, PgBegin>) {
          if (open_) return Error{Code::kCorrupt, "a transaction begins inside another one", ""};
          const uint64_t transaction = until_.whole(each.xid);
          open_ = true;
          counts_ = !since_.sees(transaction) && until_.sees(transaction);
        } else if constexpr (std::is_same_v<Kind, PgCommit>) {
          if (!open_) return Error{Code::kCorrupt, "a transaction ends that did not begin", ""};
          open_ = counts_ = false;
        } else if constexpr (std::is_same_v<Kind, PgRelation> || std::is_same_v<Kind, PgInsert> ||
                             std::is_same_v<Kind, PgUpdate> || std::is_same_v<Kind, PgDelete> ||
                             std::is_same_v<Kind, PgTruncate>) {
          return took(each);
        }
        return {};
      },
      output);
}

Result<void> SlotChanges::took(const PgRelation& relation) {
  // Also inside a transaction that does not count: it is told once.
  const auto found = shapes_.find(relation.oid);
  if (found == shapes_.end()) return {};
  Shape& shape = found->second;
  shape.known = true;
  shape.places.clear();
  for (const auto& names : shape.table->wanted.key) {
    const auto column = std::find_if(relation.columns.begin(), relation.columns.end(), [&](const PgColumn& each) {
      return each.in_key && std::find(names.begin(), names.end(), each.name) != names.end();
    });
    if (column == relation.columns.end()) {
      doubt(*shape.table, "what tells its rows apart was another key meanwhile");
      return {};
    }
    shape.places.push_back(static_cast<size_t>(column - relation.columns.begin()));
  }
  const auto in_key =
      std::count_if(relation.columns.begin(), relation.columns.end(), [](const PgColumn& each) { return each.in_key; });
  if (relation.identity != 'f' && static_cast<size_t>(in_key) != shape.places.size())
    doubt(*shape.table, "what tells its rows apart was another key meanwhile");
  return {};
}

Result<SlotChanges::Shape*> SlotChanges::shape_of(uint32_t relation) {
  if (!open_) return Error{Code::kCorrupt, "a change outside of any transaction", ""};
  const auto found = shapes_.find(relation);
  if (!counts_ || found == shapes_.end() || !found->second.table->doubt.empty()) return nullptr;
  if (!found->second.known) return Error{Code::kCorrupt, "a change of a table that was not described", ""};
  return &found->second;
}

std::optional<std::string> SlotChanges::key_of(const Shape& shape, const PgTuple& row, const PgTuple* old) {
  std::string key;
  for (size_t i = 0; i < shape.places.size(); ++i) {
    const size_t place = shape.places[i];
    if (place >= row.size()) return std::nullopt;
    const PgField* field = &row[place];
    if (field->kind == PgFieldKind::kUnchanged && old != nullptr && place < old->size()) field = &(*old)[place];
    if (field->kind != PgFieldKind::kText) return std::nullopt;
    if (i > 0) key += '\t';
    add_escaped(key, field->bytes);
  }
  return key;
}

void SlotChanges::write(Table& table, const std::optional<std::string>& key, State from_to) {
  if (!table.doubt.empty()) return;
  if (!key) return doubt(table, "the key of a row was not sent");
  const auto [at, is_new] = table.keys.try_emplace(*key, from_to);
  if (!is_new) {
    if (at->second.now != from_to.before) return doubt(table, "its changes do not follow from one another");
    at->second.now = from_to.now;
    return;
  }
  const size_t bytes = key->size() + kAround;
  if (bytes > left_) return doubt(table, "too many of its rows changed to keep count of them");
  left_ -= bytes;
  table.bytes += bytes;
}

Result<void> SlotChanges::took(const PgInsert& insert) {
  const Shape* shape = TRY(shape_of(insert.relation));
  if (shape == nullptr) return {};
  ++changes_;
  write(*shape->table, key_of(*shape, insert.now, nullptr), {false, true});
  return {};
}

Result<void> SlotChanges::took(const PgUpdate& update) {
  const Shape* shape = TRY(shape_of(update.relation));
  if (shape == nullptr) return {};
  ++changes_;
  const PgTuple* old = update.old == PgOld::kNone ? nullptr : &update.before;
  const auto now = key_of(*shape, update.now, old);
  const auto before = old == nullptr ? now : key_of(*shape, *old, nullptr);
  if (before == now) {
    write(*shape->table, now, {true, true});
  } else {
    write(*shape->table, before, {true, false});
    write(*shape->table, now, {false, true});
  }
  return {};
}

Result<void> SlotChanges::took(const PgDelete& removal) {
  const Shape* shape = TRY(shape_of(removal.relation));
  if (shape == nullptr) return {};
  ++changes_;
  write(*shape->table, key_of(*shape, removal.before, nullptr), {true, false});
  return {};
}

Result<void> SlotChanges::took(const PgTruncate& truncate) {
  if (!open_) return Error{Code::kCorrupt, "a change outside of any transaction", ""};
  for (const uint32_t relation : truncate.relations)
    if (const auto found = shapes_.find(relation); counts_ && found != shapes_.end())
      doubt(*found->second.table, "it was truncated");
  return {};
}

SlotNet SlotChanges::net(int64_t id) const {
  SlotNet net;
  const auto found = tables_.find(id);
  if (found == tables_.end()) {
    net.doubt = "the slot has no changes of it";
    return net;
  }
  net.doubt = found->second.doubt;
  for (const auto& [key, state] : found->second.keys) {
    if (!state.before && state.now) ++net.inserted;
    if (state.before && !state.now) ++net.deleted;
    if (state.before && state.now) net.written.push_back(key);
  }
  std::sort(net.written.begin(), net.written.end());
  return net;
}

}  // namespace backout::postgresql

#include "journal/sql_tables.h"

#include <limits>

namespace backout::journal {
namespace {

#define EVENT_COLUMNS "site, seq, id, type, at_ms, boot_ms, boot_id, actor, run, body, prev, hash"

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

StoredEvent event_in(const Row& row) {
  const auto text = [&](int column) { return std::string(row.text(column)); };
  return {.site = text(0),
          .seq = row.integer(1),
          .id = text(2),
          .type = text(3),
          .at_ms = row.integer(4),
          .boot_ms = row.integer(5),
          .boot_id = text(6),
          .actor = text(7),
          .run = text(8),
          .body = text(9),
          .prev = text(10),
          .hash = text(11)};
}

EachRow handing(const EachEvent& each) {
  return [&each](const Row& row) { return each(event_in(row)); };
}

Result<Json> document_in(std::string_view bytes) {
  return parse_json(bytes).with_context("a read model of the journal");
}

}  // namespace

Result<Head> Events::head(const SiteId& site) {
  Head head;
  TRY_VOID(
      store_.query("SELECT seq, hash FROM heads WHERE site = $1", {site.str()}, [&](const Row& row) -> Result<void> {
        head = {row.integer(0), std::string(row.text(1))};
        return {};
      }));
  return head;
}

Result<void> Events::set_head(const SiteId& site, const Head& head) {
  TRY_VOID(
      store_.execute("INSERT INTO heads (site, seq, hash) VALUES ($1, $2, $3)"
                     " ON CONFLICT (site) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                     {site.str(), head.seq, head.hash}));
  return {};
}

Result<void> Events::insert(const StoredEvent& e) {
  TRY_VOID(store_.execute("INSERT INTO events (" EVENT_COLUMNS ")"
                          " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                          {e.site, e.seq, e.id, e.type, e.at_ms, e.boot_ms, e.boot_id, e.actor, e.run, e.body, e.prev,
                           e.hash}));
  return {};
}

Result<std::optional<StoredEvent>> Events::find(const std::string& id) {
  std::optional<StoredEvent> found;
  TRY_VOID(
      store_.query("SELECT " EVENT_COLUMNS " FROM events WHERE id = $1", {id}, [&](const Row& row) -> Result<void> {
        found = event_in(row);
        return {};
      }));
  return found;
}

Result<void> Events::each(const SiteId& site, int64_t after, const RunId& run, int64_t limit, const EachEvent& each) {
  if (limit < 0) limit = kNoLimit;
  if (run.empty())
    return store_.query("SELECT " EVENT_COLUMNS " FROM events WHERE site = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                        {site.str(), after, limit}, handing(each));
  return store_.query("SELECT " EVENT_COLUMNS
                      " FROM events WHERE site = $1 AND run = $2 AND run <> '' AND seq > $3"
                      " ORDER BY seq LIMIT $4",
                      {site.str(), run.str(), after, limit}, handing(each));
}

Result<void> Events::each(const EachEvent& each) {
  return store_.query("SELECT " EVENT_COLUMNS " FROM events ORDER BY site, seq", {}, handing(each));
}

Result<std::map<std::string, Head>> Events::heads() {
  std::map<std::string, Head> heads;
  TRY_VOID(store_.query("SELECT site, seq, hash FROM heads", {}, [&](const Row& row) -> Result<void> {
    heads[std::string(row.text(0))] = {row.integer(1), std::string(row.text(2))};
    return {};
  }));
  return heads;
}

Result<std::optional<Document>> SqlTables::get(Model model, const SiteId& site, const std::string& key) {
  std::optional<Document> found;
  TRY_VOID(store_.query("SELECT ord, doc FROM models WHERE site = $1 AND model = $2 AND key = $3",
                        {site.str(), std::string(name_of(model)), key}, [&](const Row& row) -> Result<void> {
                          found = Document{row.integer(0), TRY(document_in(row.text(1)))};
                          return {};
                        }));
  return found;
}

Result<void> SqlTables::put(Model model, const SiteId& site, const std::string& key, const Document& document) {
  TRY_VOID(
      store_.execute("INSERT INTO models (site, model, key, ord, doc) VALUES ($1, $2, $3, $4, $5)"
                     " ON CONFLICT (site, model, key) DO UPDATE SET ord = excluded.ord, doc = excluded.doc",
                     {site.str(), std::string(name_of(model)), key, document.order, canonical(document.value)}));
  return {};
}

Result<std::vector<Json>> SqlTables::list(Model model, const SiteId& site, int64_t limit) {
  std::vector<Json> documents;
  TRY_VOID(store_.query("SELECT doc FROM models WHERE site = $1 AND model = $2 ORDER BY ord DESC LIMIT $3",
                        {site.str(), std::string(name_of(model)), limit < 0 ? kNoLimit : limit},
                        [&](const Row& row) -> Result<void> {
                          documents.push_back(TRY(document_in(row.text(0))));
                          return {};
                        }));
  return documents;
}

Result<void> SqlTables::each(Model model, const SiteId& site,
                             const std::function<Result<bool>(const Json& document)>& each) {
  // In pieces: a query cannot be left in the middle, and most readers want the first few.
  int64_t before = kNoLimit;
  for (int64_t piece = 4;; piece = std::min<int64_t>(piece * 4, 1024)) {
    int64_t rows = 0;
    bool on = true;
    TRY_VOID(store_.query(
        "SELECT ord, doc FROM models WHERE site = $1 AND model = $2 AND ord < $3 ORDER BY ord DESC LIMIT $4",
        {site.str(), std::string(name_of(model)), before, piece}, [&](const Row& row) -> Result<void> {
          ++rows;
          before = row.integer(0);
          if (on) on = TRY(each(TRY(document_in(row.text(1)))));
          return {};
        }));
    if (!on || rows < piece) return {};
  }
}

Result<void> SqlTables::clear() {
  TRY_VOID(store_.execute("DELETE FROM models", {}));
  return {};
}

Result<void> SqlTables::each(
    const std::function<Result<void>(const MemoryTables::Key& key, const Document& document)>& each) {
  return store_.query("SELECT site, model, key, ord, doc FROM models ORDER BY site, model, key", {},
                      [&](const Row& row) -> Result<void> {
                        auto document = TRY(document_in(row.text(4)));
                        return each({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))},
                                    {row.integer(3), std::move(document)});
                      });
}

}  // namespace backout::journal

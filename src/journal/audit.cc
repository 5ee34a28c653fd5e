#include "journal/audit.h"

#include <set>

#include "base/text.h"
#include "journal/sql_tables.h"

namespace backout::journal {
namespace {

/// One pass over all events in order of site and seq.
class Walk {
 public:
  explicit Walk(std::map<std::string, Head> heads) : heads_(std::move(heads)) {}

  Result<void> visit(const StoredEvent& event) {
    ++report_.events;
    if (event.site != site_) begin_site(event.site);
    if (event.seq != last_.seq + 1) {
      fault(fmt::format("{} seq {}: follows seq {}, so {} missing", one_line(event.site), event.seq, last_.seq,
                        event.seq == last_.seq + 2 ? fmt::format("{} is", last_.seq + 1)
                                                   : fmt::format("{} to {} are", last_.seq + 1, event.seq - 1)));
    } else if (event.prev != last_.hash) {
      fault(event, fmt::format("its previous hash is not the hash of seq {}", last_.seq));
    }
    if (chain_hash(event) != event.hash) fault(event, "its bytes are not those that were hashed");
    last_ = {event.seq, event.hash};
    const Result<Event> readable = parsed(event);
    if (!readable) {
      fault(event, "it cannot be read");
      return {};
    }
    return fold(*readable, models_);
  }

  void finish() {
    end_site();
    for (const auto& [site, head] : heads_)
      if (!seen_.contains(site))
        fault(fmt::format("{}: all {} are missing", one_line(site), counted(head.seq, "event")));
  }

  void compare(const std::map<MemoryTables::Key, Document>& stored) {
    std::map<MemoryTables::Key, int> differing;
    for (const auto& [key, document] : models_.all())
      if (const auto found = stored.find(key); found == stored.end() || found->second != document) differing[key] = 1;
    for (const auto& [key, document] : stored)
      if (!models_.all().contains(key)) differing[key] = 1;
    for (const auto& [key, one] : differing)
      fault(one_line(fmt::format("{}: read model {} '{}' does not follow from the events", std::get<0>(key),
                                 std::get<1>(key), std::get<2>(key))));
  }

  VerifyReport report() && { return std::move(report_); }
  void fault(std::string what) { report_.faults.push_back(std::move(what)); }

 private:
  void fault(const StoredEvent& event, std::string_view what) {
    fault(fmt::format("{} seq {}: {}", one_line(event.site), event.seq, what));
  }
  void begin_site(const std::string& site) {
    end_site();
    site_ = site;
    seen_.insert(site);
    last_ = {};
  }
  void end_site() {
    if (site_.empty()) return;
    const auto head = heads_.find(site_);
    if (head == heads_.end()) {
      fault(fmt::format("{}: has events but no head", one_line(site_)));
    } else if (head->second.seq != last_.seq) {
      fault(
          fmt::format("{} seq {}: the last event, but the head says {}", one_line(site_), last_.seq, head->second.seq));
    } else if (head->second.hash != last_.hash) {
      fault(fmt::format("{} seq {}: its hash is not the head's", one_line(site_), last_.seq));
    }
  }

  VerifyReport report_;
  std::map<std::string, Head> heads_;
  std::set<std::string> seen_;
  std::string site_;
  Head last_;
  MemoryTables models_;
};

}  // namespace

Result<VerifyReport> verify_journal(Store& store) {
  Walk walk(TRY(Events(store).heads()));
  const Result<void> walked = Events(store).each([&](const StoredEvent& event) { return walk.visit(event); });
  if (!walked && walked.error().code != Code::kCorrupt) return walked.error();
  if (!walked) walk.fault(walked.error().message);
  walk.finish();
  std::map<MemoryTables::Key, Document> stored;
  const Result<void> read = SqlTables(store).each([&](const MemoryTables::Key& key, const Document& document) {
    stored[key] = document;
    return Result<void>();
  });
  if (read) {
    walk.compare(stored);
  } else {
    walk.fault(read.error().message);
  }
  for (const std::string& fault : TRY(store.check())) walk.fault("the database file: " + fault);
  return std::move(walk).report();
}

Result<void> rebuild_models(Store& store) {
  SqlTables tables(store);
  TRY_VOID(tables.clear());
  return Events(store).each([&](const StoredEvent& event) -> Result<void> { return fold(TRY(parsed(event)), tables); });
}

Result<void> export_journal(Store& store, const std::string& journal_id,
                            const std::function<Result<void>(std::string_view line)>& line) {
  Json sites = Json::object();
  int64_t events = 0;
  TRY_VOID(Events(store).each([&](const StoredEvent& event) {
    ++events;
    sites[event.site] = {{"seq", event.seq}, {"hash", event.hash}};
    // Header and body stand in the line byte for byte as they were hashed, so that a reader need not re-encode them.
    return line(fmt::format(R"({{"header":{},"body":{},"prev":"{}","hash":"{}"}})", header_bytes(event), event.body,
                            event.prev, event.hash));
  }));
  return line(canonical({{"events", events}, {"journal", journal_id}, {"sites", sites}}));
}

}  // namespace backout::journal

// The SQL of the journal: events in and out of table events, read models in and out of table models.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "journal/chain.h"
#include "journal/fold.h"
#include "journal/store.h"

namespace backout::journal {

using EachEvent = std::function<Result<void>(const StoredEvent&)>;

struct Head {
  int64_t seq = 0;
  std::string hash = std::string(kFirstPrevious);
};

class Events {
 public:
  explicit Events(Store& store) : store_(store) {}
  Result<Head> head(const SiteId& site);
  Result<void> set_head(const SiteId& site, const Head& head);
  Result<void> insert(const StoredEvent& event);
  Result<std::optional<StoredEvent>> find(const std::string& id);
  /// Of a site with seq > after, oldest first; `run` empty: all runs; limit < 0: no limit.
  Result<void> each(const SiteId& site, int64_t after, const RunId& run, int64_t limit, const EachEvent& each);
  /// Of every site, by site and seq.
  Result<void> each(const EachEvent& each);
  Result<std::map<std::string, Head>> heads();

 private:
  Store& store_;
};

class SqlTables : public Tables {
 public:
  explicit SqlTables(Store& store) : store_(store) {}
  Result<std::optional<Document>> get(Model model, const SiteId& site, const std::string& key) override;
  Result<void> put(Model model, const SiteId& site, const std::string& key, const Document& document) override;
  /// Newest first.
  Result<std::vector<Json>> list(Model model, const SiteId& site, int64_t limit = -1);
  /// The same one by one, until `each` returns false.
  Result<void> each(Model model, const SiteId& site, const std::function<Result<bool>(const Json& document)>& each);
  Result<void> clear();
  Result<void> each(const std::function<Result<void>(const MemoryTables::Key& key, const Document& document)>& each);

 private:
  Store& store_;
};

}  // namespace backout::journal

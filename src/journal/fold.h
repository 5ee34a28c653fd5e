// Read models from events: what a journal says now, kept as small documents. Pure on top of Tables.
//
// Folding the same events in the same order gives the same documents, whether they are written one by one beside each
// append or all at once by rebuild(). A fold never fails on what an event says: an event about something unknown
// changes nothing, because it is in the chain already and must stay readable for ever.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "model/event.h"

namespace backout::journal {

enum class Model {
  kBackup,      // key: path; what is known of a backup beside those of checkpoints; "": how the last making of one went
  kCheckpoint,  // key: checkpoint id; the checkpoint
  kCurrent,     // key: ""; {release, since_ms, good_until_ms}: what the site serves, and until when that was known-good
  kJudgement,   // key: ""; fold_judgement.h
  kLease,       // key: ""; the newest lease, {released: true} when given back
  kLogLevel,    // key: ""; {state, why, until_ms, since_ms}
  kPlan,        // key: plan id; {seq}: the event that has the plan
  kRelease,     // key: release id; the release
  kRollback,    // key: run id of a rollback; {release, reason, by, sign?, also}: what it left, and why
  kRun,         // key: run id; what `status` shows of it
  kReady,       // key: ""; the newest answer of `backout ready`
  kStepTimes,   // key: <kind of run>/<step>; {kind, step, ms: [newest first]}
  kWatch,       // key: ""; the newest watch: its start, {open, looks, failed, recent, trouble, last, positions}
};
std::string_view name_of(Model model);

/// Counts up when the same events give other documents than before: a journal of another number has its documents made
/// anew when it is opened.
inline constexpr int kModelsVersion = 4;

/// How many durations of a step are kept.
inline constexpr size_t kKeptTimes = 10;
/// How many of the last looks of a watch are known one by one.
inline constexpr size_t kKeptLooks = 100;

struct Document {
  int64_t order = 0;  // seq of the event that began it; newest first is descending order
  Json value;
  bool operator==(const Document&) const = default;
};

class Tables {
 public:
  virtual ~Tables() = default;
  virtual Result<std::optional<Document>> get(Model model, const SiteId& site, const std::string& key) = 0;
  virtual Result<void> put(Model model, const SiteId& site, const std::string& key, const Document& document) = 0;
};

/// In memory: for checking the stored ones.
class MemoryTables : public Tables {
 public:
  using Key = std::tuple<std::string, std::string, std::string>;  // site, model, key
  Result<std::optional<Document>> get(Model model, const SiteId& site, const std::string& key) override;
  Result<void> put(Model model, const SiteId& site, const std::string& key, const Document& document) override;
  const std::map<Key, Document>& all() const { return documents_; }

 private:
  std::map<Key, Document> documents_;
};

/// Brings the documents up to date with one event. Errors are those of `tables`.
Result<void> fold(const Event& event, Tables& tables);

}  // namespace backout::journal

// Life: one process of backout in a test. When it is over, nothing of it acts or writes any more, as after kill -9;
// what it left (journal, machines) stays. MortalJournal: the journal as that process sees it.
#pragma once
#include <atomic>
#include <mutex>

#include "journal/journal.h"

namespace backout::fakes {

class Life {
 public:
  /// Dies right after its Nth append became durable; 0: before the first, below 0: never.
  explicit Life(int dies_after_append = -1) : dies_after_append_(dies_after_append), over_(dies_after_append == 0) {}
  bool over() const { return over_; }
  void end() { over_ = true; }
  int appends() const { return appends_; }

  // For MortalJournal: one append at a time, so that nothing is written after the one that was the last.
  std::mutex writing;
  void appended() {
    if (++appends_ == dies_after_append_) over_ = true;
  }

 private:
  const int dies_after_append_;
  std::atomic<int> appends_ = 0;
  std::atomic<bool> over_;
};

class MortalJournal : public journal::Journal {
 public:
  MortalJournal(journal::Journal& real, Life& life) : real_(real), life_(life) {}
  const std::string& id() const override { return real_.id(); }
  const std::string& directory() const override { return real_.directory(); }
  Result<std::vector<Event>> append(const SiteId& site, int64_t token, std::vector<journal::NewEvent> events) override {
    const std::lock_guard lock(life_.writing);
    if (life_.over()) return dead();
    auto stored = real_.append(site, token, std::move(events));
    if (!stored) return stored;
    life_.appended();
    if (life_.over()) return dead();
    return stored;
  }
  Result<std::vector<Event>> read(const SiteId& site, int64_t after, const RunId& run, int64_t limit) override {
    if (life_.over()) return dead();
    return real_.read(site, after, run, limit);
  }
  Result<journal::Lease> acquire(const SiteId& site, const std::string& doing, Millis ttl) override {
    return real_.acquire(site, doing, ttl);
  }
  Result<void> renew(const SiteId& site, int64_t token) override { return real_.renew(site, token); }
  Result<void> release(const SiteId& site, int64_t token) override { return real_.release(site, token); }
  Result<std::optional<journal::Lease>> holder(const SiteId& site) override { return real_.holder(site); }
  Result<std::vector<SiteId>> sites() override { return real_.sites(); }
  Result<std::vector<Release>> releases(const SiteId& site) override { return real_.releases(site); }
  Result<void> each_release(const SiteId& site, const std::function<bool(const Release&)>& each) override {
    return real_.each_release(site, each);
  }
  Result<journal::Serving> serving(const SiteId& site) override { return real_.serving(site); }
  Result<std::vector<journal::RollbackRow>> rollbacks(const SiteId& site, int limit) override {
    return real_.rollbacks(site, limit);
  }
  Result<std::vector<Checkpoint>> checkpoints(const SiteId& site) override { return real_.checkpoints(site); }
  Result<std::vector<Json>> backups(const SiteId& site) override { return real_.backups(site); }
  Result<std::vector<journal::RunRow>> runs(const SiteId& site, int limit) override { return real_.runs(site, limit); }
  Result<std::optional<Plan>> plan(const SiteId& site, const PlanId& id) override { return real_.plan(site, id); }
  Result<Json> ready(const SiteId& site) override { return real_.ready(site); }
  Result<std::map<std::string, std::vector<Millis>>> step_durations(const SiteId& site, RunKind kind) override {
    return real_.step_durations(site, kind);
  }
  Result<Json> watch(const SiteId& site) override { return real_.watch(site); }
  Result<Json> judgement(const SiteId& site) override { return real_.judgement(site); }
  Result<Json> log_level(const SiteId& site) override { return real_.log_level(site); }
  Result<int64_t> next_number(const SiteId& site, const std::string& kind) override {
    return real_.next_number(site, kind);
  }
  Result<journal::VerifyReport> verify() override { return real_.verify(); }
  Result<void> rebuild() override { return real_.rebuild(); }
  Result<void> export_to(const std::function<Result<void>(std::string_view line)>& line) override {
    return real_.export_to(line);
  }
  uint64_t reserve_bytes() const override { return real_.reserve_bytes(); }

 private:
  static Error dead() { return Error{Code::kUnavailable, "this process is dead", ""}; }
  journal::Journal& real_;
  Life& life_;
};

}  // namespace backout::fakes

// Makes a journal of a given length, as years of deploys would leave it: make_journal DIRECTORY SITE EVENTS
//
// A deploy is about forty events: the release, its run with ten steps of one command each, and its bake time. The last
// release but one is known-good, the last one is not, so that `plan` has somewhere to go.
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "journal/journal.h"
#include "model/release.h"

namespace {

using namespace backout;
using journal::NewEvent;

constexpr int kStepsOfADeploy = 10;

class History {
 public:
  History(journal::Journal& journal, SiteId site) : journal_(journal), site_(std::move(site)) {}

  Result<void> make(int64_t wanted) {
    while (wanted - written() > kEventsOfADeploy) TRY_VOID(deploy(true));
    // What is left: notes of people, then the release that is to be rolled back.
    while (wanted - written() > 2) TRY_VOID(add(EventType::kNote, {{"text", "seen on the dashboard"}, {"by", "dana"}}));
    TRY_VOID(release(false));
    return flush();
  }

 private:
  static constexpr int kEventsOfADeploy = 2 + 1 + 3 * kStepsOfADeploy + 1 + 1 + 2;

  int64_t written() const { return written_ + static_cast<int64_t>(pending_.size()); }

  Result<void> add(EventType type, Json body, const RunId& run = {}) {
    pending_.push_back({type, std::move(body), run, random_hex(16)});
    return pending_.size() < 500 ? Result<void>() : flush();
  }
  Result<void> flush() {
    written_ += static_cast<int64_t>(pending_.size());
    TRY(journal_.append(site_, 0, std::exchange(pending_, {})));
    return {};
  }

  std::string id() const { return fmt::format("R-{}", number_); }

  Result<void> release(bool good) {
    ++number_;
    Release release;
    release.id = ReleaseId(id());
    release.version = Version(fmt::format("v{}", number_));
    release.state = good ? ReleaseState::kGood : ReleaseState::kWatching;
    release.deployed_at = release.state_since = system_clock().wall();
    release.deployed_by = "dana";
    TRY_VOID(add(EventType::kReleaseRecorded, to_json(release)));
    return add(EventType::kReleaseCurrent,
               {{"release", id()}, {"version", release.version.str()}, {"why", "deployed"}});
  }

  Result<void> deploy(bool good) {
    const std::string from = fmt::format("v{}", number_);
    TRY_VOID(release(good));
    const RunId run(fmt::format("RUN-{:04}", number_));
    TRY_VOID(add(EventType::kRunStarted,
                 {{"kind", "deploy"}, {"plan", "0000beef"}, {"from", from}, {"to", fmt::format("v{}", number_)}}, run));
    for (int i = 0; i < kStepsOfADeploy; ++i) TRY_VOID(step(run, fmt::format("step-{}", i)));
    TRY_VOID(add(EventType::kRunEnded, {{"result", "done"}, {"exit", 0}, {"why", ""}}, run));
    return add(EventType::kReleaseState, {{"release", id()}, {"state", "known-good"}, {"why", "baked"}});
  }

  Result<void> step(const RunId& run, const std::string& name) {
    const Json who = {{"step", name}, {"host", "web-1"}, {"purpose", "apply"}};
    Json intended = who, ended = who, outcome = who;
    intended["attempt"] = ended["attempt"] = run.str() + "." + name;
    intended["command"] = {{"argv", {"/usr/bin/systemctl", "restart", "shop-web.service"}}, {"timeout_ms", 60'000}};
    ended["exit_status"] = 0;
    ended["took_ms"] = 120;
    ended["out_tail"] = "shop-web.service restarted, main process 4121";
    outcome["outcome"] = {{"kind", "applied"}, {"why", "restarted"}, {"took_ms", 120}, {"evidence", Json::object()}};
    TRY_VOID(add(EventType::kAttemptIntended, std::move(intended), run));
    TRY_VOID(add(EventType::kAttemptEnded, std::move(ended), run));
    return add(EventType::kStepEnded, std::move(outcome), run);
  }

  journal::Journal& journal_;
  SiteId site_;
  std::vector<NewEvent> pending_;
  int64_t written_ = 0;
  int number_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "make_journal DIRECTORY SITE EVENTS\n");
    return 2;
  }
  auto journal = backout::journal::Journal::open(argv[1], "bench", backout::system_clock());
  if (!journal) {
    std::fprintf(stderr, "%s\n", journal.error().message.c_str());
    return 1;
  }
  if (const auto made = History(**journal, backout::SiteId(argv[2])).make(std::atoll(argv[3])); !made) {
    std::fprintf(stderr, "%s\n", made.error().message.c_str());
    return 1;
  }
  return 0;
}

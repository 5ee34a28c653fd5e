// A checkout in place for the tests of its driver.
#pragma once
#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/code/checkout.h"

namespace backout::drivers {

/// A checkout at v2 on branch main with changes made by hand: edited, deleted, staged, untracked, and an ignored file
/// that is in the way of v1.
struct CheckoutSite {
  conformance::ScratchDirectory directory;
  const conformance::Repository& repository = conformance::Repository::shared();
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_checkout_driver();
  std::string path = directory / "shop";
  std::string snapshot = directory / "snapshot";

  CheckoutSite() {
    if (!conformance::other_user().empty())
      conformance::must("chown " + conformance::other_user() + " " + directory.path());
    conformance::must(conformance::as_other(
        "cd " + directory.path() + "; git clone -q " + repository.path() +
        " shop; cd shop; git checkout -q -B main v2; "
        "echo by hand >>app.txt; rm same.txt; echo staged >staged.txt; git add staged.txt; echo loose >loose.txt; "
        "ln -s loose.txt symlink; printf 'old.txt\\n' >>.git/info/exclude; echo ignored and in the way >old.txt; "
        "mkdir ignored; echo cache >ignored/cache; echo 'live data' >live.db"));
    conformance::must("cp -a " + path + " " + snapshot);
  }
  void restart() const { conformance::must("rm -rf " + path + "; cp -a " + snapshot + " " + path); }
  std::string in(const std::string& command) const {
    return conformance::as_other("cd " + path + " && { " + command + "; }");
  }

  Json build() const {
    return {{{"argv", {"sh", "-c", "cat app.txt >ignored/built; sleep 0.03"}}, {"timeout_ms", 20'000}}};
  }
  Json subject() const { return {{"path", path}, {"user", conformance::other_user()}, {"build", build()}}; }
  driver::Offering offering(const std::string& to = "v1") const {
    driver::Offering made;
    made.from = Version("v2");
    made.to = Version(to);
    made.subject = subject();
    made.hosts = {"local"};
    const auto seen = driver->observe(subject(), *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    made.seen["local"] = seen.value_or(Json::object());
    return made;
  }
  /// As the executor makes it concrete.
  static Action concrete(Action action) {
    if (action.args.contains("ref")) action.args["ref"] = "refs/backout/dirty-RUN-0001";
    return action;
  }
  Step step(const std::string& id) const {
    for (Step& each : conformance::offers_well(*driver, offering()))
      if (each.id.str() == id) {
        each.action = concrete(each.action);
        if (each.undo) each.undo = concrete(*each.undo);
        return each;
      }
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  void apply(const Action& action) const { conformance::apply_well(*driver, action, *local.host); }
  Sight look(const Action& action) const { return driver->verify(action, *local.host, {}); }

  /// v1 is there whole, with nothing of v2.
  bool is_v1() const {
    return conformance::holds(
        in("[ \"$(git symbolic-ref --short HEAD)\" = backout/rollback-v1 ] && [ \"$(git rev-parse HEAD)\" = " +
           repository.commit("v1") +
           " ] && [ \"$(cat app.txt)\" = one ] && [ \"$(cat old.txt)\" = only-in-v1 ] && [ ! -e new.txt ] && "
           "[ \"$(cat data/shared60)\" = 'one 60' ] && [ $(ls data | wc -l) = 60 ] && [ -e same.txt ] && "
           "GIT_OPTIONAL_LOCKS=0 git diff --quiet HEAD"));
  }
  /// Everything as in the snapshot: files, branch, commit, what is staged.
  bool is_as_found() const {
    const auto git = [](const std::string& where) {
      return conformance::answer(conformance::as_other(
          "cd " + where +
          "; GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS; git rev-parse HEAD; git symbolic-ref HEAD; "
          "git diff --cached; git status --porcelain; git ls-files --stage"));
    };
    return conformance::holds("diff -r --no-dereference --exclude=.git " + snapshot + " " + path + " >&2") &&
           git(snapshot) == git(path) && git(path).find("\nA  staged.txt\n") != std::string::npos;
  }
};

}  // namespace backout::drivers

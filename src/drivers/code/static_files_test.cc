#include "drivers/code/static_files.h"

#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/code/releases.h"

namespace backout::drivers {
namespace {

using conformance::holds;
using conformance::must;

/// v1's assets in its release, v2's in the web server's directory, with a file that somebody uploaded there.
struct StaticSite {
  conformance::ScratchDirectory directory;
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_releases_driver();
  std::string path = directory / "shop", to = directory / "srv/sta tic";

  StaticSite() { restart(); }
  void restart() const {
    must("rm -rf " + path + " " + (directory / "srv") + "; mkdir -p " + path + "/releases/v1/public/js " + path +
         "/releases/v2/public/js '" + to + "/js'; cd " + path +
         "/releases; ln -s releases/v2 ../current; echo one >v1/public/app.css; echo one >v1/public/js/app.111.js; "
         "echo \"it's\" >\"v1/public/odd 'name.js\"; ln -s app.css v1/public/linked.css; echo two >v2/public/app.css; "
         "echo two >v2/public/js/app.222.js; cp -r v2/public/* '" +
         to + "'; cd '" + to + "'; echo mine >uploaded; ln -s uploaded pointer");
  }
  Json subject(bool from = true) const {
    Json assets = {{"to", to}, {"keep_ms", 3600'000}};
    if (from) assets["from"] = "public";
    return {{"path", path}, {"keep", 5}, {"static", {assets}}};
  }
  driver::Offering offering(RunKind kind = RunKind::kRollback, bool from = true) const {
    driver::Offering made;
    made.kind = kind;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = subject(from);
    made.hosts = {"local"};
    made.seen["local"] = driver->observe(made.subject, *local.host, {}).value();
    return made;
  }
  Step step(const std::string& id, const driver::Offering& offering) const {
    for (Step& each : conformance::offers_well(*driver, offering)) {
      if (each.id.str() != id) continue;
      for (Action* action : {&each.action, each.undo ? &*each.undo : nullptr})
        if (action != nullptr && action->args.contains("set") && get_string(action->args, "set").starts_with("run-"))
          action->args["set"] = "run-RUN-0001";
      return each;
    }
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  Step step(const std::string& id) const { return step(id, offering()); }
  void apply(const Action& action) const { conformance::apply_well(*driver, action, *local.host); }
  Sight look(const Action& action) const { return driver->verify(action, *local.host, {}); }
  bool has_v1() const {
    return holds("cd '" + to +
                 "' && [ $(cat app.css) = one ] && [ $(cat js/app.111.js) = one ] && [ -f \"odd 'name.js\" ] && "
                 "[ $(cat linked.css) = one ] && [ $(cat js/app.222.js) = two ] && [ $(cat uploaded) = mine ]");
  }
  bool has_v2() const {
    return holds(
        "cd '" + to +
        "' && [ $(cat app.css) = two ] && [ ! -e js/app.111.js ] && [ ! -e \"odd 'name.js\" ] && "
        "[ ! -e linked.css ] && [ $(cat js/app.222.js) = two ] && [ $(cat uploaded) = mine ] && [ -L pointer ]");
  }
};

TEST(StaticFiles, bringing_conforms_and_an_old_hashed_file_stays) {
  StaticSite site;
  const Step keep = site.step("keep-static-1"), bring = site.step("bring-static-1");
  conformance::DriverCase c;
  c.action = bring.action;
  c.undo = bring.undo;
  c.reset = [&] {
    site.restart();
    site.apply(keep.action);
  };
  c.done = [&] { return site.has_v1(); };
  c.as_before = [&] { return site.has_v2(); };
  c.always = [&] {
    return holds("cd '" + site.to + "' && grep -qx -e one -e two app.css && [ $(cat js/app.222.js) = two ]");
  };
  Action outside = bring.action;
  outside.args["set"] = "../../etc";
  c.bad = {outside};
  conformance::conforms(*site.driver, c);
}

TEST(StaticFiles, keeping_conforms_and_is_done_once) {
  StaticSite site;
  const Step keep = site.step("keep-static-1"), bring = site.step("bring-static-1");
  conformance::DriverCase c;
  c.action = keep.action;
  c.reset = [&] { site.restart(); };
  const std::string kept = "'" + site.to + "/.backout-static/run-RUN-0001/files'";
  c.done = [&] { return holds("diff -r --no-dereference -x .backout-static '" + site.to + "' " + kept); };
  conformance::conforms(*site.driver, c);
  site.apply(bring.action);
  site.apply(keep.action);
  site.apply(*bring.undo);
  EXPECT_TRUE(site.has_v2()) << "what was found is not overwritten by what was brought";
  EXPECT_EQ(site.look(*bring.undo).kind, SightKind::kHolds);
}

TEST(StaticFiles, a_look_compares_by_hash_and_names_the_file) {
  StaticSite site;
  const Action look = site.step("static-1").action;
  EXPECT_EQ(site.look(look).kind, SightKind::kDoesNotHold);
  site.apply(site.step("keep-static-1").action);
  site.apply(site.step("bring-static-1").action);
  EXPECT_EQ(site.look(look).kind, SightKind::kHolds) << site.look(look).why;
  must("printf 'onX\\n' >'" + site.to + "/js/app.111.js'");
  EXPECT_EQ(site.look(look).kind, SightKind::kDoesNotHold);
  EXPECT_NE(site.look(look).why.find("js/app.111.js"), std::string::npos) << site.look(look).why;
  must("rm -r " + site.path + "/releases/v1/public");
  EXPECT_EQ(site.look(look).kind, SightKind::kDoesNotHold) << "no data is not good";
  EXPECT_EQ(site.look(site.step("static-there-1").action).kind, SightKind::kDoesNotHold);
}

TEST(StaticFiles, without_a_source_what_a_checkpoint_saved_comes_back) {
  StaticSite site;
  driver::Offering checkpoint = site.offering(RunKind::kCheckpoint, false);
  checkpoint.from = Version("v1");
  const Action save = site.step("save-static-1", checkpoint).action;
  must("cp -rL " + site.path + "/releases/v1/public/. '" + site.to + "'");
  conformance::DriverCase c;
  c.action = save;
  c.reset = [&] { must("rm -rf '" + site.to + "/.backout-static'"); };
  c.done = [&] {
    return holds("diff -r --no-dereference -x .backout-static '" + site.to + "' '" + site.to +
                 "/.backout-static/release-v1/files'");
  };
  conformance::conforms(*site.driver, c);
  site.apply(save);
  must("cd '" + site.to + "'; echo two >app.css; rm -f js/app.111.js");
  const driver::Offering back = site.offering(RunKind::kRollback, false);
  EXPECT_EQ(site.look(site.step("static-there-1", back).action).kind, SightKind::kHolds);
  site.apply(site.step("keep-static-1", back).action);
  site.apply(site.step("bring-static-1", back).action);
  EXPECT_TRUE(site.has_v1());
  must("echo broken >'" + site.to + "/.backout-static/release-v1/files/app.css'");
  EXPECT_NE(site.look(site.step("static-there-1", back).action).why.find("damaged"), std::string::npos);
}

TEST(StaticFiles, tidying_removes_what_is_old_and_nothing_that_is_used_or_was_uploaded_later) {
  StaticSite site;
  site.apply(site.step("keep-static-1").action);
  site.apply(site.step("bring-static-1").action);
  const Action tidy = site.step("tidy-static-1").action;
  must("echo later >'" + site.to + "/later'");
  site.apply(tidy);
  EXPECT_TRUE(site.has_v1()) << "it is not old yet";
  must("touch -d '2 hours ago' '" + site.to + "/.backout-static/run-RUN-0001/manifest'");
  EXPECT_EQ(site.look(tidy).kind, SightKind::kDoesNotHold);
  site.apply(tidy);
  EXPECT_EQ(site.look(tidy).kind, SightKind::kHolds);
  EXPECT_TRUE(holds("cd '" + site.to +
                    "' && [ ! -e js/app.222.js ] && [ $(cat app.css) = one ] && [ -f later ] && "
                    "[ $(cat uploaded) = mine ] && [ ! -e .backout-static/run-RUN-0001 ]"));
}

}  // namespace
}  // namespace backout::drivers

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
  Json subject() const {
    const Json assets = {{"to", to}, {"from", "public"}, {"keep_ms", 3600'000}};
    return {{"path", path}, {"keep", 5}, {"static", Json::array({assets})}};
  }
  driver::Offering offering(RunKind kind = RunKind::kRollback) const {
    driver::Offering made;
    made.kind = kind;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = subject();
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

TEST(StaticFiles, an_abort_leaves_what_users_did_meanwhile) {
  StaticSite site;
  must("cd '" + site.to + "'; echo old >avatar; echo going >going");
  const Step keep = site.step("keep-static-1"), bring = site.step("bring-static-1");
  site.apply(keep.action);
  site.apply(bring.action);
  must("cd '" + site.to + "'; echo new >avatar; rm going; echo later >later");
  site.apply(*bring.undo);
  EXPECT_TRUE(site.has_v2());
  EXPECT_TRUE(holds("cd '" + site.to + "' && [ $(cat avatar) = new ] && [ ! -e going ] && [ $(cat later) = later ]"));
  EXPECT_EQ(site.look(*bring.undo).kind, SightKind::kHolds) << site.look(*bring.undo).why;
  must("echo broken >'" + site.to + "/app.css'");
  EXPECT_EQ(site.look(*bring.undo).kind, SightKind::kDoesNotHold);
}

TEST(StaticFiles, a_directory_in_the_way_is_seen_before_and_nothing_half_made_stays) {
  StaticSite site;
  must("cd '" + site.to + "'; rm app.css; mkdir app.css");
  const Sight there = site.look(site.step("static-there-1").action);
  EXPECT_EQ(there.kind, SightKind::kDoesNotHold);
  EXPECT_NE(there.why.find("app.css (a directory)"), std::string::npos) << there.why;
  const Step bring = site.step("bring-static-1");
  site.apply(site.step("keep-static-1").action);
  const auto command = site.driver->command(bring.action, *site.local.host);
  ASSERT_TRUE(command);
  EXPECT_FALSE(site.local.host->run(*command).value().ok());
  const std::string none = "[ -z \"$(find '" + site.to + "' -name '*.backout-tmp')\" ]";
  EXPECT_TRUE(holds(none));
  must("touch '" + site.to + "/app.css.backout-tmp'");  // as a `kill -9` leaves it
  site.apply(*bring.undo);
  EXPECT_TRUE(holds(none));
  EXPECT_TRUE(holds("cd '" + site.to + "' && [ -d app.css ] && [ ! -e js/app.111.js ] && [ $(cat uploaded) = mine ]"));
}

TEST(StaticFiles, ready_says_what_would_keep_them_from_coming_back) {
  StaticSite site;
  const auto fault = [&] {
    const driver::Readiness seen =
        site.driver->ready(site.offering(), *site.local.host, driver::Depth::kQuick, std::stop_token());
    std::string red;
    for (const Finding& each : seen.findings)
      if (each.id == "code.static" && each.severity == Severity::kRed) red += each.what;
    return red;
  };
  EXPECT_EQ(fault(), "");
  const driver::Readiness seen =
      site.driver->ready(site.offering(), *site.local.host, driver::Depth::kQuick, std::stop_token());
  int of_to = 0;
  for (const driver::Need& need : seen.needs) of_to += need.what == site.to;
  EXPECT_EQ(of_to, 2) << "writable, and room";
  must("cd '" + site.to + "'; rm -r js; echo no directory >js");
  EXPECT_NE(fault().find("js (no directory)"), std::string::npos) << fault();
  site.restart();
  must("cd '" + site.to + "'; rm app.css; mkdir app.css");
  EXPECT_NE(fault().find("app.css (a directory)"), std::string::npos) << fault();
  site.restart();
  must("rm -r " + site.path + "/releases/v1/public");
  EXPECT_NE(fault().find("are gone"), std::string::npos) << fault();
  site.restart();
  must("ln -s . '" + site.to + "/.backout-static'");
  EXPECT_NE(fault().find("symlink"), std::string::npos) << fault();
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

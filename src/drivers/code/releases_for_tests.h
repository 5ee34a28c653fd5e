// ReleasesSite: for tests only. A site in release directories with v2 current, and a git source that has v1.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/code/releases.h"

namespace backout::drivers {

/// A site with v2 current, made by a deploy tool, and a source that has v1.
struct ReleasesSite {
  conformance::ScratchDirectory directory;
  const conformance::Repository& repository = conformance::Repository::shared();
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_releases_driver();
  std::string path = directory / "shop";

  ReleasesSite() {
    if (!conformance::other_user().empty())
      conformance::must("chown " + conformance::other_user() + " " + directory.path());
    restart();
  }
  void restart() const {
    conformance::must("rm -rf " + path);
    conformance::must(conformance::as_other("mkdir -p " + path + "/releases/v2; echo two >" + path +
                                            "/releases/v2/app.txt; ln -s releases/v2 " + path + "/current"));
  }
  Json build() const {
    return {
        {{"argv", {"sh", "-c", "mkdir -p ignored; cat app.txt >ignored/built; sleep 0.05"}}, {"timeout_ms", 20'000}},
        {{"argv", {"sh", "-c", "printf %s \"$MARK\" >ignored/mark"}},
         {"env", {{"MARK", "it's \"m\""}}},
         {"timeout_ms", 20'000}}};
  }
  Json subject() const {
    return {{"path", path},
            {"git", repository.path()},
            {"user", conformance::other_user()},
            {"build", build()},
            {"keep", 2}};
  }
  Json seen() const {
    const auto seen = driver->observe(subject(), *local.host, {});
    EXPECT_TRUE(seen.has_value()) << (seen ? "" : seen.error().message);
    return seen.value_or(Json::object());
  }
  driver::Offering offering(const std::string& to = "v1") const {
    driver::Offering made;
    made.from = Version("v2");
    made.to = Version(to);
    made.subject = subject();
    made.hosts = {"local"};
    made.seen["local"] = seen();
    return made;
  }
  Step step(const std::string& id) const {
    for (Step& each : conformance::offers_well(*driver, offering()))
      if (each.id.str() == id) return each;
    ADD_FAILURE() << id << " is not offered";
    return {};
  }
  void apply(const std::string& id) const { conformance::apply_well(*driver, step(id).action, *local.host); }
  Sight look(const std::string& id) const { return driver->verify(step(id).action, *local.host, {}); }
  std::string release(const std::string& version) const { return path + "/releases/" + version; }
  bool whole() const {
    return conformance::holds("cd " + release("v1") +
                              " && [ \"$(cat app.txt)\" = one ] && [ $(ls data | wc -l) = 60 ] && [ ! -e new.txt ]");
  }
};

inline std::vector<std::string> ids(const std::vector<Step>& steps) {
  std::vector<std::string> names;
  for (const Step& step : steps) names.push_back(step.id.str());
  return names;
}

}  // namespace backout::drivers

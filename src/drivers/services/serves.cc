#include "drivers/services/serves.h"

#include "base/text.h"

namespace backout::drivers {
namespace {

std::string at_time(int64_t microseconds) { return to_hms(wall_from_millis(microseconds / 1000)); }

bool overlap(const Listener& a, const Listener& b) {
  return a.everywhere() || b.everywhere() || a.address == b.address;
}

bool touches(const std::set<int64_t>& holders, const std::set<int64_t>& family) {
  return std::any_of(holders.begin(), holders.end(), [&](int64_t pid) { return family.contains(pid); });
}

/// "pid 4121 (python3), running from v2.4.0"
std::string described(const Look& look, int64_t pid) {
  std::string text = fmt::format("pid {}", pid);
  const auto detail = look.details.find(pid);
  if (detail != look.details.end() && !detail->second.name.empty()) text += " (" + detail->second.name + ")";
  const std::string release = release_of(look, pid);
  if (!release.empty()) text += ", running from " + release;
  return text;
}

std::string described(const Look& look, const Listener& listener) {
  if (listener.holders.empty()) return "a process that we may not see";
  return described(look, *listener.holders.begin());
}

/// The release in root/releases/<release>/..., or empty.
std::string release_in(std::string_view path, const std::string& root) {
  const std::string releases = root + "/releases/";
  if (root.empty() || !path.starts_with(releases)) return {};
  path.remove_prefix(releases.size());
  return std::string(path.substr(0, path.find('/')));
}

bool inside(std::string_view path, const std::string& directory) {
  return !directory.empty() && path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

/// Where the process runs from, as far as that lies in a release: root/releases/... each.
std::vector<std::string> release_paths_of(const Look& look, int64_t pid) {
  const auto found = look.details.find(pid);
  if (found == look.details.end()) return {};
  std::vector<std::string> places = {found->second.cwd, found->second.exe};
  places.insert(places.end(), found->second.arguments.begin(), found->second.arguments.end());
  std::erase_if(places, [&](const std::string& place) { return release_in(place, look.code.root).empty(); });
  return places;
}

class Judge {
 public:
  Judge(const Look& look, const Expected& expected) : look_(look), expected_(expected) {}

  Sight serving() {
    if (auto fault = not_living()) return no(*fault);
    if (auto fault = wrong_link()) return no(*fault);
    if (auto fault = older_than_switch()) return no(*fault);
    if (auto fault = wrong_place()) return no(*fault);
    if (auto fault = wrong_port()) return no(*fault);
    if (auto fault = too_young()) return no(*fault);
    return Sight::holds(so(), evidence());
  }

 private:
  const std::string& name() const { return expected_.name; }
  const CodeAt& code() const { return expected_.at.code; }
  bool releases() const { return code().layout == "releases"; }

  Sight no(std::string why) { return Sight::does_not_hold(std::move(why), evidence()); }

  std::string so() const {
    std::string why =
        fmt::format("{}: pid {} since {}", name(), main_pid(), at_time(look_.started(*look_.living(main_pid()))));
    if (look_.code.switched > 0 && !code().layout.empty())
      why += fmt::format(", after the switch at {}", at_time(look_.code.switched));
    const std::string release = release_of(look_, main_pid());
    if (!release.empty()) why += ", runs from " + release;
    if (expected_.at.port > 0) why += fmt::format(", listens on {}", expected_.at.port);
    return why;
  }

  int64_t main_pid() const {
    if (expected_.main > 0) return expected_.main;
    return expected_.family.empty() ? 0 : *expected_.family.begin();
  }

  Json evidence() const {
    Json seen = Json::object();
    if (const ProcessSeen* process = look_.living(main_pid())) {
      seen["pid"] = process->pid;
      seen["started_at"] = to_iso(wall_from_millis(look_.started(*process) / 1000));
    }
    const std::string release = release_of(look_, main_pid());
    if (!release.empty()) seen["runs_from"] = sanitised(release);
    if (look_.code.switched > 0) seen["switched_at"] = to_iso(wall_from_millis(look_.code.switched / 1000));
    if (expected_.at.port > 0) {
      seen["port"] = expected_.at.port;
      std::set<int64_t> holders;
      for (const Listener& listener : look_.listeners) holders.insert(listener.holders.begin(), listener.holders.end());
      seen["holders"] = holders;
    }
    return seen;
  }

  std::optional<std::string> not_living() const {
    if (main_pid() > 0 && look_.living(main_pid()) != nullptr) return std::nullopt;
    return name() + " is not running";
  }

  std::optional<std::string> wrong_link() const {
    if (code().layout.empty()) return std::nullopt;
    if (look_.code.root.empty()) return "there is no directory " + code().path;
    if (look_.code.switched == 0)
      return fmt::format("{} has no {}: nothing says which release is current", code().path,
                         releases() ? "current" : ".git/HEAD");
    if (!releases() || expected_.at.version.empty()) return std::nullopt;
    if (look_.code.target.empty())
      return fmt::format("{}/releases/{} does not exist", code().path, expected_.at.version);
    if (look_.code.current == look_.code.target) return std::nullopt;
    return fmt::format("{}/current leads to {}, not to {}", code().path, one_line(look_.code.current),
                       expected_.at.version);
  }

  std::optional<std::string> older_than_switch() const {
    if (code().layout.empty()) return std::nullopt;
    for (const int64_t pid : expected_.family) {
      const ProcessSeen* process = look_.living(pid);
      if (process == nullptr) continue;
      const int64_t started = look_.started(*process) + kStartGrain;
      if (started < look_.code.switched)
        return fmt::format("{}: {} started at {}, before the code was switched at {}", name(), described(look_, pid),
                           at_time(look_.started(*process)), at_time(look_.code.switched));
      if (started < expected_.at.after)
        return fmt::format("{}: {} started at {}, before the deploy began at {}", name(), described(look_, pid),
                           at_time(look_.started(*process)), at_time(expected_.at.after));
    }
    return std::nullopt;
  }

  std::optional<std::string> wrong_place() const {
    if (!releases()) return std::nullopt;
    const std::string& version = expected_.at.version;
    const std::string target = version.empty() ? look_.code.current : look_.code.root + "/releases/" + version;
    for (const int64_t pid : expected_.family)
      for (const std::string& place : release_paths_of(look_, pid))
        if (!inside(place, target))
          return fmt::format("{}: pid {} runs from {}, expected {}", name(), pid,
                             one_line(release_in(place, look_.code.root)),
                             version.empty() ? one_line(target) : version);
    return std::nullopt;
  }

  std::optional<std::string> wrong_port() const {
    if (expected_.at.port == 0) return std::nullopt;
    std::vector<const Listener*> ours, others;
    for (const Listener& listener : look_.listeners)
      (touches(listener.holders, expected_.family) || touches(listener.holders, expected_.keepers) ? ours : others)
          .push_back(&listener);
    if (ours.empty() && others.empty()) return fmt::format("{}: port {} is not open yet", name(), expected_.at.port);
    if (ours.empty())
      return fmt::format("port {} is held by {}, not by {} (pid {})", expected_.at.port,
                         described(look_, *others.front()), name(), main_pid());
    for (const Listener* mine : ours)
      for (const Listener* other : others)
        if (overlap(*mine, *other))
          return fmt::format("port {} is held by {} as well as by {}", expected_.at.port, described(look_, *other),
                             name());
    return std::nullopt;
  }

  std::optional<std::string> too_young() const {
    const int64_t age = look_.now - look_.started(*look_.living(main_pid()));
    if (age >= expected_.min_age) return std::nullopt;
    return fmt::format("{}: pid {} has lived for {} only", name(), main_pid(),
                       for_people(Millis(std::max<int64_t>(0, age / 1000))));
  }

  const Look& look_;
  const Expected& expected_;
};

}  // namespace

std::string release_of(const Look& look, int64_t pid) {
  const std::vector<std::string> places = release_paths_of(look, pid);
  return places.empty() ? std::string() : one_line(release_in(places.front(), look.code.root));
}

int64_t age_after_restarts(int64_t restarts, Millis startup) {
  constexpr Millis kSettled{5'000};  // of life make one or two restarts a thing of the past
  constexpr int64_t kStorm = 3;
  if (restarts == 0) return 0;
  return 1000 * (restarts < kStorm ? kSettled : std::max(kSettled, startup)).count();
}

Sight judge_serving(const Look& look, const Expected& expected) { return Judge(look, expected).serving(); }

Sight judge_stopped(const Look& look, const Expected& expected) {
  for (const int64_t pid : expected.family)
    if (look.living(pid) != nullptr)
      return Sight::does_not_hold(fmt::format("{}: {} still lives", expected.name, described(look, pid)),
                                  {{"pid", pid}});
  if (!look.listeners.empty()) {
    const Listener& listener = look.listeners.front();
    return Sight::does_not_hold(fmt::format("{} is gone, but port {} is still held by {}", expected.name,
                                            expected.at.port, described(look, listener)),
                                {{"port", expected.at.port}, {"holders", listener.holders}});
  }
  return Sight::holds(expected.name + " does not run" +
                      (expected.at.port > 0 ? fmt::format(" and port {} is free", expected.at.port) : ""));
}

Json stable_facts(const Look& look, const Expected& expected) {
  const int64_t main = expected.main > 0 ? expected.main : expected.family.empty() ? 0 : *expected.family.begin();
  Json facts = {{"running", look.living(main) != nullptr}};
  const std::string release = release_of(look, main);
  if (!release.empty()) facts["release"] = sanitised(release);
  if (expected.at.port > 0) facts["port_open"] = !look.listeners.empty();
  return facts;
}

}  // namespace backout::drivers

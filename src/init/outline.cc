#include "init/outline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/keys.h"
#include "init/words.h"

namespace backout::init {
namespace {

using Kind = YamlValue::Kind;
using Entries = std::vector<YamlEntry>;

/// Does this version do something with the key? In keys.cc a part that is not built yet says what happens instead.
bool is_built(std::string_view path) {
  const config::Key* key = config::find_key(path);
  return key != nullptr && key->instead.empty();
}

std::string seen(const std::string& where) {
  if (where.empty() || where == "as answered") return where;
  static constexpr std::string_view kSentences[] = {"a ", "an ", "the ", "it ", "who ", "no ", "its ", "nginx "};
  const bool sentence = std::any_of(std::begin(kSentences), std::end(kSentences),
                                    [&](std::string_view start) { return where.starts_with(start); });
  const bool place =
      where.starts_with('/') || where.find(", line") != std::string::npos || where.find('.') != std::string::npos;
  return place && !sentence ? "seen in " + where : where;
}

YamlEntry text(std::string key, const Seen& value) {
  return {std::move(key), YamlValue::of(value.value), seen(value.where)};
}
/// Do the commands only install packages? A kept build takes the place of all of them, and must have all that they
/// make.
bool installs_alone(const std::vector<Seen>& build) {
  static constexpr std::string_view kInstalls[] = {"pip install",  "pip3 install",   " -m venv ",
                                                   "npm ci",       "npm install",    "yarn install",
                                                   "pnpm install", "bundle install", "poetry install"};
  return std::all_of(build.begin(), build.end(), [](const Seen& command) {
    return command.value.find_first_of("&;|>") == std::string::npos &&
           std::any_of(std::begin(kInstalls), std::end(kInstalls),
                       [&](std::string_view words) { return command.value.find(words) != std::string::npos; });
  });
}

YamlEntry off(std::string key, std::string value, std::string comment) {
  return {std::move(key), YamlValue::of(std::move(value)), std::move(comment), true};
}
YamlEntry inline_map(std::string key, Entries entries, std::string comment) {
  return {std::move(key), {Kind::kInlineMap, "", std::move(entries)}, std::move(comment)};
}
YamlEntry block(std::string key, Kind kind, Entries entries, std::string comment = "") {
  return {std::move(key), {kind, "", std::move(entries)}, std::move(comment)};
}
YamlEntry item(std::string value, std::string comment) {
  return {"", YamlValue::of(std::move(value)), std::move(comment)};
}

class Outline {
 public:
  Outline(const Draft& draft, const Facts& facts) : draft_(draft), facts_(facts) {}

  Entries take() {
    head();
    hosts();
    code();
    services();
    door();
    database();
    checks();
    top_.push_back({"watch",
                    {Kind::kInlineMap, "", {{"first", YamlValue::of("0s"), ""}, {"bake", YamlValue::of("24h"), ""}}},
                    "deploy stays and watches for `first`; a release is known-good after `bake`"});
    top_.back().gap = true;
    return std::move(top_);
  }

 private:
  /// False, with a remark, when a value cannot be written.
  bool fits(const Seen& value, const std::string& what) {
    if (value.empty()) return false;
    if (representable(value.value)) return true;
    add_remark(
        fmt::format("{}: a name with control characters, or bytes that are not UTF-8, cannot be written here: {}", what,
                    value.value));
    return false;
  }
  void add_remark(std::string words) { top_.front().above += "\nNote: " + one_line(words); }

  void head() {
    std::string words =
        fmt::format("Written by `backout init`{}. Each value says where it was seen; what was not found is left as",
                    draft_.kind.empty() ? "" : fmt::format(" for a site of {}", draft_.kind));
    words += "\na comment. Look it over, then: backout lint. Every key: man backout.yaml, docs/configuration.md";
    for (const std::string& remark : draft_.remarks) words += "\nNote: " + one_line(remark);
    for (const std::string& unread : facts_.unread) words += "\nCould not look into " + one_line(unread);
    top_.push_back(text("site", draft_.site));
    top_.back().above = words;
    if (draft_.environment.empty())
      top_.push_back(
          {"environment", YamlValue::of("production"), "with -e staging, backout.staging.yaml lies over this file"});
    else
      top_.push_back(text("environment", draft_.environment));
    if (fits(draft_.state, "state"))
      top_.push_back(text("state", draft_.state));
    else
      top_.push_back(
          off("state", "/var/lib/backout", "where the journal lies; everyone who may act uses the same one"));
    if (!draft_.hosts.empty() && draft_.base_url.value.starts_with("http://127.0.0.1:"))
      base_url_of_hosts();
    else if (fits(draft_.base_url, "base_url"))
      top_.push_back(text("base_url", draft_.base_url));
    else
      top_.push_back(off("base_url", "http://127.0.0.1:8000", "not found: where the site is asked behind the door"));
    if (fits(draft_.public_url, "public_url"))
      top_.push_back(text("public_url", draft_.public_url));
    else
      top_.push_back(off("public_url", "https://shop.example.com", "not found: where users come in"));
  }

  void base_url_of_hosts() {
    const bool all_have_one = std::all_of(draft_.hosts.begin(), draft_.hosts.end(), [](const auto& host) {
      return host.second.find("http://") != std::string::npos || host.second.find("https://") != std::string::npos;
    });
    if (all_have_one) return;
    top_.push_back({"base_url", YamlValue::of(replaced(draft_.base_url.value, "127.0.0.1", "{host}")),
                    seen(draft_.base_url.where)});
  }

  void hosts() {
    if (draft_.hosts.empty()) {
      top_.push_back({"hosts",
                      {Kind::kInlineMap, "", {inline_map("web-1", {{"ssh", YamlValue::of("web-1.internal"), ""}}, "")}},
                      "only this machine; write it when there are several",
                      true});
      top_.back().gap = true;
      return;
    }
    Entries hosts;
    for (const auto& [name, rest] : draft_.hosts) {
      Entries keys;
      for (const std::string& word : words_of(rest)) {
        const char* key = word.starts_with("http") && word.find("://") != std::string::npos ? "url"
                          : word.starts_with('/')                                           ? "root"
                                                                                            : "ssh";
        if (word != "local") keys.push_back({key, YamlValue::of(word), ""});
      }
      hosts.push_back(inline_map(name, std::move(keys), ""));
    }
    top_.push_back(block("hosts", Kind::kMap, std::move(hosts), "as answered"));
    top_.back().gap = true;
  }

  void code() {
    Entries code;
    if (!draft_.layout.empty()) code.push_back(text("layout", draft_.layout));
    const Seen path = draft_.path.empty() ? Seen{facts_.directory, "this directory"} : draft_.path;
    if (!fits(path, "code.path")) return;  // without a path there is no code to speak of
    code.push_back(text("path", path));
    const bool releases = draft_.layout.value == "releases";
    if (releases) {
      if (fits(draft_.git, "code.source.git") && !draft_.git.value.starts_with('-')) {
        Entries source = {text("git", draft_.git)};
        if (fits(draft_.git_user, "code.source.user")) source.push_back(text("user", draft_.git_user));
        code.push_back(block("source", Kind::kMap, std::move(source)));
      } else {
        code.push_back({"source",
                        {Kind::kInlineMap, "", {{"git", YamlValue::of("/srv/shop/repo.git"), ""}}},
                        "not found: where a release comes from that is no longer there",
                        true});
      }
    }
    Entries build;
    for (const Seen& command : draft_.build)
      if (fits(command, "code.build")) build.push_back(item(command.value, seen(command.where)));
    if (!build.empty()) {
      code.push_back(block("build", Kind::kList, std::move(build)));
    } else if (releases || draft_.kind.empty()) {
      code.push_back({"build", {Kind::kInlineList, "", {item("make", "")}}, "nothing to build was found", true});
    }
    if (!releases && !draft_.keep_builds.empty()) {
      Entries kept;
      for (const Seen& each : draft_.keep_builds) kept.push_back(item(each.value, ""));
      const bool whole = installs_alone(draft_.build);
      code.push_back({"keep_builds",
                      {Kind::kInlineList, "", std::move(kept)},
                      whole ? "what a build makes, kept for the next time" : "once all that a build makes is named",
                      !whole || !is_built("code.keep_builds")});
    }
    Entries config;
    for (const Seen& file : draft_.config)
      if (fits(file, "code.config")) config.push_back(item(file.value, seen(file.where)));
    if (!config.empty())
      code.push_back(
          block("config", Kind::kList, std::move(config), "saved at a checkpoint, put back with the release"));
    top_.push_back(block("code", Kind::kMap, std::move(code)));
    top_.back().gap = true;
  }

  Entries keys_of(const Service& service) {
    Entries keys = {{service.form, YamlValue::of(service.head), ""}};
    if (service.form == "process") {
      if (service.start.size() == 1) {
        keys.push_back({"start", YamlValue::of(service.start.front()), ""});
      } else {
        Entries words;
        for (const std::string& word : service.start) words.push_back(item(word, ""));
        keys.push_back({"start", {Kind::kInlineList, "", std::move(words)}, ""});
      }
      if (service.start.size() == 1 && service.start.front().find("PORT") != std::string::npos && service.port != 0)
        keys.push_back(inline_map("env", {{"PORT", YamlValue::of(std::to_string(service.port)), ""}}, ""));
    }
    for (const auto& [key, value] : service.more) keys.push_back({key, YamlValue::of(value), ""});
    if (service.port != 0) keys.push_back({"port", YamlValue::of(std::to_string(service.port)), ""});
    if (service.drain > Millis(0))
      keys.push_back({"drain", YamlValue::of(fmt::format("{}s", (service.drain.count() + 999) / 1000)), ""});
    return keys;
  }

  static bool all_fit(const Service& service) {
    // PM2 takes a number for an id, and these words for several applications.
    if (service.form == "pm2" &&
        (service.head == "all" || service.head.find_first_not_of("0123456789") == std::string::npos ||
         service.head.starts_with('/')))
      return false;
    return representable(service.head) && !service.head.empty() && service.head.front() != '-' &&
           std::all_of(service.start.begin(), service.start.end(), representable) &&
           std::all_of(service.more.begin(), service.more.end(),
                       [](const auto& one) { return representable(one.second); });
  }

  void services() {
    Entries services;
    std::vector<std::string> names;
    for (const Service& service : draft_.services) {
      if (!all_fit(service)) {
        add_remark(fmt::format("services: a name that cannot be written here was seen in {}", service.where));
        continue;
      }
      Entries keys = keys_of(service);
      const std::string name = service.form == "cron" ? base_name(service.head) : service.head;
      if (std::find(names.begin(), names.end(), name) != names.end())
        keys.push_back({"name", YamlValue::of(as_name(fmt::format("{}-{}", service.form, as_name(name)))), ""});
      names.push_back(name);
      if (service.form == "process" && as_name(service.head) != service.head)
        keys.front().value.text = as_name(service.head);
      const bool built = is_built(fmt::format("services[{}].{}", service.form, service.form));
      YamlEntry entry = inline_map("", std::move(keys), seen(service.where));
      if (!built) entry.comment += "; this version cannot stop it";
      entry.off = !built;
      services.push_back(std::move(entry));
    }
    if (services.empty()) {
      if (draft_.kind == "static files") return;
      services.push_back(
          inline_map("", {{"systemd", YamlValue::of(draft_.site.value + ".service"), ""}}, "no service was found"));
      services.back().off = true;
    }
    top_.push_back(block("services", Kind::kList, std::move(services), "in the order in which they are stopped"));
    top_.back().gap = true;
  }

  void door() {
    const Seen& include = draft_.door.include;
    if (fits(include, "door.nginx.include")) {
      top_.push_back(
          block("door", Kind::kMap,
                {inline_map("nginx", {{"include", YamlValue::of(include.value), ""}}, seen(include.where))}));
      top_.back().gap = true;
      return;
    }
    if (draft_.door.where.empty() && draft_.sqlite.empty()) return;
    const std::string file = fmt::format("/etc/nginx/{}-door.conf", draft_.site.empty() ? "site" : draft_.site.value);
    std::string words = "Keeps users outside while the site changes (docs/door.md). ";
    words += draft_.door.where.empty()
                 ? "No server block of nginx was found."
                 : fmt::format("Create the file, empty, and include it in {}; then take this in:", draft_.door.where);
    top_.push_back({"door",
                    {Kind::kInlineMap, "", {inline_map("nginx", {{"include", YamlValue::of(file), ""}}, "")}},
                    "",
                    true,
                    words,
                    true});
  }

  void database() {
    if (fits(draft_.sqlite, "database.sqlite.file")) {
      Entries file = {text("file", draft_.sqlite)};
      if (draft_.hosts.size() > 1)
        file.push_back({"host", YamlValue::of(draft_.hosts.front().first), "the file lies on one: which?"});
      if (!draft_.left_tables.empty()) {
        Entries tables;
        for (const std::string& table : draft_.left_tables) tables.push_back({table, YamlValue::of("leave"), ""});
        file.push_back(inline_map("tables", std::move(tables),
                                  "which migrations ran is part of the schema, not what users wrote"));
      }
      Entries keys = {block("sqlite", Kind::kMap, std::move(file))};
      if (fits(draft_.backups, "database.backups.dir"))
        keys.push_back({"backups",
                        {Kind::kInlineMap,
                         "",
                         {{"dir", YamlValue::of(draft_.backups.value), ""}, {"keep", YamlValue::of("7d"), ""}}},
                        seen(draft_.backups.where),
                        !is_built("database.backups") || !is_built("database.backups.dir")});
      top_.push_back(block("database", Kind::kMap, std::move(keys)));
      top_.back().gap = true;
    } else if (!draft_.other_database.empty()) {
      top_.push_back(
          {"database",
           {Kind::kInlineMap,
            "",
            {inline_map(draft_.other_database.value, {{"service", YamlValue::of(draft_.site.value), ""}}, "")}},
           "",
           true,
           other_database(),
           true});
    }
  }

  std::string other_database() const {
    const std::string &kind = draft_.other_database.value, &where = draft_.other_database.where;
    if (kind == "postgresql")
      return fmt::format(
          "PostgreSQL, seen in {}. Name it by a libpq service or a dsn, with a role that may do what "
          "docs/postgresql.md says, and take this in:",
          where);
    return fmt::format(
        "{}, seen in {}: this version does not take it back. Code alone goes back, and only when it fits "
        "the schema.",
        kind, where);
  }

  YamlEntry check(const CheckDraft& check) {
    if (!check.line.empty()) return item(check.line, seen(check.where));
    if (!check.command.empty()) return inline_map("", {{"run", YamlValue::of(check.command), ""}}, seen(check.where));
    Entries keys = {{"get", YamlValue::of(check.path), ""}};
    if (check.status != 200) keys.push_back({"status", YamlValue::of(std::to_string(check.status)), ""});
    if (check.reports_version) keys.push_back({"version", YamlValue::yes(), ""});
    if (!check.contains.empty()) keys.push_back({"contains", YamlValue::of(check.contains), ""});
    if (!draft_.host_header.empty())
      keys.push_back(inline_map("send_header", {{"host", YamlValue::of(draft_.host_header), ""}}, ""));
    return inline_map("", std::move(keys), seen(check.where));
  }

  void checks() {
    Entries checks;
    const bool addressed = !draft_.base_url.empty();
    bool asks = false;
    for (const CheckDraft& each : draft_.checks) {
      if (!representable(each.path) || !representable(each.command) || !representable(each.contains)) continue;
      if (!each.path.empty() && !addressed) continue;
      asks = asks || !each.path.empty() || !each.line.empty();
      checks.push_back(check(each));
    }
    if (!asks && addressed)
      checks.insert(checks.begin(), check({.path = "/", .where = "no path of its own was found"}));
    if (!draft_.version_file.empty())
      checks.push_back(inline_map(
          "",
          {{"run", YamlValue::of(fmt::format("test \"$(cat {})\" = {{{{version}}}}", draft_.version_file)), ""},
           {"name", YamlValue::of("version file"), ""}},
          draft_.version_file + " holds the release's name"));
    logs(checks);
    top_.push_back(block("checks", Kind::kList, std::move(checks), "what must hold for a release to count as working"));
    top_.back().gap = true;
  }

  void logs(Entries& checks) {
    std::vector<std::string> done;
    for (const Seen& log : draft_.logs) {
      if (!fits(log, "a log") || std::find(done.begin(), done.end(), log.value) != done.end()) continue;
      done.push_back(log.value);
      YamlEntry entry = inline_map("", {{"log", YamlValue::of(log.value), ""}}, seen(log.where));
      entry.off = !is_built("checks[log].log");
      checks.push_back(std::move(entry));
    }
  }

  const Draft& draft_;
  const Facts& facts_;
  Entries top_;
};

}  // namespace

std::vector<YamlEntry> outline(const Draft& draft, const Facts& facts) { return Outline(draft, facts).take(); }

}  // namespace backout::init

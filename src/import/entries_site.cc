// Code, services, the door and the database.
#include <algorithm>
#include <set>

#include "import/commands.h"
#include "import/entries.h"
#include "init/words.h"

namespace backout::import {
namespace {

using NodeKind = init::YamlValue::Kind;

bool is_context(const Source& source, size_t at) {
  return source.item(at).kind == Kind::kCommand && source.placed(at).meaning.context;
}

bool fits(const std::string& text) { return !text.empty() && text.size() < 4000 && init::representable(text); }

}  // namespace

std::string before_command(const Source& source, size_t at, const std::string& without) {
  if (source.item(at).block <= 0) return "";
  std::string directory, prepared;
  size_t first = at;
  while (first > 0 && source.item(first - 1).block == source.item(at).block) --first;
  for (size_t each = first; each < at; ++each) {
    if (!is_context(source, each)) continue;
    const std::string& text = source.placed(each).text;
    if (const std::string& to = source.placed(each).meaning.directory; !to.empty()) {
      directory = to;
      prepared.clear();
    } else if (text.starts_with("source ") || text.starts_with(". ")) {
      prepared = ". " + text.substr(text.find(' ') + 1) + " && ";
    }
  }
  return (directory.empty() || directory == without ? "" : "cd " + directory + " && ") + prepared;
}

std::string command_text(const Source& source, size_t at, const std::string& without) {
  return before_command(source, at, without) + source.placed(at).text;
}

std::string code_path(const Source& source) {
  int tried = 0;
  for (size_t at = 0; at < source.size() && tried < 50; ++at) {
    const Placed& placed = source.placed(at);
    if (placed.to != To::kCode || placed.off || is_context(source, at)) continue;
    ++tried;
    std::string path = placed.meaning.directory;
    if (path.empty()) path = before_command(source, at, "");
    if (path.starts_with("cd ")) path = path.substr(3, path.find(" && ") - 3);
    if (path.starts_with('/') && path.find_first_of("$<[{*? ") == std::string::npos) return path;
  }
  return "";
}

Entries code(const Source& source) {
  const auto is_code = [&](size_t at) { return source.placed(at).to == To::kCode && !source.placed(at).off; };
  bool any = false;
  size_t deploy = source.size();
  std::string user;
  int line = 0;
  for (size_t at = 0; at < source.size(); ++at) {
    if (!is_code(at) || is_context(source, at)) continue;
    if (!any) line = source.item(at).line;
    any = true;
    if (source.placed(at).meaning.verb == "deploy" && deploy == source.size()) deploy = at;
    if (user.empty()) user = source.placed(at).meaning.user;
  }
  if (!any) return {};
  Entries keys;
  const bool by_command = deploy < source.size() && source.placed(deploy).open.empty();
  keys.push_back(value("layout", by_command ? "command" : "in-place", fmt::format("line {}", line)));
  const std::string path = code_path(source);
  keys.push_back(
      value("path", path.empty() ? "." : path, path.empty() ? "the runbook does not say where the checkout is" : ""));
  if (fits(user) && !by_command) keys.push_back(flow("source", {value("user", user)}, "who runs git and the build"));
  if (by_command) {
    const std::string& text = source.placed(deploy).text;
    Entries how = {words("run", shell_words(text))};
    if (text.find("ANSIBLE") != std::string::npos || text.find("ansible") != std::string::npos)
      how.push_back(value("recap", "ansible"));
    keys.push_back(flow("deploy", std::move(how), behind(source.item(deploy), source.placed(deploy))));
  }
  Entries build;
  std::set<std::string> done;
  for (size_t at = 0; at < source.size() && build.size() < kMostEntries; ++at) {
    const Placed& placed = source.placed(at);
    if (placed.to != To::kBuild || is_context(source, at)) continue;
    const std::string text = command_text(source, at, path);
    if (!fits(text) || (!done.insert(text).second)) continue;
    build.push_back(value("", text, behind(source.item(at), placed), placed.off || by_command));
  }
  if (!build.empty()) keys.push_back({"build", {NodeKind::kList, "", std::move(build)}, ""});
  return {part("code", NodeKind::kMap, std::move(keys),
               "backout checks the old release out itself, and looks that it is there")};
}

Entries services(const Source& source) {
  Entries list;
  std::map<std::string, size_t> known;
  std::vector<std::string> lines;
  const auto take = [&](size_t at) {
    const Placed& placed = source.placed(at);
    for (std::string name : placed.meaning.names) {
      if (!fits(name) || name.front() == '-' || name.size() > 200) continue;
      if (placed.meaning.form == "systemd" && name.find('.') == std::string::npos && placed.open.empty())
        name += ".service";
      const std::string key = placed.meaning.form + " " + name;
      if (const auto found = known.find(key); found != known.end()) {
        init::YamlEntry& entry = list[found->second];
        entry.off = entry.off && placed.off;
        if (!placed.off && entry.comment.size() < 60)
          entry.comment = (entry.comment.starts_with("line ") ? "lines " + entry.comment.substr(5) : entry.comment) +
                          fmt::format(", {}", source.item(at).line);
        continue;
      }
      if (list.size() >= kMostEntries) return;
      known[key] = list.size();
      list.push_back(flow("", {value(placed.meaning.form, name)}, behind(source.item(at), placed), placed.off));
    }
  };
  const auto each = [&](bool off, bool stops) {
    for (size_t at = 0; at < source.size(); ++at) {
      const Placed& placed = source.placed(at);
      if (placed.to == To::kServices && !placed.meaning.form.empty() && placed.off == off &&
          (placed.meaning.verb == "stop") == stops)
        take(at);
    }
  };
  each(false, true);
  each(false, false);
  each(true, true);
  each(true, false);
  if (list.empty()) return {};
  return {part("services", NodeKind::kList, std::move(list),
               "in the order in which they are stopped; started in the reverse one")};
}

Entries door(const Source& source) {
  size_t close = source.size(), open = source.size();
  for (size_t at = source.size(); at-- > 0;) {
    const Placed& placed = source.placed(at);
    if (placed.to != To::kDoor || placed.off || !fits(placed.text)) continue;
    (placed.phase == Phase::kClose ? close : open) = at;
  }
  if (close == source.size() && open == source.size()) return {};
  const bool whole = close < source.size() && open < source.size();
  Entries keys;
  if (close < source.size())
    keys.push_back(value("close", source.placed(close).text, behind(source.item(close), source.placed(close))));
  if (open < source.size())
    keys.push_back(value("open", source.placed(open).text, behind(source.item(open), source.placed(open))));
  keys.push_back(
      value("probe", "test -e /srv/site/closed", "fill in: exit status 0 when it is closed, 1 when it is open", true));
  Entries command = {init::YamlEntry{"command", {NodeKind::kMap, "", std::move(keys)}, ""}};
  init::YamlEntry entry = part("door", NodeKind::kMap, std::move(command), "users are outside from close to open");
  if (!whole) {
    entry.off = true;
    entry.comment = "the runbook says only one half of it";
  }
  return {std::move(entry)};
}

Entries database(const Source& source) {
  std::string name, server, backups, migrator, manage;
  int line = 0, backups_line = 0, migrations_line = 0;
  size_t script = source.size();
  bool any = false, tools_agree = true;
  for (size_t at = 0; at < source.size(); ++at) {
    const Placed& placed = source.placed(at);
    const Meaning& meaning = placed.meaning;
    any = any || (placed.to == To::kDatabase && (!placed.off || placed.why.starts_with("which")));
    if (placed.to == To::kBackups && meaning.directory.starts_with('/') && backups.empty() && fits(meaning.directory) &&
        meaning.directory.find_first_of("$<[{*?") == std::string::npos) {
      backups = meaning.directory;
      backups_line = source.item(at).line;
    }
    if (placed.to == To::kDatabase && placed.text.find(".sh") != std::string::npos && placed.phase == Phase::kSwitch)
      script = std::min(script, at);
    if (placed.off) continue;
    if (placed.to == To::kDatabase && name.empty() && meaning.database.find_first_of("$[<({") == std::string::npos &&
        !meaning.database.empty() && meaning.database != "postgres" && fits(meaning.database)) {
      name = meaning.database;
      line = source.item(at).line;
      server = meaning.server;
    }
    if (placed.to == To::kMigrations && !meaning.migrator.empty()) {
      tools_agree = tools_agree && (migrator.empty() || migrator == meaning.migrator);
      migrator = meaning.migrator;
      manage = meaning.manage;
      if (migrations_line == 0) migrations_line = source.item(at).line;
    }
  }
  if (!any && name.empty()) return {};
  const bool known = !name.empty();
  Entries server_keys;
  if (fits(server) && server.find_first_of("$[<({") == std::string::npos &&
      server.find("password") == std::string::npos)
    server_keys.push_back(value("dsn", server));
  server_keys.push_back(value("database", known ? name : "NAME"));
  Entries keys = {flow("postgresql", std::move(server_keys),
                       known ? fmt::format("line {}; a role that may do what docs/postgresql.md says", line)
                             : "or sqlite: {file: ...}; a libpq service or a dsn, and the name")};
  if (known && !migrator.empty() && tools_agree) {
    Entries how;
    if (migrator == "django" && fits(manage)) how.push_back(value("manage", manage));
    keys.push_back(flow("migrations", {flow(migrator, std::move(how))}, fmt::format("line {}", migrations_line)));
  }
  Entries kept;
  if (!backups.empty()) kept.push_back(value("dir", backups, fmt::format("line {}", backups_line)));
  if (script < source.size() && !backups.empty()) {
    std::vector<std::string> call = shell_words(source.placed(script).text);
    for (std::string& word : call)
      if (word.find("<BACKUP") != std::string::npos || word.find("[backup") != std::string::npos ||
          word.starts_with(backups + "/"))
        word = "{file}";
    while (!call.empty() && (call.front() == "sudo" || call.front() == "-u"))
      call.erase(call.begin(), call.begin() + (call.front() == "-u" && call.size() > 1 ? 2 : 1));
    kept.push_back(words(
        "restore", call,
        fmt::format("line {}: your own script; it overwrites, and backout saves first", source.item(script).line)));
  }
  if (!kept.empty()) keys.push_back({"backups", {NodeKind::kMap, "", std::move(kept)}, ""});
  init::YamlEntry entry = part("database", NodeKind::kMap, std::move(keys),
                               known ? "backout saves it, restores beside it, carries rows over, and swaps"
                                     : "the runbook does not say which: fill it in");
  entry.off = !known;
  return {std::move(entry)};
}

}  // namespace backout::import

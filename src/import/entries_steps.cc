// Checks, commands of the team's own, and the watch.
#include <algorithm>
#include <set>

#include "import/area.h"
#include "import/block.h"
#include "import/commands.h"
#include "import/entries.h"
#include "import/placeholder.h"
#include "import/sentence.h"

namespace backout::import {
namespace {

using YamlKind = init::YamlValue::Kind;

bool can_stand(const std::string& text) { return !text.empty() && text.size() < 4000 && init::representable(text); }

struct Url {
  std::string origin, path;  // "https://shop.example", "/health/?x=1"
  bool local = false, open = false;
};
Url parsed(const std::string& url) {
  const size_t host = url.find("://");
  if (host == std::string::npos) return {"", url};
  const size_t slash = url.find('/', host + 3);
  Url parts{url.substr(0, slash), slash == std::string::npos ? "/" : url.substr(slash)};
  const std::string name = parts.origin.substr(host + 3);
  parts.local = name.starts_with("localhost") || name.starts_with("127.0.0.1") || name.starts_with("0.0.0.0");
  parts.open = !placeholders_in(parts.origin).empty() || name.empty() ||
               parts.origin.find_first_of("$`\"'<>{}[]") != std::string::npos;
  return parts;
}

int status_in(const std::string& expected) {
  for (size_t at = 0; at + 3 <= expected.size(); ++at) {
    const auto digit = [&](size_t i) { return i < expected.size() && expected[i] >= '0' && expected[i] <= '9'; };
    if (digit(at) && digit(at + 1) && digit(at + 2) && !digit(at + 3) && (at == 0 || !digit(at - 1)) &&
        expected[at] >= '1' && expected[at] <= '5')
      return (expected[at] - '0') * 100 + (expected[at + 1] - '0') * 10 + (expected[at + 2] - '0');
  }
  return 200;
}

/// Does it go on until somebody stops it?
bool is_endless(const std::string& text) {
  for (const std::string& word : shell_words(text))
    if (word == "-f" || word == "--follow" || word == "watch" || word == "-w" || word == "--watch")
      return text.find("curl") == std::string::npos && text.find("compose -f") == std::string::npos;
  return false;
}

std::string slug(const std::string& text, size_t most) {
  std::string name;
  size_t count = 0;
  for (const std::string& word : shell_words(text, 40)) {
    const std::string small = lowered(word);
    if (word.starts_with('-') || small == "sudo" || small.starts_with("python") || small.ends_with("manage.py") ||
        small.ends_with(".yml") || small.ends_with(".yaml") || small == "<<eof" || small == "cd" || small == "&&")
      continue;
    std::string part;
    for (const char c : small.substr(0, 24)) {
      const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (fits)
        part += c;
      else if (!part.empty() && part.back() != '-')
        part += '-';
    }
    while (part.ends_with('-')) part.pop_back();
    if (part.empty()) continue;
    name += (name.empty() ? "" : "-") + part;
    if (++count == most) break;
  }
  return name.empty() ? "step" : name;
}

class Checks {
 public:
  explicit Checks(const Source& source)
      : source_(source), path_(code_path(source)), addresses_(site_addresses(source)) {}

  Entries take() {
    for (size_t at = 0; at < source_.size() && list_.size() < kMostEntries; ++at) {
      const Placed& placed = source_.placed(at);
      if (placed.to == To::kAsk)
        ask(at);
      else if (placed.to == To::kChecks && source_.item(at).kind != Kind::kCommand)
        address(at);
      else if (placed.to == To::kChecks && !placed.meaning.context)
        command(at);
    }
    return std::move(list_);
  }

 private:
  void put(size_t at, Entries keys, const std::string& same, bool off = false) {
    const Placed& placed = source_.placed(at);
    off = off || placed.off;
    if (!done_.insert((off ? "off " : "") + same).second) return;
    if (off && done_.contains(same)) return;
    list_.push_back(flow("", std::move(keys), behind(source_.item(at), placed), off));
  }

  void ask(size_t at) {
    std::string question = shortened(one_line(without_markup(source_.item(at).text)), 300);
    for (const char* mark : {"✅", "❌", "☐", "✔"}) question = std::string(trimmed(replaced(question, mark, "")));
    if (!can_stand(question)) return;
    if (std::string_view("?.!").find(question.back()) == std::string_view::npos) question += "?";
    put(at, {value("ask", question)}, "ask " + question);
  }

  void http(size_t at, const std::string& url, bool head, int status, const std::string& contains = "") {
    const Url parts = parsed(url);
    const bool own = parts.origin.empty() || parts.local || parts.origin == addresses_.open || parts.open;
    const std::string address = own ? parts.path : url;
    std::vector<std::string> open;
    (void)filled(address, {}, open);
    if (!can_stand(address) || address.find_first_of(" $`") != std::string::npos || address.size() > 500) return;
    Entries keys = {value(head ? "head" : "get", address)};
    if (status != 200) keys.push_back(value("status", std::to_string(status)));
    if (!contains.empty() && !head) keys.push_back(value("contains", contains));
    put(at, std::move(keys), (head ? "head " : "get ") + address, !open.empty());
  }

  void address(size_t at) {
    const Item& item = source_.item(at);
    const auto asked = address_in(item.text);
    if (!asked) return;
    std::string contains;
    const size_t open = item.text.find('('), close = item.text.find(')', open == std::string::npos ? 0 : open);
    if (open != std::string::npos && close != std::string::npos && close - open - 1 < 20 && close - open - 1 > 1 &&
        asked->status == 200)
      contains = item.text.substr(open + 1, close - open - 1);
    if (contains.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
      contains.clear();
    http(at, asked->address, false, asked->status, contains);
  }

  void command(size_t at) {
    const Item& item = source_.item(at);
    const Placed& placed = source_.placed(at);
    const Meaning& meaning = placed.meaning;
    if (!meaning.url.empty() && placed.text.find("-H ") == std::string::npos)
      return http(at, meaning.url, meaning.head, status_in(item.expected));
    if (!meaning.log.empty() && can_stand(meaning.log) && meaning.log.find_first_of("$*?[<") == std::string::npos)
      return put(at, {value("log", meaning.log)}, "log " + meaning.log);
    if (!meaning.unit.empty() && can_stand(meaning.unit) && meaning.unit.front() != '-')
      return put(at, {value("journal", meaning.unit)}, "journal " + meaning.unit);
    const std::string text = command_text(source_, at, path_);
    if (!can_stand(text)) return;
    put(at, {value("run", text)}, "run " + text, is_endless(text) || !placed.danger.empty());
  }

  const Source& source_;
  const std::string path_;
  const SiteAddresses addresses_;
  std::set<std::string> done_;
  Entries list_;
};

}  // namespace

SiteAddresses site_addresses(const Source& source) {
  SiteAddresses found;
  bool door = false;
  for (size_t at = 0; at < source.size(); ++at)
    door = door || (source.placed(at).to == To::kDoor && !source.placed(at).off);
  for (size_t at = 0; at < source.size(); ++at) {
    const Meaning& meaning = source.placed(at).meaning;
    if (meaning.url.empty() || source.item(at).kind != Kind::kCommand || source.placed(at).off) continue;
    const Url parts = parsed(meaning.url);
    if (parts.open || !can_stand(parts.origin)) continue;
    const bool with_port = parts.origin.find(':', parts.origin.find("://") + 3) != std::string::npos;
    const bool behind = parts.local && (with_port || !door);
    std::string& to = behind ? found.base : found.open;
    if (to.empty()) {
      to = parts.origin;
      (behind ? found.base_line : found.open_line) = source.item(at).line;
    }
  }
  return found;
}

Entries addresses(const Source& source) {
  const SiteAddresses found = site_addresses(source);
  Entries entries;
  if (!found.base.empty())
    entries.push_back(value("base_url", found.base, fmt::format("line {}", found.base_line)));
  else
    entries.push_back(
        value("base_url", "http://127.0.0.1:8000", "where the site is asked behind the door: fill in", true));
  if (!found.open.empty())
    entries.push_back(value("public_url", found.open, fmt::format("line {}", found.open_line)));
  else
    entries.push_back(value("public_url", "https://shop.example.com", "where users come in: fill in", true));
  return entries;
}

Entries checks(const Source& source) {
  Entries list = Checks(source).take();
  if (list.empty()) return {};
  return {part("checks", YamlKind::kList, std::move(list), "what must hold for a release to count as working")};
}

Entries commands(const Source& source) {
  Entries list;
  std::set<std::string> names;
  std::map<Phase, int> live;
  const std::string path = code_path(source);
  for (size_t at = 0; at < source.size() && list.size() < kMostEntries; ++at) {
    const Placed& placed = source.placed(at);
    if (placed.to != To::kCommands || placed.meaning.context || !placed.phase) continue;
    const bool asks = placed.meaning.looks && !placed.meaning.url.empty() && placed.open.empty() &&
                      placed.meaning.url.find_first_of("'$`\"") == std::string::npos;
    // curl alone says that all is well when the site answers with an error.
    const std::string text = asks ? fmt::format("curl -fsS '{}'", placed.meaning.url) : command_text(source, at, "");
    if (!can_stand(text)) continue;
    const std::string base =
        asks ? slug("get " + placed.meaning.url.substr(placed.meaning.url.find("://") + 3), 2) : slug(placed.text, 3);
    std::string name = base;
    for (int copy = 2; !names.insert(name).second; ++copy) name = fmt::format("{}-{}", base, copy);
    Entries keys = {value("name", name), value("phase", std::string(name_of(*placed.phase))), value("run", text)};
    if (placed.meaning.looks) keys.push_back({"repeatable", init::YamlValue::yes(), ""});
    std::string comment = behind(source.item(at), placed);
    if (!placed.danger.empty()) comment += "; DESTRUCTIVE: " + placed.danger;
    if (!placed.meaning.looks && !placed.off) comment += "; probe: to be filled in";
    if (!placed.off) ++live[*placed.phase];
    list.push_back(flow("", std::move(keys), std::move(comment), placed.off));
  }
  if (list.empty()) return {};
  Entries entries = {
      part("commands", YamlKind::kList, std::move(list),
           "steps of your own. Give each a probe (exit status 0: done, 1: not done) or repeatable: true")};
  const bool several = std::any_of(live.begin(), live.end(), [](const auto& one) { return one.second > 1; });
  if (several) {
    entries.insert(entries.begin(), value("jobs", "1", "one step at a time, in the order of the runbook"));
    entries.front().gap = true;
  }
  return entries;
}

Entries watch(const Source& source) {
  int line = 0;
  for (size_t at = 0; at < source.size() && line == 0; ++at) {
    const Placed& placed = source.placed(at);
    const bool says = placed.phase == Phase::kSettle &&
                      lowered(source.item(at).text.substr(0, 400)).find("monitor") != std::string::npos;
    if (placed.to == To::kWatch || says) line = source.item(at).line;
  }
  if (line == 0) return {};
  init::YamlEntry entry = flow("watch", {value("heightened", "24h")},
                               fmt::format("line {}: how long it is watched after a rollback; `backout watch`", line));
  entry.gap = true;
  return {std::move(entry)};
}

}  // namespace backout::import

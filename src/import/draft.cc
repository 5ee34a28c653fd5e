#include "import/draft.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/config.h"
#include "import/area.h"
#include "import/entries.h"
#include "init/words.h"

namespace backout::import {
namespace {

/// Words of titles that name the kind of page and not the site.
bool is_common(const std::string& word) {
  static const std::set<std::string> words = {
      "rollback", "roll",      "back",        "runbook",    "procedure",     "procedures",   "plan",
      "guide",    "playbook",  "deployment",  "deploy",     "for",           "the",          "a",
      "of",       "and",       "to",          "production", "emergency",     "strategy",     "process",
      "how",      "release",   "application", "app",        "documentation", "instructions", "manual",
      "sop",      "checklist", "incident",    "recovery",   "steps",         "in",           "database",
      "system"};
  return words.contains(word);
}

std::string site_name(const std::string& title) {
  std::string name;
  std::string word;
  for (const char c : lowered(title.substr(0, 200)) + " ") {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ((c == '-' || c == '_' || c == '.') && !word.empty())) {
      word += c;
      continue;
    }
    if (!word.empty() && !is_common(word) && word.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos &&
        name.size() < 40)
      name += (name.empty() ? "" : "-") + word;
    word.clear();
  }
  return init::as_name(name);
}

std::string head_of(const Runbook& runbook, const Placing& placing, const Titled& titled) {
  std::string words =
      fmt::format("Drafted by `backout import` from {}. Nothing of the runbook was run, and nothing here is in",
                  one_line(shortened(titled.file, 200)));
  words +=
      "\nforce until you look it over: fill in what is open, take in what stands as a comment, then: backout lint.";
  words +=
      "\nEach value says from which line it is; what became of every line stands at the end. Every key: "
      "docs/configuration.md";
  size_t told = 0;
  for (const std::string& way : placing.ways)
    if (++told <= 40) words += "\nSeveral ways: " + one_line(way);
  told = 0;
  for (const Remark& remark : runbook.remarks)
    if (++told <= 40) words += fmt::format("\nLine {}: {}", remark.line, one_line(remark.words));
  return words;
}

/// The entry of the top that line `line` of the text belongs to.
size_t entry_at(const Entries& top, int line) {
  int last = 0;
  size_t found = 0;
  for (size_t at = 0; at < top.size(); ++at) {
    const std::string one = init::yaml_text({top[at]});
    last += static_cast<int>(std::count(one.begin(), one.end(), '\n'));
    found = at;
    if (line <= last) break;
  }
  return found;
}

/// Entries of a list or map whose text has the line, else the whole part, become comments.
void leave_out(init::YamlEntry& entry, int line_in_entry) {
  const bool block =
      entry.value.kind == init::YamlValue::Kind::kList || entry.value.kind == init::YamlValue::Kind::kMap;
  if (block) {
    Entries all = entry.value.entries;
    init::YamlEntry bare = entry;
    bare.value.entries.clear();
    const std::string head = init::yaml_text({bare});
    int last = static_cast<int>(std::count(head.begin(), head.end(), '\n'));
    for (init::YamlEntry& child : entry.value.entries) {
      init::YamlEntry holder = bare;
      holder.value.entries = {child};
      const std::string one = init::yaml_text({holder});
      last += static_cast<int>(std::count(one.begin(), one.end(), '\n')) -
              static_cast<int>(std::count(head.begin(), head.end(), '\n'));
      if (line_in_entry > last || child.off) continue;
      child.off = true;
      child.comment += "; not as it must be";
      return;
    }
  }
  entry.off = true;
  entry.comment = "not as it must be";
}

}  // namespace

std::string draft_of(const Runbook& runbook, const Placing& placing, const Titled& titled) {
  const Source source{runbook, placing};
  Entries top;
  std::string site = init::as_name(titled.site.empty() ? site_name(runbook.title) : titled.site);
  const bool named = !site.empty();
  top.push_back(value("site", named ? site : "site", named ? "" : "the runbook does not name it"));
  top.front().above = head_of(runbook, placing, titled);
  top.push_back(value("environment", "production"));
  for (const auto& each : {addresses, code, services, door, database, checks, commands, watch, people, rules}) {
    Entries entries = each(source);
    for (init::YamlEntry& entry : entries) top.push_back(std::move(entry));
  }
  // Whatever a runbook says, the draft reads: what the reader of backout.yaml refuses becomes a comment.
  std::string text = init::yaml_text(top);
  for (int tries = 0; tries < 60; ++tries) {
    const config::Loaded loaded = config::parse(text, "/srv/backout.yaml");
    const auto error = std::find_if(loaded.findings.begin(), loaded.findings.end(), [](const config::Finding& finding) {
      return finding.severity == config::Severity::kError;
    });
    if (error == loaded.findings.end()) return text + ledger_of(runbook, placing);
    const size_t at = tries < 50 ? entry_at(top, error->line) : 2 + static_cast<size_t>(tries) % 10;
    if (at >= 2 && at < top.size()) {
      const std::string before = init::yaml_text(Entries(top.begin(), top.begin() + static_cast<long>(at)));
      leave_out(top[at], error->line - static_cast<int>(std::count(before.begin(), before.end(), '\n')));
    } else {
      top[0] = value("site", "site");
    }
    text = init::yaml_text(top);
  }
  return init::yaml_text({value("site", "site")}) + ledger_of(runbook, placing);
}

}  // namespace backout::import

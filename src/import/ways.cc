#include "import/ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"
#include "import/area.h"

namespace backout::import {
namespace {

constexpr std::string_view kPlatforms[] = {
    "kubernetes", "k8s",        "docker",      "pm2",        "systemd",    "coolify",    "heroku",    "helm",
    "ecs",        "lambda",     "vercel",      "netlify",    "fly.io",     "argo",       "windows",   "linux",
    "powershell", "bare metal", "traditional", "blue-green", "blue/green", "canary",     "alb",       "istio",
    "nginx",      "prisma",     "knex",        "rails",      "django",     "alembic",    "aws",       "gcp",
    "azure",      "git-based",  "railway",     "render",     "cloud run",  "app engine", "beanstalk", "nomad"};
constexpr std::string_view kOptions[] = {"option ",  "method ", "approach ", "alternative", "variant",
                                         "variante", "opción",  "opcion",    "метод ",      "вариант ",
                                         "Вариант ", "cách ",   "Cách ",     "methode",     "plan a",
                                         "plan b",   "path a",  "path b",    "strategy a",  "strategy b"};
/// For a case that is not the usual one.
constexpr std::string_view kSpecial[] = {"partial",   "alternative",       "last resort",   "when the new release",
                                         "scenario:", "mid-migration",     "irreversible",  "worst case",
                                         "only if",   "if rollback fails", "causes issues", "emergency bypass"};

bool has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

bool is_option(const std::string& title) {
  return std::any_of(std::begin(kOptions), std::end(kOptions),
                     [&](std::string_view word) { return title.starts_with(word); });
}
bool names_platform(const std::string& title) {
  return std::any_of(std::begin(kPlatforms), std::end(kPlatforms),
                     [&](std::string_view word) { return has(title, word); });
}
bool is_special(const std::string& title) {
  return std::any_of(std::begin(kSpecial), std::end(kSpecial), [&](std::string_view word) { return has(title, word); });
}

class Finder {
 public:
  Finder(const Runbook& runbook, const std::vector<std::string>& wanted) : book_(runbook) {
    for (const std::string& each : wanted) wanted_.push_back(lowered(each));
    out_.left_out.resize(book_.items.size());
    section_out_.resize(book_.sections.size());
    holds_commands_.resize(book_.sections.size());
    first_item_.resize(book_.sections.size(), -1);
    for (size_t at = book_.items.size(); at-- > 0;)
      if (book_.items[at].section >= 0)
        first_item_[static_cast<size_t>(book_.items[at].section)] = static_cast<int>(at);
    for (const Item& item : book_.items)
      for (int at = item.section; at >= 0; at = book_.sections[static_cast<size_t>(at)].parent) {
        if (holds_commands_[static_cast<size_t>(at)]) break;
        if (item.kind == Kind::kCommand || item.kind == Kind::kSnippet) holds_commands_[static_cast<size_t>(at)] = true;
      }
  }

  Ways take() {
    sections();
    for (size_t at = 0; at < book_.items.size(); ++at)
      if (const int section = book_.items[at].section; section >= 0)
        out_.left_out[at] = section_out_[static_cast<size_t>(section)];
    blocks();
    languages();
    return std::move(out_);
  }

 private:
  bool is_wanted(const std::string& title) const {
    return std::any_of(wanted_.begin(), wanted_.end(),
                       [&](const std::string& each) { return has(lowered(title), each); });
  }

  void sections() {
    std::map<int, std::vector<size_t>> options, platforms;  // by the section above
    std::vector<std::string> special(book_.sections.size());
    for (size_t at = 0; at < book_.sections.size(); ++at) {
      const std::string title = lowered(book_.sections[at].title);
      const int above = book_.sections[at].parent;
      if (above < 0 && at == 0) continue;
      if (is_special(title) || starts_as_scenario(static_cast<int>(at)))
        special[at] = book_.sections[at].title;
      else if (is_option(title))
        options[above].push_back(at);
      else if (names_platform(title) && holds_commands_[at] && book_.sections[at].level < 20)
        platforms[above].push_back(at);
    }
    for (const auto* groups : {&options, &platforms})
      for (const auto& [above, group] : *groups) choose(group);
    for (size_t at = 0; at < book_.sections.size(); ++at) {
      if (!special[at].empty() && !is_wanted(special[at])) section_out_[at] = special[at];
      const int above = book_.sections[at].parent;
      if (section_out_[at].empty() && above >= 0) section_out_[at] = section_out_[static_cast<size_t>(above)];
    }
  }

  /// "**Scenario:** Migration started but failed": the section is for that case alone.
  bool starts_as_scenario(int section) const {
    const int first = first_item_[static_cast<size_t>(section)];
    if (first < 0) return false;
    const Item& item = book_.items[static_cast<size_t>(first)];
    return item.kind == Kind::kText && has(lowered(item.text.substr(0, 20)), "scenario:");
  }

  void choose(const std::vector<size_t>& group) {
    if (group.size() < 2) return;
    size_t taken = group.front();
    const auto is_posix = [&](size_t each) {
      const std::string title = lowered(book_.sections[each].title);
      return !has(title, "windows") && !has(title, "powershell");
    };
    if (const auto posix = std::find_if(group.begin(), group.end(), is_posix); posix != group.end()) taken = *posix;
    for (const size_t each : group)
      if (is_wanted(book_.sections[each].title)) {
        taken = each;
        break;
      }
    std::vector<std::string> others;
    for (const size_t each : group) {
      if (each == taken) continue;
      section_out_[each] = book_.sections[each].title;
      others.push_back(book_.sections[each].title);
    }
    tell(book_.sections[taken].title, others);
  }

  void tell(const std::string& taken, const std::vector<std::string>& others) {
    out_.told.push_back(
        fmt::format("taken: {}; left out: {}", shortened(taken, 80), shortened(join(others, ", "), 300)));
  }

  /// In a block of commands: "# PM2" ... "# Systemd" ..., "# Option 1: ...".
  static std::optional<std::string> way_in(const std::string& comment) {
    std::optional<std::string> way;
    for (const std::string& line : split(comment, '\n')) {
      const std::string words = std::string(trimmed(replaced(line, "#", "")));
      const std::string small = lowered(words);
      const auto count = std::count(words.begin(), words.end(), ' ') + 1;
      if (small.starts_with("option ") || (small.starts_with("using ") && count <= 4) ||
          (count <= 3 && names_platform(small.substr(0, small.find(' ')))))
        way = words;
    }
    return way;
  }

  void blocks() {
    for (size_t first = 0; first < book_.items.size();) {
      size_t end = first + 1;
      while (end < book_.items.size() && book_.items[end].block == book_.items[first].block &&
             book_.items[first].block > 0)
        ++end;
      std::vector<std::string> names;
      std::vector<size_t> of(end - first, 0);  // 0: before the first way
      for (size_t at = first; at < end; ++at) {
        if (const auto way = way_in(book_.items[at].comment)) names.push_back(*way);
        of[at - first] = names.size();
      }
      if (names.size() >= 2) {
        size_t taken = 1;
        for (size_t each = 0; each < names.size(); ++each)
          if (is_wanted(names[each])) taken = each + 1;
        std::vector<std::string> others;
        for (size_t each = 0; each < names.size(); ++each)
          if (each + 1 != taken) others.push_back(names[each]);
        tell(names[taken - 1], others);
        for (size_t at = first; at < end; ++at)
          if (of[at - first] != 0 && of[at - first] != taken && out_.left_out[at].empty())
            out_.left_out[at] = names[of[at - first] - 1];
      }
      first = end;
    }
  }

  /// Commands of a shell that is no POSIX shell cannot be run; often the same step stands beside them for one that is.
  void languages() {
    const auto is_windows = [](const Item& item) {
      for (const char* each : {"powershell", "ps1", "pwsh", "cmd", "bat", "batch"})
        if (item.language == each) return true;
      return false;
    };
    bool told = false;
    for (size_t at = 0; at < book_.items.size(); ++at) {
      const Item& item = book_.items[at];
      if (item.kind != Kind::kCommand || !is_windows(item) || !out_.left_out[at].empty()) continue;
      out_.left_out[at] = item.language;
      if (!told) out_.told.push_back(fmt::format("left out: {}; commands are run by a POSIX shell", item.language));
      told = true;
    }
  }

  const Runbook& book_;
  std::vector<std::string> wanted_;
  Ways out_;
  std::vector<std::string> section_out_;
  std::vector<bool> holds_commands_;
  std::vector<int> first_item_;  // of each section; -1: none
};

}  // namespace

Ways ways_of(const Runbook& runbook, const std::vector<std::string>& wanted) { return Finder(runbook, wanted).take(); }

}  // namespace backout::import

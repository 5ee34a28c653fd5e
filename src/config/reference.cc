// docs/configuration.md from the table of keys.
#include <fmt/format.h>

#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

namespace backout::config {
namespace {

struct Section {
  std::string_view path;  // keys at or under it, "" for scalars at the top
  std::string_view title, words;
};

constexpr Section kSections[] = {
    {"", "At the top", ""},
    {"hosts", "hosts", "Leave it out when everything runs on this machine."},
    {"code", "code",
     "With `releases`, a release is built beside the running one and switched to by one symlink. With `in-place`, one "
     "git "
     "checkout is moved to another commit: what is not committed there is kept, and building counts as outage."},
    {"services", "services",
     "Each element takes one of these forms, told apart by its first key: `systemd`, `process`, `supervisor`, `pm2`; "
     "and, "
     "for "
     "what writes to the site without being up all the time, `timer`, `cron` and `crontab`. "
     "[services.md](services.md) says what is done with each and what is looked at."},
    {"door", "door", "Users are outside from *close* to *open*, so that nothing they write can be lost by an abort."},
    {"traffic", "traffic",
     "Exactly one of `nginx`, `haproxy`, `alb` and `istio`, and the pools. [traffic.md](traffic.md) says what is done "
     "and what is looked at."},
    {"database", "database", "Exactly one of `sqlite` and `postgresql`."},
    {"checks", "checks",
     "Each element is a line, `PATH STATUS` and optionally `\"TEXT\"`, or a map told apart by its first key: `get`, "
     "`head`, "
     "`post`; `run`; `ask`. `{{version}}` in any text is the version that should run. An `http` check given as a path "
     "is asked on every host, at "
     "that host's `url` or at `base_url`; once the door is open, at `public_url` as well. One that asks for a status "
     "below 400 and for nothing in the answer fails when the answer calls itself an error: by its title or first "
     "heading, "
     "its first line, or a JSON field such as `error` or `status`; better say what the answer contains, or `version: "
     "true`."},
    {"ci", "ci", ""},
    {"retention", "retention", ""},
    {"commands", "commands",
     "A command without a `probe` that is not `repeatable` leaves its outcome Unknown when a crash comes at the wrong "
     "moment."},
    {"save", "save", ""},
    {"leftovers", "leftovers",
     "Each element takes one of three forms, told apart by its first key: `redis`, `directory` or `run`. "
     "[services.md](services.md#leftovers) says when what is done."},
    {"auto_deploys", "auto_deploys",
     "Each element takes one of the forms `argocd`, `flux`, `container`, `cron`, `crontab`, `timer` or `run`, told "
     "apart by "
     "that key. [auto-deploys.md](auto-deploys.md) says what is paused, when, and how it goes on."},
    {"search", "search", "[search.md](search.md) says when the index is rebuilt, and what is believed."},
    {"watch", "watch", ""},
    {"<command>", "A command",
     "Wherever a command is asked for, it is a string (given to `sh -c`), a list of words (run as it stands, without a "
     "shell), or a map of these keys:"},
    {"approvals", "approvals", ""},
    {"signals", "signals",
     "Each element takes one of these forms, told apart by its first key. [signals.md](signals.md) says what each "
     "reads, "
     "what it counts, and when it is blind. One with a URL that names no `{host}` is asked once, from here; the others "
     "look at each of their hosts."},
    {"policy", "policy, rules, automatic, severity, features",
     "[decide.md](decide.md) has the language of rules, the facts, and what is in the shipped policies."},
    {"rules", "", ""},
    {"automatic", "", ""},
    {"severity", "", ""},
    {"features", "", ""},
    {"people", "people, notify, drill", ""},
    {"notify", "", ""},
    {"drill", "", ""},
};

constexpr std::string_view kIntroduction = R"(# backout.yaml

This page is made from the table of keys in `src/config/keys.cc`, which also checks the file: what is not here is refused, with the
line, the column and the nearest right key. `backout lint` shows every finding at once, and [`backout init`](init.md) writes a first file.
`examples/backout.yaml` is a whole one.

- One file is one site in one environment. With `-e staging`, `backout.staging.yaml` beside it lies over it: maps merge, lists and
  values replace, and an empty value takes the key away.
- Relative paths start in the directory of the file. `{host}` in a text is replaced by the host's name when it is used.
- Durations are whole numbers with a unit: `250ms`, `30s`, `5m`, `24h`, `7d`.
- A key that begins with `x-` is yours, anywhere but among names that are yours already (variables, headers, tables).
- Anchors and aliases work; merge keys (`<<`) do not. A file has at most 1 MiB and one document.
- Where a part has no `hosts`, all hosts of the site are meant.
- The value of a secret does not belong here, because plans and the journal hold what is written here: `secrets` and `send_secret`
  take the place where it is, and it is read when it is needed.
)";

bool belongs(std::string_view path, std::string_view section) {
  if (section.empty())
    return path.find_first_of(".[<") == std::string_view::npos && find_key(path)->type != Type::kMap &&
           find_key(path)->type != Type::kList;
  return path == section || (path.starts_with(section) && (path[section.size()] == '.' || path[section.size()] == '['));
}

std::string cell(std::string_view text) { return replaced(std::string(text), "|", "\\|"); }

std::string takes(const Key& key) {
  switch (key.type) {
    case Type::kText:
    case Type::kWord: return "text";
    case Type::kName: return "name";
    case Type::kPath: return "path";
    case Type::kAbsolute: return "absolute path";
    case Type::kUrl: return "URL";
    case Type::kUrlOrMap: return "URL or map";
    case Type::kNamesOrTrue: return "true or list";
    case Type::kSecret: return "$NAME or absolute path";
    case Type::kWhole: return fmt::format("{} to {}", key.least, key.most);
    case Type::kFlag: return "true, false";
    case Type::kTextOrFlag: return "text or true";
    case Type::kSpan: return "duration";
    case Type::kChoice: return replaced(std::string(key.choices), "|", ", ");
    case Type::kCommand: return "command";
    case Type::kArgv: return "text or list";
    case Type::kList: return "list";
    case Type::kOneOrList: return "one or list";
    case Type::kMap: return "map";
    case Type::kForms: return key.path == "checks[]" ? "line or map" : "map";
    case Type::kAnything: return "anything";
  }
  return "";
}

std::string row(const Key& key) {
  std::string meaning(key.doc);
  if (!key.instead.empty()) meaning += fmt::format(". **Not built yet**: {}", key.instead);
  return fmt::format("| `{}` | {} | {} | {} |\n", key.path, cell(takes(key)),
                     key.fallback == kRequired ? "**required**" : cell(key.fallback), cell(meaning));
}

}  // namespace

std::string reference() {
  std::string page(kIntroduction);
  bool fresh = true;  // a section without a title goes on in the table before it
  for (const Section& section : kSections) {
    if (!section.title.empty()) {
      page += fmt::format("\n## {}\n\n", section.title);
      if (!section.words.empty()) page += fmt::format("{}\n\n", section.words);
      fresh = true;
    }
    for (const Key& key : all_keys()) {
      if (!belongs(key.path, section.path) || key.path.ends_with("hosts[]")) continue;
      if (fresh) page += "| key | takes | when left out | meaning |\n|---|---|---|---|\n";
      fresh = false;
      page += row(key);
    }
  }
  return page;
}

}  // namespace backout::config

#include "app/ready/self_deploy.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace backout::app::ready {
namespace {

// Prints records of fields, each line "FIELD VALUE": kind where line script* -, and "end". Changes nothing.
constexpr std::string_view kLook = R"sh(
# backout-looks-for-self-deploys
LC_ALL=C; export LC_ALL
words='git|ansible-pull|pull|deploy|watchtower|shepherd|ouroboros|svn|hg |rsync|kubectl|helm|nomad|cap '
inside() {  # LINE: of a script that it names, the lines that look like a deployment
  set -f
  for word in $1; do
    case $word in /*) ;; *) continue ;; esac
    [ -f "$word" ] && [ -r "$word" ] || continue
    [ "$(stat -L -c %s -- "$word" 2>/dev/null || echo 99999999)" -le 65536 ] || continue
    case $(head -c 2 -- "$word" 2>/dev/null | tr -d '\000') in '#!') ;; *) case $word in *.sh|*.py|*.rb|*.pl) ;; *) continue ;; esac ;; esac
    grep -aEi -e "$words" -e '^[[:space:]]*(cd|WORKDIR|DIR|APP)[ =]' -- "$word" 2>/dev/null | head -n 20 | sed 's/^/script /'
  done
  set +f
}
found() {  # KIND WHERE LINE
  printf 'kind %s\nwhere %s\nline %s\n' "$1" "$2" "$3"
  inside "$3"
  echo -
}
crontab_lines() {  # FILE, its text on standard input
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in ''|[[:space:]]*'#'*|'#'*) continue ;; esac
    [ "${#line}" -le 2000 ] && found cron "$1" "$line"
  done
}
for file in /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/* /var/spool/cron/*; do
  [ -f "$file" ] && [ -r "$file" ] && crontab_lines "$file" <"$file"
done
for file in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/*; do
  [ -f "$file" ] && [ -x "$file" ] && found cron "$file" "$file"
done
[ "$(id -u)" = 0 ] || { command -v crontab >/dev/null 2>&1 && crontab -l 2>/dev/null | crontab_lines "the crontab of $(id -un)"; }
units=$(for link in /etc/systemd/system/*.wants/*.timer /etc/systemd/system/*.wants/*.path; do [ -e "$link" ] && echo "${link##*/}"; done
  [ ! -d /run/systemd/system ] || systemctl list-units --type=timer,path --no-legend --plain 2>/dev/null | awk '{ print $1 }')
for unit in $(printf '%s\n' "$units" | sort -u); do
  starts=${unit%.*}.service
  for place in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    [ -f "$place/$unit" ] || continue
    named=$(sed -n 's/^Unit=//p' "$place/$unit" | tail -n 1)
    starts=${named:-$starts}
    break
  done
  for place in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    [ -f "$place/$starts" ] || continue
    at=$(sed -n 's/^WorkingDirectory=/cd /p' "$place/$starts" | tail -n 1)
    sed -n 's/^ExecStart=[-@:+!]*//p' "$place/$starts" | while IFS= read -r line; do
      case $unit in apt-*|dpkg-*|e2scrub*|fstrim*|logrotate*|man-db*|systemd-*|motd*) continue ;; esac
      found timer "$unit" "${at:+$at; }$line"
    done
    break
  done
done
for engine in docker podman; do
  command -v $engine >/dev/null 2>&1 || continue
  timeout 3 $engine ps --format '{{.Names}} {{.Image}}' 2>/dev/null | grep -Ei 'watchtower|ouroboros|shepherd' | while read -r name image; do
    found container "$name" "$image"
  done
done
grep -lazE 'git.*(pull|fetch)|ansible-pull|watchtower|pm2.*deploy|docker.*pull' /proc/[0-9]*/cmdline 2>/dev/null | while IFS= read -r file; do
  process=${file#/proc/} process=${process%/cmdline}
  line=$(tr '\000\n' '  ' <"$file" 2>/dev/null | head -c 2000) || continue
  case $line in *backout-looks-for-self-deploys*|*'grep -lazE'*) continue ;; esac
  case ${line%% *} in git|*/git|grep|*/grep|ssh|*/ssh) continue ;; esac  # somebody at work, and no machinery
  printf 'pid %s\n' "$process"
  found process "a process in $(readlink "/proc/$process/cwd" 2>/dev/null)" "$line"
done
echo end
)sh";

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

/// `what` as words of its own, other words allowed between them: "git" and "pull" in "git -C /srv/shop pull".
bool has_words(const std::string& text, const std::vector<std::string>& what) {
  size_t next = 0;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.') {
      word += c;
      continue;
    }
    if (word == what[next] && ++next == what.size()) return true;
    word.clear();
    if (next > 0 && (c == ';' || c == '|' || c == '&')) next = 0;  // another command
  }
  return false;
}

bool names_a_path(const std::string& text, const std::string& path) {
  for (size_t at = text.find(path); at != std::string::npos; at = text.find(path, at + 1)) {
    const size_t end = at + path.size();
    const bool begins = at == 0 || has(" \t\"'=:;,(", std::string_view(&text[at - 1], 1));
    const bool ends = end == text.size() || has(" \t\"'/;:,)&|\n", std::string_view(&text[end], 1));
    if (begins && ends) return true;
  }
  return false;
}

/// Absolute directories that belong to somebody: where code could be.
bool names_another_place(const std::string& text) {
  for (const std::string& word : split(replaced(replaced(text, "\n", " "), ";", " "), ' ')) {
    for (const std::string_view root : {"/srv/", "/opt/", "/home/", "/var/www/", "/app/", "/data/", "/root/"})
      if (has(word, root) && word.size() > root.size()) return true;
  }
  return false;
}

std::string next_for(const Candidate& candidate) {
  if (candidate.kind == "cron")
    return "have a rollback pause it: auto_deploys: [{cron: " + candidate.where +
           "}] in backout.yaml, whose match is in this line if it has one; or take the line out";
  if (candidate.kind == "timer")
    return "have a rollback pause it: auto_deploys: [{timer: " + candidate.where +
           "}] in backout.yaml, or: systemctl disable --now " + candidate.where;
  if (candidate.kind == "container")
    return "have a rollback pause it: auto_deploys: [{container: " + candidate.where +
           "}] in backout.yaml, or leave this site's images out of what it watches";
  return "end it, or have a rollback stop it: give it a service in backout.yaml";
}

}  // namespace

Result<std::vector<Candidate>> parse_candidates(std::string_view output) {
  std::vector<Candidate> candidates;
  Candidate current;
  bool whole = false;
  for (const std::string& raw : split(output, '\n')) {
    const std::string line = one_line(raw);
    whole = line == "end";
    const size_t space = line.find(' ');
    const std::string field = line.substr(0, space), value = space == std::string::npos ? "" : line.substr(space + 1);
    if (field == "pid") current.pid = value;
    if (field == "kind") current.kind = value;
    if (field == "where") current.where = value;
    if (field == "line") current.line = value;
    if (field == "script") current.script += value + "\n";
    if (field == "-" && !current.kind.empty()) candidates.push_back(std::exchange(current, {}));
    if (whole) break;
  }
  if (!whole) return Error{Code::kCorrupt, "the answer was cut off", ""};
  return candidates;
}

std::optional<std::string> deploys_by(const std::string& text) {
  static const std::vector<std::vector<std::string>> kCommands = {{"git", "pull"},
                                                                  {"git", "fetch"},
                                                                  {"git", "reset"},
                                                                  {"git", "checkout"},
                                                                  {"git", "clone"},
                                                                  {"ansible-pull"},
                                                                  {"docker", "compose", "pull"},
                                                                  {"docker-compose", "pull"},
                                                                  {"docker", "pull"},
                                                                  {"podman", "pull"},
                                                                  {"pm2", "deploy"},
                                                                  {"pm2", "pull"},
                                                                  {"cap", "deploy"},
                                                                  {"make", "deploy"},
                                                                  {"svn", "update"},
                                                                  {"svn", "up"},
                                                                  {"hg", "pull"},
                                                                  {"kubectl", "apply"},
                                                                  {"kubectl", "set", "image"},
                                                                  {"helm", "upgrade"},
                                                                  {"backout", "deploy"},
                                                                  {"watchtower"},
                                                                  {"ouroboros"},
                                                                  {"shepherd"}};
  for (const std::vector<std::string>& words : kCommands)
    for (const std::string& line : split(text, '\n'))
      if (has_words(line, words)) return join(words, " ");
  if (has(text, "containrrr/watchtower")) return "watchtower";
  return std::nullopt;
}

Marks marks_of(const Site& site) {
  Marks marks;
  if (site.code) {
    if (!site.code->path.empty()) marks.paths.push_back(site.code->path);
    if (site.code->git.starts_with('/')) marks.paths.push_back(site.code->git);
  }
  for (const ServiceConfig& service : site.services) {
    marks.parked.push_back(service.name);
    for (const auto& [key, value] : service.args.items())
      if (value.is_string()) marks.parked.push_back(value.get<std::string>());
  }
  for (const AutoDeployConfig& deploys : site.auto_deploys) {
    const std::string match = get_string(deploys.args, "match");
    marks.paused.push_back({deploys.name, match});
    if (const std::string object = get_string(deploys.args, "object"); !object.empty())
      marks.paused.push_back({object, match});
  }
  return marks;
}

std::vector<Finding> judge_candidates(const std::vector<Candidate>& candidates, const Marks& marks) {
  std::vector<Finding> findings;
  std::set<std::string> told;
  for (const Candidate& candidate : candidates) {
    const std::string text = candidate.line + "\n" + candidate.script + candidate.where;
    const auto how = deploys_by(candidate.line + "\n" + candidate.script);
    if (!how || !told.insert(candidate.where + "\n" + candidate.line).second) continue;
    const bool ours = std::any_of(marks.paths.begin(), marks.paths.end(),
                                  [&](const std::string& path) { return names_a_path(text, path); });
    if (!ours && names_another_place(text)) continue;
    // Who works in another directory is nobody's machinery; agents say by their names what they are.
    if (!ours && candidate.kind == "process" && how->find(' ') != std::string::npos) continue;
    const std::string name = candidate.where.substr(candidate.where.rfind('/') + 1);
    const auto is_it = [&](const std::string& known) {
      return known == candidate.where || known == name || known + ".timer" == candidate.where;
    };
    // What is stopped as a service starts again when the door opens, which is too soon for what comes by the clock.
    const bool by_the_clock = candidate.kind == "cron" || candidate.kind == "timer";
    const bool parked =
        std::any_of(marks.paused.begin(), marks.paused.end(),
                    [&](const Marks::Pause& pause) {
                      return is_it(pause.name) && (candidate.kind != "cron" || has(candidate.line, pause.match));
                    }) ||
        (!by_the_clock && std::any_of(marks.parked.begin(), marks.parked.end(), is_it));
    Json evidence = {{"line", candidate.line}};
    if (!candidate.pid.empty()) evidence["pid"] = candidate.pid;
    Finding finding{"self-deploy", Severity::kOk, candidate.where, "", "", "", evidence};
    const std::string what =
        fmt::format("{} deploys by itself ({}): {}", candidate.where, *how, shortened(candidate.line, 120));
    if (parked) {
      finding.what = what + "; a rollback stops it";
    } else if (ours) {
      finding.severity = Severity::kRed;
      finding.what = what + "; it would bring the bad release back";
      finding.next = next_for(candidate);
    } else {
      finding.severity = Severity::kWarning;
      finding.what = what + "; whether this site cannot be seen";
      finding.next = "look whether it brings this site's code; if it does, " + next_for(candidate);
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> look_for_self_deploys(const Marks& marks, host::Host& host, std::stop_token stop) {
  host::Command command = host::shell(std::string(kLook));
  command.timeout = Millis(20'000);
  const auto result = host.run(command, std::move(stop));
  const auto candidates = !result ? Result<std::vector<Candidate>>(result.error()) : parse_candidates(result->out);
  if (candidates) {
    std::vector<Finding> findings = judge_candidates(*candidates, marks);
    if (findings.empty())
      findings.push_back({"self-deploy",
                          Severity::kOk,
                          "",
                          "",
                          "nothing was found that deploys by itself",
                          "",
                          {{"looked_at", candidates->size()}}});
    return findings;
  }
  return {{"self-deploy", Severity::kWarning, "", "",
           "what deploys by itself could not be looked for: " + one_line(candidates.error().message),
           "look yourself: crontabs, timers, containers that watch images", Json::object()}};
}

}  // namespace backout::app::ready

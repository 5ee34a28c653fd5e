#include "drivers/code/compared.h"

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/code/script.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr Millis kHashTime{900'000};

// code_files PATTERN...: the files of "." that are code, with zero bytes between, in one order.
constexpr std::string_view kCodeFiles = R"sh(
code_files() {
  patterns=$(printf '%s\n' "$@")
  set -- . -xdev
  for name in __pycache__ .git .cache; do set -- "$@" -name "$name" -prune -o; done
  for name in log logs tmp temp cache var storage; do set -- "$@" -path "./$name" -prune -o; done
  while IFS= read -r pattern; do
    [ -z "$pattern" ] || set -- "$@" -path "./$pattern" -prune -o -name "$pattern" -prune -o
  done <<PATTERNS
$patterns
PATTERNS
  find "$@" -type f ! -name '*.pyc' ! -name '*.log' ! -name '*.pid' ! -name '*.sock' ! -name '*.db' ! -name '*.db-*' \
    ! -name '*.sqlite*' ! -name '.backout-*' ${newer_than:+! -newer "$newer_than"} -print0 | LC_ALL=C sort -z
}
)sh";

// Root writes below a directory that another user may own: our own part of it must be ours and no symlink.
constexpr std::string_view kRecord = R"sh(
path=$1 version=$2; shift 2
umask 077
[ -L "$path/current" ] && [ "$(readlink -f "$path/current")" = "$(readlink -f "$path/releases/$version")" ] || exit 0
for own in "$path/.backout" "$path/.backout/files"; do
  [ ! -L "$own" ] || fail "$own is a symlink; nothing is recorded through it"
  mkdir -p "$own"
  [ "$(stat -c %u "$own")" = "$(id -u)" ] || fail "$own belongs to somebody else"
done
record=$path/.backout/files/$version
cd "$path/releases/$version"
newer_than=$path/current
code_files "$@" | xargs -0 -r sha256sum -- >"$record.backout-tmp"
durable "$record.backout-tmp"
mv -T "$record.backout-tmp" "$record"
durable "$path/.backout/files"
)sh";

constexpr std::string_view kCompare = R"sh(
path=$1 version=$2; shift 2
record=$path/.backout/files/$version
release=$path/releases/$version
# backout fetched or built it again since it was recorded: other files are no wonder.
made_anew() {
  [ -f "$release/.backout-release" ] || return 1
  [ -f "$record" ] || return 0
  [ -n "$(find "$release/.backout-release" "$release/.backout-build" -maxdepth 0 -newer "$record" 2>/dev/null)" ]
}
if [ ! -f "$record" ]; then if made_anew; then echo anew; fi; echo end; exit 0; fi
cd "$release" 2>/dev/null || { echo "differs releases/$version is not there"; echo end; exit 0; }
sum=$(sha256sum <"$record")
printf 'record %s\n' "${sum%% *}"
# Another deployment of the same version has come since: the record is not of what is there.
if [ "$(readlink -f "$path/current")" = "$(pwd -P)" ] && [ -n "$(find "$path/current" -maxdepth 0 -newer "$record")" ]; then
  echo stale; echo end; exit 0
fi
if made_anew; then echo stale; echo end; exit 0; fi
printf 'files %s\n' "$(wc -l <"$record")"
sha256sum --check --quiet -- "$record" 2>/dev/null | head -n 4 | sed 's/: FAILED$//; s/: FAILED open or read$/ (gone)/; s/^/differs /'
newer_than=
printf 'there %s\n' "$(code_files "$@" | tr -dc '\0' | wc -c)"
echo end
)sh";

// path binary: the living processes whose program has that name and lies in the code, or is that very file.
constexpr std::string_view kRunning = R"sh(
path=$1 binary=$2
case $binary in /*) file=$binary ;; *) if [ -L "$path/current" ]; then file=$path/current/$binary; else file=$path/$binary; fi ;; esac
real=$(readlink -f -- "$file") || real=
home=$(readlink -f -- "$path")
if [ -f "$file" ]; then sum=$(sha256sum <"$file"); printf 'file %s\n' "${sum%% *}"; fi
for process in /proc/[0-9]*; do
  exe=$(readlink "$process/exe" 2>/dev/null) || { [ -r "$process/exe" ] || [ ! -d "$process" ] || unseen=1; continue; }
  exe=${exe% (deleted)}
  [ "${exe##*/}" = "${binary##*/}" ] || continue
  case $exe in "$home"/*|"$real"|"$file") ;; *) continue ;; esac
  sum=$(sha256sum <"$process/exe" 2>/dev/null) || continue
  printf 'process %s %s\n' "${process#/proc/}" "${sum%% *}"
done
[ "$(id -u)" = 0 ] || echo limited
echo end
)sh";

struct Record {
  std::string path, version;
  std::vector<std::string> words;  // path, version, what is left out
};

Result<std::vector<std::string>> patterns_of(const Json& ignore) {
  std::vector<std::string> patterns;
  if (ignore.is_null()) return patterns;
  if (!ignore.is_array()) return Error{Code::kInvalid, "'ignore' is not a list", ""};
  for (const Json& pattern : ignore) {
    if (!pattern.is_string() || pattern.get<std::string>().find_first_of("\n\r") != std::string::npos)
      return Error{Code::kInvalid, "'ignore' has an entry that is no pattern", ""};
    patterns.push_back(pattern.get<std::string>());
  }
  return patterns;
}

Result<Record> record_of(const Json& args) {
  Record record;
  record.path = TRY(path_argument(args, "path"));
  record.version = TRY(version_argument(args, "version"));
  record.words = {record.path, record.version};
  for (std::string& pattern : TRY(patterns_of(get(args, "ignore")))) record.words.push_back(std::move(pattern));
  return record;
}

bool is_sha256(const std::string& text) { return is_commit(text) && text.size() == 64; }

Sight sight_of_record(const Action& action, host::Host& host, std::stop_token stop) {
  const auto record = record_of(action.args);
  if (!record) return Sight::cannot_tell(record.error().message);
  const auto seen = compare_files(record->path, record->version, get(action.args, "ignore"), "", host, std::move(stop));
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  if (seen->record.empty()) return Sight::does_not_hold("no file of " + record->version + " is recorded");
  if (!seen->difference.empty()) return Sight::does_not_hold("recorded, and already different: " + seen->difference);
  return Sight::holds(counted(seen->files, "file") + " of " + record->version + " recorded",
                      {{"files", {{host.name().str(), seen->record}}}});
}

/// What the living processes run.
Sight sight_of_running(const Action& action, host::Host& host, std::stop_token stop) {
  const auto path = path_argument(action.args, "path");
  const auto binary = text_argument(action.args, "binary");
  const auto version = version_argument(action.args, "version");
  if (!path) return Sight::cannot_tell(path.error().message);
  if (!binary) return Sight::cannot_tell(binary.error().message);
  if (!version) return Sight::cannot_tell(version.error().message);
  const auto facts = look(host, script(kRunning), {*path, *binary}, "", std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (action.verb == "note-binary")
    return Sight::holds(facts->has("file") ? one_line(*binary) + " is " + facts->text("file").substr(0, 12)
                                           : "there is no " + one_line(*binary),
                        {{"binary", {{"file", facts->text("file")}}}});
  const std::string file = facts->text("file"), recorded = get_string(action.args, "sha256");
  if (file.empty()) return Sight::does_not_hold("there is no " + one_line(*binary) + " in the live code");
  Json evidence = {{"binary", {{"file", file}}}};
  if (!recorded.empty() && file != recorded)
    return Sight::does_not_hold(fmt::format("{} is {}; what served as {} was {}", one_line(*binary), file.substr(0, 12),
                                            *version, recorded.substr(0, 12)),
                                std::move(evidence));
  std::vector<std::string> pids;
  for (const std::string& line : facts->all("process")) {
    const std::vector<std::string> field = split(line, ' ');
    if (field.size() != 2) continue;
    if (field[1] != file)
      return Sight::does_not_hold(fmt::format("process {} runs another {} ({}, not {})", field[0], one_line(*binary),
                                              field[1].substr(0, 12), file.substr(0, 12)),
                                  std::move(evidence));
    pids.push_back(field[0]);
  }
  if (pids.empty()) {
    if (facts->has("limited"))
      return Sight::cannot_tell("no process of ours runs " + one_line(*binary) + ", and others cannot be seen");
    return Sight::does_not_hold("no process runs " + one_line(*binary), std::move(evidence));
  }
  return Sight::holds(fmt::format("{} runs as process {}", one_line(*binary), join(pids, ", ")), std::move(evidence));
}

Step compared_step(std::string_view driver, std::string id, const char* verb, StepKind kind, Phase phase,
                   std::string title, Json args, const driver::Offering& offering) {
  Step step;
  step.id = StepId(std::move(id));
  step.phase = phase;
  step.kind = kind;
  step.title = std::move(title);
  step.hosts = offering.hosts;
  step.action = {std::string(driver), verb, std::move(args)};
  step.repeatable = true;
  step.has_probe = true;
  step.timeout = kHashTime;
  return step;
}

}  // namespace

bool is_compared_verb(std::string_view verb) {
  return verb == "record-files" || verb == "running" || verb == "note-binary";
}

std::vector<driver::Verb> compared_verbs() {
  return {{"record-files", StepKind::kEffect, true, true},
          {"running", StepKind::kLook, true, true},
          {"note-binary", StepKind::kLook, true, true}};
}

Result<std::vector<Step>> record_steps(std::string_view driver, const driver::Offering& offering) {
  std::vector<Step> steps;
  if (offering.from.empty()) return steps;
  const std::string from = offering.from.str();
  TRY_VOID(check_version(from));
  if (const std::string binary = TRY(optional_text_argument(offering.subject, "binary")); !binary.empty())
    steps.push_back(compared_step(
        driver, "note-binary", "note-binary", StepKind::kLook, Phase::kPrepare, "note " + one_line(binary),
        {{"path", get(offering.subject, "path")}, {"binary", binary}, {"version", from}}, offering));
  if (driver != "releases") return steps;
  for (const std::string& host :
       offering.hosts) {  // another release, or none, is current: nothing served that is known
    const auto seen = offering.seen.find(host);
    if (seen == offering.seen.end() || get_string(seen->second, "current") != from) return steps;
  }
  steps.push_back(compared_step(
      driver, "record-code", "record-files", StepKind::kEffect, Phase::kPrepare, "record the files of " + from,
      {{"path", get(offering.subject, "path")}, {"version", from}, {"ignore", get(offering.subject, "ignore")}},
      offering));
  return steps;
}

Result<std::vector<Step>> running_steps(std::string_view driver, const driver::Offering& offering, bool recorded) {
  const std::string binary = TRY(optional_text_argument(offering.subject, "binary"));
  std::vector<Step> steps;
  if (binary.empty()) return steps;
  Json args = {{"path", get(offering.subject, "path")}, {"binary", binary}, {"version", offering.to.str()}};
  const std::string sha256 = get_string(get(offering.saved, "binary"), "file");
  if (recorded && is_sha256(sha256)) args["sha256"] = sha256;
  steps.push_back(compared_step(driver, "running-code", "running", StepKind::kLook, Phase::kCheck,
                                one_line(binary) + " that runs is " + offering.to.str() + "'s", std::move(args),
                                offering));
  steps.back().patience = {10, Millis(500)};  // the last process of the other release may still be draining
  return steps;
}

Result<Comparison> compare_files(const std::string& path, const std::string& version, const Json& ignore,
                                 const std::string& expected, host::Host& host, std::stop_token stop) {
  std::vector<std::string> words = {path, version};
  for (std::string& pattern : TRY(patterns_of(ignore))) words.push_back(std::move(pattern));
  const Facts facts = TRY(look(host, script(std::string(kCodeFiles) + std::string(kCompare)), std::move(words), "",
                               std::move(stop), kHashTime));
  Comparison seen;
  seen.record = facts.text("record");
  seen.stale = facts.has("stale");
  seen.files = facts.number("files");
  seen.newcomers = std::max<int64_t>(0, facts.number("there") - seen.files);
  if (!expected.empty() && seen.record != expected && !facts.has("anew"))
    seen.difference = seen.record.empty() ? "the record of its files is gone" : "the record of its files was changed";
  else if (facts.has("differs"))
    seen.difference = join(facts.all("differs"), ", ");
  return seen;
}

Result<host::Command> compared_command(const Action& action) {
  if (action.verb != "record-files") return Error{Code::kInvalid, "'" + one_line(action.verb) + "' is a look", ""};
  host::Command made =
      host::shell(script(std::string(kCodeFiles) + std::string(kRecord)), TRY(record_of(action.args)).words);
  made.timeout = kHashTime;
  return made;
}

Sight compared_sight(const Action& action, host::Host& host, std::stop_token stop) {
  return action.verb == "record-files" ? sight_of_record(action, host, std::move(stop))
                                       : sight_of_running(action, host, std::move(stop));
}

}  // namespace backout::drivers

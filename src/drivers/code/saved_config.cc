#include "drivers/code/saved_config.h"

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/code/script.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

// Root writes below a directory that another user may own: our own part of it must be ours and no symlink.
constexpr std::string_view kSave = R"sh(
path=$1 set=$2; shift 2
umask 077
[ -d "$path" ] || fail "$path does not exist"
for own in "$path/.backout" "$path/.backout/checkpoints"; do
  [ ! -L "$own" ] || fail "$own is a symlink; nothing is saved through it"
  mkdir -p "$own"
  [ "$(stat -c %u "$own")" = "$(id -u)" ] || fail "$own belongs to somebody else"
done
# Neither `git add -A` nor `git clean -d` of somebody's deploy takes them.
if [ ! -e "$path/.backout/.gitignore" ]; then echo '*' >"$path/.backout/.gitignore"; durable "$path/.backout/.gitignore"; fi
part=$set.backout-tmp
rm -rf "$part"
mkdir "$part"
: >"$part/manifest"
number=0
for file; do
  number=$((number + 1))
  if [ -e "$file" ]; then
    [ -f "$file" ] || fail "$file is not a plain file"
    owner=$(stat -L -c '%a %u:%g' -- "$file")
    cat -- "$file" >"$part/$number"
    sum=$(sha256sum <"$part/$number"); sum=${sum%% *}
    printf '%s file %s %s %s\n' "$number" "$sum" "$owner" "$file" >>"$part/manifest"
  else
    printf '%s absent - - - %s\n' "$number" "$file" >>"$part/manifest"
  fi
done
durable_tree "$part"
rm -rf "$set.backout-trash"
[ ! -e "$set" ] || mv -T "$set" "$set.backout-trash"
mv -T "$part" "$set"
durable "$path/.backout/checkpoints"
rm -rf "$set.backout-trash"
)sh";

// Everything is checked before the first file is touched. A symlinked file keeps its symlink: what it points to is
// replaced.
constexpr std::string_view kRestore = R"sh(
set=$1
umask 077
[ -f "$set/manifest" ] || fail "there is no saved configuration at $set"
while read -r number state sum mode owner file; do
  [ "$state" = file ] || continue
  now=$(sha256sum <"$set/$number"); now=${now%% *}
  [ "$now" = "$sum" ] || fail "the saved copy of $file in $set is damaged; nothing was put back"
done <"$set/manifest"
places=
while read -r number state sum mode owner file; do
  real=$(readlink -f -- "$file") || real=$file
  places="$places${real%/*}/
"
  [ "$state" = absent ] || ! cmp -s -- "$set/$number" "$real" || [ "$(stat -c '%a %u:%g' -- "$real")" != "$mode $owner" ] || continue
  if [ "$state" = file ]; then
    part=$real.backout-tmp
    rm -f -- "$part"
    cat -- "$set/$number" >"$part"
    [ "$(stat -c %u:%g -- "$part")" = "$owner" ] || chown "$owner" -- "$part"
    chmod "$mode" -- "$part"
    durable "$part"
    mv -T -- "$part" "$real"
  else
    rm -f -- "$real" "$real.backout-tmp"
  fi
done <"$set/manifest"
# Of files that were as they should be, too: it may be we who put them there, and were killed.
printf '%s' "$places" | sort -u | while read -r place; do durable "$place"; done
)sh";

constexpr std::string_view kLook = R"sh(
set=$1
if [ ! -f "$set/manifest" ]; then echo "set none"; echo end; exit 0; fi
echo "set whole"
while read -r number state sum mode owner file; do
  printf 'file %s\n' "$file"
  if [ "$state" = absent ]; then
    [ ! -e "$file" ] || printf 'differs %s is there\n' "$file"
    continue
  fi
  copy=$(sha256sum <"$set/$number" 2>/dev/null) || copy=
  [ "${copy%% *}" = "$sum" ] || { printf 'damaged %s\n' "$file"; continue; }
  [ -e "$file" ] || { printf 'differs %s is gone\n' "$file"; continue; }
  now=$(sha256sum <"$file"); now=${now%% *}
  [ "$now" = "$sum" ] || { printf 'differs %s has other content\n' "$file"; continue; }
  [ "$(stat -L -c '%a %u:%g' -- "$file")" = "$mode $owner" ] || printf 'differs %s has another mode or owner\n' "$file"
done <"$set/manifest"
echo end
)sh";

Sight sight_of_set(const Facts& facts, const std::string& set) {
  if (facts.text("set") != "whole") return Sight::does_not_hold("nothing is saved at " + set);
  if (facts.has("damaged")) return Sight::does_not_hold("the saved copy is damaged: " + facts.text("damaged"));
  return Sight::holds("");
}

std::string set_for_this_run(const std::string& path, std::string_view kind) {
  return fmt::format("{}/.backout/checkpoints/{{run}}{}", path, kind);
}

/// A set lies where we put it and nowhere else: its name may come from a journal.
Result<std::string> set_argument(const Json& args, const std::string& path) {
  std::string set = TRY(path_argument(args, "set"));
  const std::string home = path + "/.backout/checkpoints/";
  if (!set.starts_with(home) || set.find('/', home.size()) != std::string::npos || set.size() == home.size())
    return Error{Code::kInvalid, "the saved configuration would lie outside " + home + ": '" + one_line(set) + "'", ""};
  return set;
}

/// What is to be copied on `host`: its own list, or the one of all.
Result<std::vector<std::string>> files_on(const Action& action, const host::Host& host) {
  const Json& own = get(action.args, "files_on");
  return path_list_argument(own.contains(host.name().str()) ? Json{{"files", own[host.name().str()]}} : action.args,
                            "files");
}

Step config_step(std::string_view driver, std::string id, const char* verb, Phase phase, Json args,
                 const driver::Offering& offering) {
  Step step;
  step.id = StepId(std::move(id));
  step.phase = phase;
  step.kind = StepKind::kEffect;
  step.hosts = offering.hosts;
  step.action = {std::string(driver), verb, std::move(args)};
  step.repeatable = true;
  step.has_probe = true;
  return step;
}

}  // namespace

std::string_view config_restore_script() { return kRestore; }

std::vector<driver::Verb> config_verbs() {
  return {{kSaveConfig, StepKind::kEffect, true, true}, {kRestoreConfig, StepKind::kEffect, true, true}};
}

Result<std::string> saved_set(const Json& saved, const std::string& path) {
  if (path.find("{host}") == std::string::npos) return set_argument(saved, path);
  static constexpr std::string_view kHome = "/.backout/checkpoints/";
  const std::string set = TRY(path_argument(saved, "set"));
  const size_t at = set.rfind(kHome);
  const std::string name = at == std::string::npos ? "" : set.substr(at + kHome.size());
  if (!is_version(name)) return Error{Code::kInvalid, "'" + one_line(set) + "' is no saved configuration of ours", ""};
  return path + std::string(kHome) + name;
}

Result<std::vector<Step>> config_steps_for_checkpoint(std::string_view driver, const driver::Offering& offering) {
  const std::string path = TRY(path_argument(offering.subject, "path"));
  const std::vector<std::string> files = TRY(path_list_argument(offering.subject, "config"));
  std::vector<Step> steps;
  if (files.empty()) return steps;
  steps.push_back(config_step(driver, "save-config-code", kSaveConfig, Phase::kPrepare,
                              {{"path", path}, {"set", set_for_this_run(path, "")}, {"files", files}}, offering));
  steps.back().title = "save " + counted(static_cast<int64_t>(files.size()), "configuration file");
  return steps;
}

Result<std::vector<Step>> config_steps_for_switch(std::string_view driver, const driver::Offering& offering) {
  std::vector<Step> steps;
  const Json& saved = get(offering.saved, "config");
  if (saved.is_null()) return steps;
  const std::string path = TRY(path_argument(offering.subject, "path"));
  const std::string set = TRY(saved_set(saved, path).with_context("what the checkpoint saved"));
  const std::vector<std::string> files =
      TRY(path_list_argument(saved, "files").with_context("what the checkpoint saved"));
  if (files.empty()) return steps;
  Json keep = {{"path", path}, {"set", set_for_this_run(path, "-before")}, {"files", files}};
  if (get(saved, "on").is_object()) keep["files_on"] = get(saved, "on");
  const std::string kept = get_string(keep, "set");
  const std::string count = counted(static_cast<int64_t>(files.size()), "configuration file");
  steps.push_back(config_step(driver, "keep-config-code", kSaveConfig, Phase::kPrepare, std::move(keep), offering));
  steps.back().title = "keep " + count + " as found";
  steps.push_back(config_step(driver, "restore-config-code", kRestoreConfig, Phase::kSwitch,
                              {{"path", path}, {"set", set}}, offering));
  steps.back().title = "put back " + count + " of " + offering.to.str();
  steps.back().undo = Action{std::string(driver), kRestoreConfig, {{"path", path}, {"set", kept}}};
  return steps;
}

Result<host::Command> config_command(const Action& action, const host::Host& host) {
  const std::string path = TRY(path_argument(action.args, "path"));
  const std::string set = TRY(set_argument(action.args, path));
  if (action.verb == kRestoreConfig) return host::shell(script(kRestore), {set});
  std::vector<std::string> arguments = TRY(files_on(action, host));
  if (arguments.empty()) return Error{Code::kInvalid, "'files' is empty", ""};
  arguments.insert(arguments.begin(), {path, set});
  return host::shell(script(kSave), std::move(arguments));
}

Sight saved_config_sight(const std::string& set, host::Host& host, std::stop_token stop) {
  const auto facts = look(host, script(kLook), {set}, "", std::move(stop));
  return facts ? sight_of_set(*facts, set) : Sight::cannot_tell(one_line(facts.error().message));
}

Sight config_sight(const Action& action, host::Host& host, std::stop_token stop) {
  if (const auto well_formed = config_command(action, host); !well_formed)
    return Sight::cannot_tell(well_formed.error().message);
  const std::string set = get_string(action.args, "set");
  const auto facts = look(host, script(kLook), {set}, "", std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (const Sight whole = sight_of_set(*facts, set); whole.kind != SightKind::kHolds) return whole;
  if (facts->has("differs")) return Sight::does_not_hold(facts->text("differs"));
  const std::vector<std::string>& files = facts->all("file");
  if (action.verb == kSaveConfig && files_on(action, host).value_or(std::vector<std::string>()) != files)
    return Sight::does_not_hold("another list of files is saved at " + set);
  return Sight::holds(counted(static_cast<int64_t>(files.size()), "file") + " as saved in " + set,
                      {{"config", {{"set", set}, {"files", files}, {"on", {{host.name().str(), files}}}}}});
}

}  // namespace backout::drivers

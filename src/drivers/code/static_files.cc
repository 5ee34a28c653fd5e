#include "drivers/code/static_files.h"

#include <map>

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/code/script.h"
#include "drivers/code/static_files_scripts.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr Millis kStaticTime{900'000};
constexpr int64_t kStaticKeepMs = 7 * 24 * 3600 * 1000LL;

struct Assets {
  std::string from, to;  // from: relative to the release
  int64_t keep_ms = kStaticKeepMs;
  std::string number;  // "1": in step ids
};

Result<std::vector<Assets>> assets_of(const Json& subject) {
  std::vector<Assets> all;
  for (const Json& each : get(subject, "static")) {
    Assets assets;
    assets.to = TRY(path_argument(each, "to"));
    assets.from = TRY(text_argument(each, "from"));
    if (assets.from.starts_with('/') || ("/" + assets.from + "/").find("/../") != std::string::npos)
      return Error{Code::kInvalid, "'" + one_line(assets.from) + "' is no directory of the release",
                   "mend code.static"};
    assets.keep_ms = get_int(each, "keep_ms", kStaticKeepMs);
    assets.number = std::to_string(all.size() + 1);
    all.push_back(std::move(assets));
  }
  return all;
}

Step static_step(std::string_view driver, std::string id, const char* verb, StepKind kind, Phase phase,
                 std::string title, Json args, const driver::Offering& offering) {
  Step step;
  step.id = StepId(std::move(id));
  step.phase = phase;
  step.kind = kind;
  step.title = std::move(title);
  step.hosts = offering.hosts;
  args["user"] = get_string(offering.subject, "user");
  step.action = {std::string(driver), verb, std::move(args)};
  step.repeatable = true;
  step.has_probe = true;
  step.timeout = kStaticTime;
  return step;
}

Step look_at(std::string_view driver, const Assets& assets, const std::string& source,
             const driver::Offering& offering) {
  return static_step(driver, "static-" + assets.number, "static-is", StepKind::kLook, Phase::kCheck,
                     "the static files of " + offering.to.str() + " are in " + one_line(assets.to),
                     {{"to", assets.to}, {"source", source}}, offering);
}

/// to set source, as the scripts take them.
Result<std::vector<std::string>> words_of(const Action& action) {
  const bool has_set = action.args.contains("set"), has_source = action.args.contains("source");
  std::vector<std::string> words = {"", "", ""};
  words[0] = TRY(path_argument(action.args, "to"));
  if (has_set) {
    words[1] = TRY(version_argument(action.args, "set"));
    if (!words[1].starts_with("run-"))
      return Error{Code::kInvalid, "'set' is not one of ours: '" + one_line(words[1]) + "'", ""};
  }
  if (has_source) words[2] = TRY(path_argument(action.args, "source"));
  const std::string& verb = action.verb;
  if ((!has_set && (verb == "keep-static" || verb == "bring-static" || verb == "return-static")) ||
      (!has_source &&
       (verb == "bring-static" || verb == "static-is" || verb == "static-there" || verb == "tidy-static")))
    return Error{Code::kInvalid, "'set' or 'source' is missing", ""};
  return words;
}

std::string age_in(const Action& action) {
  return std::to_string(std::max<int64_t>(get_int(action.args, "keep_ms"), 0) / 1000);
}

}  // namespace

bool is_static_verb(std::string_view verb) {
  return verb.ends_with("-static") || verb == "static-there" || verb == "static-is";
}

std::vector<driver::Verb> static_verbs() {
  return {{"keep-static", StepKind::kEffect, true, true},   {"bring-static", StepKind::kEffect, true, true},
          {"return-static", StepKind::kEffect, true, true}, {"tidy-static", StepKind::kEffect, true, true},
          {"static-there", StepKind::kLook, true, true},    {"static-is", StepKind::kLook, true, true}};
}

Result<std::vector<Step>> static_looks(std::string_view driver, const driver::Offering& offering,
                                       const std::string& release) {
  std::vector<Step> steps;
  for (const Assets& assets : TRY(assets_of(offering.subject)))
    steps.push_back(look_at(driver, assets, release + "/" + assets.from, offering));
  return steps;
}

Result<StaticSteps> static_steps_for_switch(std::string_view driver, const driver::Offering& offering,
                                            const std::string& release, const std::string& leaving, bool prepared) {
  StaticSteps steps;
  const std::string to = offering.to.str();
  for (const Assets& assets : TRY(assets_of(offering.subject))) {
    const std::string source = release + "/" + assets.from, where = one_line(assets.to);
    const Json place = {{"to", assets.to}, {"set", "run-{run}"}};
    if (prepared)
      steps.prepare.push_back(static_step(driver, "static-there-" + assets.number, "static-there", StepKind::kLook,
                                          Phase::kPrepare, "the static files of " + to + " are there",
                                          {{"to", assets.to}, {"source", source}}, offering));
    Json keep = place;
    if (!leaving.empty()) keep["source"] = leaving + "/" + assets.from;
    steps.prepare.push_back(static_step(driver, "keep-static-" + assets.number, "keep-static", StepKind::kEffect,
                                        Phase::kPrepare, "keep the static files in " + where + " as found",
                                        std::move(keep), offering));
    Json bring = place;
    bring["source"] = source;
    steps.cutover.push_back(static_step(driver, "bring-static-" + assets.number, "bring-static", StepKind::kEffect,
                                        Phase::kSwitch, "the static files of " + to + " to " + where, std::move(bring),
                                        offering));
    Json back = place;
    back["user"] = get_string(offering.subject, "user");
    steps.cutover.back().undo = Action{std::string(driver), "return-static", std::move(back)};
    steps.after.push_back(look_at(driver, assets, source, offering));
    steps.after.push_back(static_step(driver, "tidy-static-" + assets.number, "tidy-static", StepKind::kEffect,
                                      Phase::kSettle,
                                      "keep static files of earlier releases for " + for_people(Millis(assets.keep_ms)),
                                      {{"to", assets.to}, {"source", source}, {"keep_ms", assets.keep_ms}}, offering));
  }
  return steps;
}

void add_static_readiness(const driver::Offering& offering, const std::string& release, bool there,
                          const std::string& tag, host::Host& host, const std::stop_token& stop,
                          driver::Readiness& readiness) {
  const auto all = assets_of(offering.subject);
  const std::string user = get_string(offering.subject, "user"), version = offering.to.str();
  const auto add = [&](Severity severity, std::string what, std::string next = "") {
    readiness.findings.push_back({"code.static", severity, "", "", std::move(what), std::move(next), Json::object()});
  };
  if (!all) return add(Severity::kRed, one_line(all.error().message), "mend code.static");
  for (const Assets& assets : *all) {
    const std::string source = release + "/" + assets.from, to = one_line(assets.to);
    const auto facts = look(host, git_script(std::string(statics::kStart) + std::string(statics::kReady)),
                            {assets.to, "", source, tag, release, assets.from}, user, stop);
    if (!facts) {
      add(Severity::kRed, "the static files could not be looked at: " + one_line(facts.error().message),
          "look at " + shell_quoted(assets.to));
      continue;
    }
    const auto bytes = static_cast<uint64_t>(facts->number("kilobytes") + facts->number("kept")) * 1024;
    const auto files = static_cast<uint64_t>(facts->number("files") + facts->number("kept_files"));
    readiness.needs.push_back({driver::Need::Kind::kWritable, assets.to, "for static files", user});
    readiness.needs.push_back(
        {driver::Need::Kind::kRoom, assets.to, "to replace static files", user, bytes + (1U << 20), files + 10});
    if (const std::string blocked = join(facts->all("blocked"), ", "); !blocked.empty())
      add(Severity::kRed, "a file of " + version + " cannot go to " + to + ": in the way is " + shortened(blocked, 200),
          "move that out of the way");
    else if (facts->has("fault"))
      add(Severity::kRed, facts->text("fault"), "mend that");
    else if ((there && facts->number("files") == 0) || facts->has("untracked"))
      add(Severity::kRed,
          fmt::format("the static files of {} are gone: there is none in its {}", version, one_line(assets.from)),
          "put them back from the release's source, or correct code.static");
    else if (there)
      add(Severity::kOk, fmt::format("{} of {} for {}", counted(facts->number("files"), "static file"), version, to));
  }
}

Result<host::Command> static_command(const Action& action) {
  std::vector<std::string> words = TRY(words_of(action));
  std::string body(statics::kStart);
  if (action.verb == "keep-static") {
    body += statics::kKeep;
  } else if (action.verb == "bring-static") {
    body += statics::kBring;
  } else if (action.verb == "return-static") {
    body += statics::kReturn;
  } else if (action.verb == "tidy-static") {
    body += statics::kTidy;
    words.push_back(age_in(action));
  } else {
    return Error{Code::kInvalid, "'" + one_line(action.verb) + "' is a look", ""};
  }
  host::Command made = host::shell(script(body), std::move(words));
  made.user = TRY(optional_text_argument(action.args, "user"));
  made.timeout = kStaticTime;
  return made;
}

Sight static_sight(const Action& action, host::Host& host, std::stop_token stop) {
  static const std::map<std::string_view, std::string> kWhat = {{"keep-static", "run"},  {"bring-static", "is"},
                                                                {"static-is", "is"},     {"static-there", "source"},
                                                                {"tidy-static", "tidy"}, {"return-static", "returned"}};
  const auto what = kWhat.find(action.verb);
  auto words = words_of(action);
  const auto user = optional_text_argument(action.args, "user");
  if (what == kWhat.end() || !words || !user)
    return Sight::cannot_tell(!words ? words.error().message : "no such look at static files");
  words->push_back(what->second);
  words->push_back(age_in(action));
  const std::string to = words->at(0), set = words->at(1), source = words->at(2);
  const auto facts = look(host, script(std::string(statics::kStart) + std::string(statics::kLook)), std::move(*words),
                          *user, std::move(stop), kStaticTime);
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string differs = shortened(join(facts->all("differs"), ", "), 200);
  if (action.verb == "tidy-static")
    return facts->has("old") ? Sight::does_not_hold("still kept: " + facts->text("old"))
                             : Sight::holds("nothing older is kept in " + to);
  if (facts->has("damaged")) return Sight::does_not_hold("the saved copy is damaged: " + facts->text("damaged"));
  if (what->second == "source" || what->second == "is") {
    const int64_t files = facts->number("files", -1);
    if (files < 0) return Sight::does_not_hold(source + " is not there");
    if (const std::string blocked = join(facts->all("blocked"), ", "); !blocked.empty())
      return Sight::does_not_hold("a file of the release cannot go to " + to + ": in the way is " +
                                  shortened(blocked, 200));
    if (files == 0) return Sight::does_not_hold("there is no file in " + source);
    if (!differs.empty()) return Sight::does_not_hold("not as in the release, in " + to + ": " + differs);
    return Sight::holds(counted(files, "static file") + (what->second == "is" ? " in " + to : " in " + source),
                        {{"static", {{"files", files}}}});
  }
  if (!facts->has("kept")) return Sight::does_not_hold("nothing is kept as " + set + " of " + to);
  if (!differs.empty()) return Sight::does_not_hold("not as kept, in " + to + ": " + differs);
  return Sight::holds(action.verb == "return-static" ? to + " is as it was found"
                                                     : to + " is kept in its .backout-static/" + set);
}

}  // namespace backout::drivers

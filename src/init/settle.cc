#include "init/settle.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "init/words.h"
#include "init/yaml_text.h"

namespace backout::init {
namespace {

constexpr std::string_view kAnswered = "as answered";
constexpr std::string_view kForms[] = {"systemd", "supervisor", "pm2", "timer", "cron", "crontab", "process"};

bool is_none(const std::string& value) { return value == "none"; }

Role role_for(const std::string& form, const std::string& head) {
  if (form == "timer") return Role::kTimer;
  if (form == "cron" || form == "crontab") return Role::kCron;
  return role_of(form == "process" ? "" : head, head);
}

/// "systemd:shop.service", "process: node server.js", or a command.
Service service_of(const std::string& words) {
  std::string form = "process", head(trimmed(words));
  if (const size_t colon = words.find(':'); colon != std::string::npos)
    if (const std::string said(trimmed(words.substr(0, colon)));
        std::find(std::begin(kForms), std::end(kForms), said) != std::end(kForms)) {
      form = said;
      head = trimmed(words.substr(colon + 1));
    }
  if (head.empty()) return {.form = form, .head = "", .where = std::string(kAnswered)};
  if (form == "systemd" && head.find('.') == std::string::npos) head += ".service";
  if (form == "timer" && head.find('.') == std::string::npos) head += ".timer";
  Service service{.form = form, .head = head, .role = role_for(form, head), .where = std::string(kAnswered)};
  if (form == "process") {
    service.start = {head};
    service.head = service.role == Role::kWeb ? "web" : service.role == Role::kBeat ? "beat" : "worker";
    if (const auto port = port_of(words_of(head))) service.port = *port, service.port_where = "its command";
  }
  return service;
}

Result<void> apply_hosts(const std::string& answer, Draft& draft) {
  if (is_none(answer)) return {};
  for (const std::string& one : split(answer, ',')) {
    const std::vector<std::string> words = words_of(one);
    if (words.empty()) continue;
    std::string rest;
    for (size_t at = 1; at < words.size(); ++at) rest += (rest.empty() ? "" : " ") + words[at];
    std::string name = words[0];
    if (rest.empty()) rest = name;
    if (const size_t login = name.find('@'); login != std::string::npos) name.erase(0, login + 1);
    if (as_name(name) != name || name.empty())
      return Error{Code::kInvalid, fmt::format("hosts: '{}' cannot be a host's name", one_line(name)),
                   "for example: --answer 'hosts=web-1 web-1.internal, web-2 web-2.internal'"};
    draft.hosts.emplace_back(name, rest);
  }
  return {};
}

Result<void> apply_check(const std::string& answer, Draft& draft) {
  if (is_none(answer)) return {};
  if (answer.starts_with("run:")) {
    draft.checks.push_back(
        {.path = "", .where = std::string(kAnswered), .command = std::string(trimmed(answer.substr(4)))});
    return {};
  }
  if (!answer.starts_with('/') && !answer.starts_with("http"))
    return Error{Code::kInvalid,
                 fmt::format("check: '{}' is neither PATH STATUS \"TEXT\" nor run: COMMAND", one_line(answer)),
                 "for example: --answer 'check=/health 200 \"ok\"'"};
  const bool has_status = answer.find(' ') != std::string::npos;
  draft.checks.push_back({.path = "", .where = std::string(kAnswered), .line = answer + (has_status ? "" : " 200")});
  return {};
}

void set(const Answers& answers, const std::string& key, Seen& to) {
  const auto found = answers.find(key);
  if (found == answers.end()) return;
  to = is_none(found->second.back()) ? Seen{} : Seen{found->second.back(), std::string(kAnswered)};
}

bool answered(const Answers& answers, const std::string& key) { return answers.contains(key); }

Result<void> apply_port(const std::string& answer, Draft& draft) {
  const auto port = port_in(answer);
  if (!port)
    return Error{Code::kInvalid, fmt::format("port: '{}' is no port", one_line(answer)),
                 "for example: --answer port=8000"};
  for (Service& service : draft.services)
    if (service.role == Role::kWeb) {
      service.port = *port, service.port_where = kAnswered;
      return {};
    }
  draft.fallback_ports = {{std::to_string(*port), std::string(kAnswered)}};
  return {};
}

}  // namespace

const std::vector<AnswerKey>& answer_keys() {
  static const std::vector<AnswerKey> keys = {
      {"site", "the site's name: letters, digits, '.', '_' and '-'"},
      {"environment", "which installation of it"},
      {"state", "the directory of the journal"},
      {"hosts", "NAME [SSH] [URL] [/ROOT], ...: the machines, when it is not this one"},
      {"layout", "releases or in-place"},
      {"path", "the directory that the layout is about"},
      {"git", "the repository that releases come from"},
      {"build", "a command that builds a release; several times for several"},
      {"service",
       "systemd:UNIT, supervisor:PROGRAM, pm2:NAME, timer:UNIT, cron:FILE, crontab:USER, or a command; "
       "several times for several; none"},
      {"port", "what the web service listens on"},
      {"base_url", "where the site is asked behind the door"},
      {"public_url", "where users come in; none"},
      {"check", "PATH STATUS \"TEXT\", or run: COMMAND; several times for several"},
      {"door", "the file that nginx includes; none"},
      {"database", "the SQLite file; none"},
      {"backups", "the directory of existing backups; none"}};
  return keys;
}

Result<void> add_answer(Answers& answers, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos)
    return Error{Code::kInvalid, fmt::format("an answer is KEY=VALUE, got '{}'", shortened(one_line(assignment), 60)),
                 "for example: --answer port=8000"};
  const std::string key(trimmed(assignment.substr(0, equals)));
  const std::string value(trimmed(assignment.substr(equals + 1)));
  std::vector<std::string> known;
  for (const AnswerKey& each : answer_keys()) known.emplace_back(each.key);
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    const auto near = nearest(key, known);
    return Error{Code::kInvalid, fmt::format("there is no question '{}'", shortened(one_line(key), 60)),
                 near ? "did you mean: " + *near : "known: " + join(known, ", ")};
  }
  if (value.empty())
    return Error{Code::kInvalid, fmt::format("the answer to '{}' is empty", key), "say none when there is none"};
  if (!representable(value))
    return Error{Code::kInvalid, fmt::format("the answer to '{}' holds control characters, or {{host}}", key), ""};
  if (key == "service" && service_of(value).head.empty())
    return Error{Code::kInvalid, fmt::format("service: '{}' names nothing", one_line(value)),
                 "for example: --answer service=systemd:shop"};
  if (key != "service" && key != "check" && key != "build") answers[key].clear();
  answers[key].push_back(value);
  return {};
}

Result<void> add_answers_of(Answers& answers, const std::string& text) {
  int number = 0;
  for (std::string_view line : lines_of(text)) {
    ++number;
    line = trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    const size_t end = line.find_first_of(":=");
    if (end == std::string_view::npos)
      return Error{Code::kInvalid, fmt::format("line {}: expected KEY: VALUE", number), "for example: port: 8000"};
    std::string_view value = trimmed(line.substr(end + 1));
    if (value.size() > 1 && value.front() == value.back() && (value.front() == '\'' || value.front() == '"'))
      value = value.substr(1, value.size() - 2);
    auto added = add_answer(answers, fmt::format("{}={}", trimmed(line.substr(0, end)), value));
    if (!added) return std::move(added).with_context(fmt::format("line {}", number));
  }
  return {};
}

Result<void> apply_answers(const Answers& answers, Draft& draft) {
  set(answers, "site", draft.site);
  set(answers, "environment", draft.environment);
  set(answers, "state", draft.state);
  set(answers, "layout", draft.layout);
  set(answers, "path", draft.path);
  set(answers, "git", draft.git);
  set(answers, "base_url", draft.base_url);
  set(answers, "public_url", draft.public_url);
  set(answers, "database", draft.sqlite);
  set(answers, "backups", draft.backups);
  set(answers, "door", draft.door.include);
  if (answered(answers, "database")) draft.other_database = {};
  if (answered(answers, "door")) draft.door.where.clear();
  if (const auto found = answers.find("site"); found != answers.end() && as_name(draft.site.value) != draft.site.value)
    return Error{
        Code::kInvalid,
        fmt::format("site: '{}' cannot be a name: letters, digits, '.', '_' and '-'", one_line(draft.site.value)), ""};
  if (const auto found = answers.find("hosts"); found != answers.end())
    TRY_VOID(apply_hosts(found->second.back(), draft));
  if (const auto found = answers.find("service"); found != answers.end()) {
    draft.services.clear();
    for (const std::string& words : found->second)
      if (!is_none(words)) draft.services.push_back(service_of(words));
    if (draft.services.empty()) draft.needs_process = false;
    std::stable_sort(draft.services.begin(), draft.services.end(),
                     [](const Service& a, const Service& b) { return a.role < b.role; });
  }
  if (const auto found = answers.find("build"); found != answers.end()) {
    draft.build.clear();
    for (const std::string& words : found->second)
      if (!is_none(words)) draft.build.push_back({words, std::string(kAnswered)});
  }
  if (const auto found = answers.find("check"); found != answers.end()) {
    draft.checks.clear();
    for (const std::string& words : found->second) TRY_VOID(apply_check(words, draft));
  }
  if (const auto found = answers.find("port"); found != answers.end() && !is_none(found->second.back()))
    TRY_VOID(apply_port(found->second.back(), draft));
  for (Service& service : draft.services)  // a guess from the source is better than nothing, an answer than a guess
    if (service.role == Role::kWeb && service.port == 0 && !draft.fallback_ports.empty()) {
      service.port = port_in(draft.fallback_ports.front().value).value_or(0);
      service.port_where = draft.fallback_ports.front().where;
      break;
    }
  if (draft.base_url.empty() && !answered(answers, "base_url"))
    for (const Service& service : draft.services)
      if (service.role == Role::kWeb && service.port != 0)
        take(draft.base_url, fmt::format("http://127.0.0.1:{}", service.port), service.port_where);
  return {};
}

std::vector<Question> open_questions(const Draft& draft, const Answers& answers) {
  std::vector<Question> questions;
  const auto ask = [&](std::string key, std::string text, std::string otherwise, bool required) {
    if (!answered(answers, key)) questions.push_back({std::move(key), std::move(text), std::move(otherwise), required});
  };
  if (draft.site.empty()) ask("site", "What is the site called?", "", true);
  if (draft.layout.empty())
    ask("layout",
        "Neither releases/ with a symlink current nor a git checkout is here. What will it be: releases or in-place?",
        "", true);
  const bool has_web = draft.first(Role::kWeb) != nullptr;
  if (draft.needs_process && !has_web)
    ask("service",
        fmt::format("What runs the site ({})? systemd:UNIT, supervisor:PROGRAM, pm2:NAME, a command, or none",
                    draft.kind),
        "", true);
  else if (has_web && draft.base_url.empty() && draft.hosts.empty())
    ask("port",
        fmt::format("Which port does {} listen on? none when it is asked through nginx alone",
                    draft.first(Role::kWeb)->head),
        "", true);
  const bool addressed = !draft.base_url.empty() || !draft.hosts.empty();
  const bool settled = questions.empty();  // what shows that it works depends on what was asked so far
  if (settled && draft.checks.empty() && draft.version_file.empty() && !addressed)
    ask("check",
        "What shows that a release works? PATH STATUS \"TEXT\", or run: COMMAND (exit status 0 when all is well)", "",
        true);
  if (!draft.sqlite.empty() && draft.door.include.empty())
    ask("door",
        fmt::format("Which file does nginx include to keep users outside{}? none when nothing may",
                    draft.door.where.empty() ? "" : fmt::format(" (it would go into {})", draft.door.where)),
        "none", false);
  if (draft.public_url.empty() && (has_web || addressed))
    ask("public_url", "Where do users come in? none when it is not reached from here", "none", false);
  return questions;
}

void ask_the_site(const Ask& ask, const std::vector<std::string>& versions, Draft& draft) {
  if (draft.base_url.empty()) return;
  const auto is_version = [&](const std::string& words) {
    return std::find(versions.begin(), versions.end(), words) != versions.end();
  };
  std::vector<CheckDraft> kept;
  const auto look = [&](CheckDraft check) {
    const auto answer = ask(draft.base_url.value + check.path, draft.host_header);
    if (!answer) return kept.push_back(std::move(check));
    if (answer->status >= 400) return;
    check.status = answer->status;
    const std::string body(trimmed(answer->body));
    const auto json = parse_json(body);
    const std::string said = json && json->is_object() ? get_string(*json, "version") : body;
    if (check.reports_version && !is_version(said)) {
      check.reports_version = false;
      check.where += "; what it says is not the name of the release that runs";
    } else if (!check.reports_version && is_version(said)) {
      check.reports_version = true;
    }
    check.where += ", and it answers";
    if (!check.reports_version && !body.empty() && body.size() <= 40 && !json && representable(body) &&
        body.find_first_of("\n\"\\{}<") == std::string::npos && body.find_first_of("0123456789") == std::string::npos)
      check.contains = body;
    kept.push_back(std::move(check));
  };
  for (CheckDraft& check : draft.checks)
    if (check.path.empty())
      kept.push_back(std::move(check));
    else
      look(std::move(check));
  const bool has_path = std::any_of(kept.begin(), kept.end(),
                                    [](const auto& check) { return !check.path.empty() || !check.line.empty(); });
  const bool has_front = std::any_of(kept.begin(), kept.end(), [](const auto& check) { return check.path == "/"; });
  if (!has_front) {
    const auto front = ask(draft.base_url.value + "/", draft.host_header);
    if (front && front->status < (has_path ? 300 : 400)) {
      CheckDraft check{.path = "/", .where = "it answers", .status = front->status};
      const size_t begin = has_path ? std::string::npos : front->body.find("<title>");  // it may change by release
      const size_t end = begin == std::string::npos ? begin : front->body.find("</title>", begin);
      if (end != std::string::npos)
        check.contains = std::string(trimmed(front->body.substr(begin + 7, end - begin - 7)));
      if (check.contains.size() > 60 || !representable(check.contains) ||
          check.contains.find_first_of("\n\"&{}") != std::string::npos)
        check.contains.clear();
      kept.insert(has_path ? kept.end() : kept.begin(), std::move(check));
    }
  }
  draft.checks = std::move(kept);
}

}  // namespace backout::init

// Checks, as maps and as lines, and the user's own steps.
#include <fmt/format.h>

#include <map>
#include <set>

#include "base/text.h"
#include "config/keys.h"
#include "config/read.h"
#include "config/read_looks.h"
#include "config/shape.h"
#include "config/taken_names.h"
#include "model/step_word.h"

namespace backout::config {
namespace {

constexpr size_t kLongestDerivedName = 60;
constexpr std::string_view kLineExample = "for example: /health/ 200 \"ok\"";

bool is_url(std::string_view text) { return text.starts_with("http://") || text.starts_with("https://"); }

/// Puts a path or URL into args. An error when it is neither.
void put_address(const Reading& reading, const Place& place, const std::string& address, Json& args) {
  if (is_url(address))
    args["url"] = address;
  else if (address.starts_with('/'))
    args["path"] = address;
  else
    reading.findings.error(place,
                           fmt::format("checks: expected a path that begins with / or a URL, got '{}'",
                                       shortened(address, kLongestDerivedName)),
                           "for example: get: /health/");
}

/// `/health/ 200 "ok"`.
std::optional<CheckConfig> check_from_line(const Reading& reading, const Node& node) {
  const auto wrong = [&](std::string_view why) {
    reading.findings.error(
        node.place, fmt::format("checks: {} in '{}'", why, shortened(node.text, kLongestDerivedName)),
        "expected PATH STATUS and optionally the text that the answer contains; " + std::string(kLineExample));
    return std::nullopt;
  };
  const std::string_view line = trimmed(node.text);
  const std::string_view address = line.substr(0, line.find_first_of(" \t"));
  if (!address.starts_with('/') && !is_url(address)) return wrong("no path that begins with /");
  std::string_view rest = trimmed(line.substr(address.size()));
  const std::string_view status = rest.substr(0, rest.find_first_of(" \t"));
  const std::optional<long> number = whole_of(status);
  if (!number || *number < 100 || *number > 599) return wrong("no HTTP status after the path");
  rest = trimmed(rest.substr(status.size()));

  CheckConfig check{.name = fmt::format("{} {}", shortened(address, kLongestDerivedName), *number), .kind = "http"};
  check.args = {{"method", "GET"}, {"status", *number}};
  put_address(reading, node.place, std::string(address), check.args);
  if (!rest.empty()) {
    if (rest.size() < 3 || !rest.starts_with('"') || !rest.ends_with('"'))
      return wrong("the text is not in double quotes");
    check.args["contains"] = replaced(std::string(rest.substr(1, rest.size() - 2)), "\\\"", "\"");
  }
  return check;
}

CheckConfig http_check(const Reading& reading, const Node& node) {
  CheckConfig check{.kind = "http"};
  const int status = whole_at(node, "status", 200);
  check.args["status"] = status;
  for (const auto& [key, method] : {std::pair{"get", "GET"}, std::pair{"head", "HEAD"}, std::pair{"post", "POST"}}) {
    const Node* address = node.find(key);
    if (address == nullptr) continue;
    check.args["method"] = method;
    if (address->is_text()) put_address(reading, address->place, address->text, check.args);
    check.name = fmt::format("{} {}", shortened(address->text, kLongestDerivedName), status);
  }
  if (const Node* contains = node.find("contains"); contains != nullptr && contains->is_text())
    check.args["contains"] = contains->text;
  for (const char* key : {"body", "version_header"})
    if (const std::string said = text_at(node, key); !said.empty()) check.args[key] = said;
  if (node.entry("header") != nullptr) check.args["header"] = texts_at(node, "header");
  if (node.entry("send_header") != nullptr) check.args["headers"] = texts_at(node, "send_header");
  if (node.entry("send_secret") != nullptr) check.args["secret_headers"] = texts_at(node, "send_secret");
  if (node.entry("json") != nullptr) check.args["json"] = texts_at(node, "json");
  if (const std::string version = text_at(node, "version"); !version.empty() && version != "false")
    check.args["version"] = version == "true" ? "{{version}}" : version;
  if (node.entry("within") != nullptr) check.args["within_ms"] = span_at(node, "within", Millis(0)).count();
  if (check.args.contains("body") && check.args["method"] != "POST")
    reading.findings.error(node.place, "checks: only a POST has a body", "use post instead");
  if (check.args["method"] == "HEAD" && (check.args.contains("contains") || check.args.contains("json")))
    reading.findings.error(node.place, "checks: the answer to HEAD has no body to look into", "use get instead");
  return check;
}

CheckConfig run_check(const Reading& reading, const Node& node) {
  const Node& run = *node.find("run");
  const UserCommand command = command_of(run, {.cwd = live_code(reading.site), .relative_to = reading.site.directory});
  const bool by_shell = command.argv.size() == 3 && command.argv[0] == "/bin/sh" && command.argv[1] == "-c";
  const std::string said = by_shell ? command.argv[2] : join(command.argv, " ");
  CheckConfig check{.name = shortened(one_line(trimmed(said)), kLongestDerivedName), .kind = "run"};
  check.args["run"] = to_json(command);
  return check;
}

CheckConfig ask_check(const Reading& reading, const Node& node) {
  const std::string question = text_at(node, "ask");
  CheckConfig check{.name = shortened(one_line(question), kLongestDerivedName), .kind = "ask"};
  check.args["question"] = question;
  if (const std::string role = text_at(node, "role"); !role.empty()) check.args["role"] = role;
  if (node.entry("within") != nullptr) {
    check.args["within_ms"] = span_at(node, "within", Millis(0)).count();
    check.args["otherwise"] = text_at(node, "otherwise", "hold");
  } else if (node.entry("otherwise") != nullptr) {
    reading.findings.error(node.place, "checks: otherwise says what happens after within, and there is none",
                           "for example: within: 15m");
  }
  return check;
}

std::optional<CheckConfig> read_check(const Reading& reading, const Node& node) {
  if (node.is_text()) return check_from_line(reading, node);
  const std::string_view form = form_of("checks[]", node);
  if (form.empty()) return std::nullopt;
  CheckConfig check = form == "http"        ? http_check(reading, node)
                      : form == "run"       ? run_check(reading, node)
                      : form == "ask"       ? ask_check(reading, node)
                      : form == "resources" ? resources_check(reading, node)
                                            : log_check(reading, node, form == "journal");
  check.name = text_at(node, "name", check.name);
  check.patience.attempts = whole_at(node, "attempts", check.patience.attempts);
  check.patience.every = span_at(node, "every", check.patience.every);
  check.hosts = hosts_at(reading, node);
  return check;
}

}  // namespace

void read_checks(const Reading& reading) {
  TakenNames said(reading.findings, "checks");
  std::set<std::string> words;  // of the steps
  for (const Node& node : items_at(reading.root, "checks")) {
    std::optional<CheckConfig> check = read_check(reading, node);
    if (!check) continue;
    if (node.entry("name") != nullptr) said.take(check->name, node.place);
    const std::string derived = check->name;
    for (int copy = 2; !words.insert(step_word(check->name)).second; ++copy)
      check->name = fmt::format("{} ({})", derived, copy);
    reading.site.checks.push_back(std::move(*check));
  }
}

void read_commands(const Reading& reading) {
  TakenNames taken(reading.findings, "commands");
  for (const Node& node : items_at(reading.root, "commands")) {
    if (!node.is_map()) continue;
    for (const std::string_view key : {"name", "phase", "run"}) require(reading, node, "commands[]", key);
    CommandConfig command{.name = text_at(node, "name")};
    if (const auto phase = phase_of(text_at(node, "phase"))) command.phase = *phase;
    const CommandDefaults defaults{.cwd = beside_the_file(reading.site),
                                   .relative_to = reading.site.directory,
                                   .timeout = span_at(node, "timeout", UserCommand{}.timeout)};
    if (const Node* run = node.find("run")) command.run = command_of(*run, defaults);
    if (const Node* undo = node.find("undo")) command.undo = command_of(*undo, defaults);
    if (const Node* probe = node.find("probe")) command.probe = command_of(*probe, defaults);
    command.repeatable = flag_at(node, "repeatable", false);
    command.on_unknown = text_at(node, "on_unknown") == "rerun" ? OnUnknown::kRerun : OnUnknown::kAsk;
    command.hosts = hosts_at(reading, node);
    taken.take(command.name, node.place);
    reading.site.commands.push_back(std::move(command));
  }
}

}  // namespace backout::config

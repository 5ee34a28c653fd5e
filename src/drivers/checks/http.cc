#include "drivers/checks/http.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/checks/answer.h"
#include "model/step_word.h"
#include "os/http.h"

namespace backout::drivers {
namespace {

struct HttpCheck {
  std::string name;
  os::HttpRequest request;  // without its secret headers
  std::map<std::string, std::string> secret_headers;
  AnswerExpected expected;
  Patience patience;
};

Error invalid(const std::string& name, std::string what) {
  return {Code::kInvalid,
          fmt::format("check {}: {}", name.empty() ? "without a name" : "'" + one_line(name) + "'", what),
          "see docs/configuration.md, checks"};
}

std::string lowercase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// `object` as texts; kInvalid when a value is none.
Result<std::map<std::string, std::string>> texts(const Json& object, const std::string& check, std::string_view key) {
  std::map<std::string, std::string> result;
  if (object.is_null()) return result;
  if (!object.is_object()) return invalid(check, fmt::format("'{}' must be a mapping", key));
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) return invalid(check, fmt::format("{}.{} must be a text", key, name));
    result[name] = value.get<std::string>();
  }
  return result;
}

Result<HttpCheck> check_from(const Json& args) {
  if (!args.is_object()) return invalid("", "needs an object of settings");
  HttpCheck check{.name = get_string(args, "name")};
  if (check.name.empty()) return invalid("", "needs 'name'");
  check.request.url = get_string(args, "url");
  if (check.request.url.starts_with('/'))
    return Error{Code::kInvalid, fmt::format("check '{}': there is no address to ask it at", one_line(check.name)),
                 "say where the site answers: base_url: http://127.0.0.1:8000, or a url for each host; public_url is "
                 "asked beside it, in front. Or name the whole URL in the check"};
  if (!check.request.url.starts_with("http://") && !check.request.url.starts_with("https://"))
    return invalid(check.name, "'url' must begin with http:// or https://");
  check.request.method = get_string(args, "method", "GET");
  check.request.headers = TRY(texts(get(args, "headers"), check.name, "headers"));
  check.secret_headers = TRY(driver::secret_places(get(args, "secret_headers")));
  check.request.body = get_string(args, "body");

  AnswerExpected& expected = check.expected;
  expected.status = static_cast<int>(get_int(args, "status", 200));
  if (expected.status < 100 || expected.status > 599)
    return invalid(check.name, fmt::format("there is no status {}", expected.status));
  expected.contains = get_string(args, "contains");
  for (const auto& [name, value] : TRY(texts(get(args, "header"), check.name, "header")))
    expected.headers[lowercase(name)] = value;
  if (const Json& conditions = get(args, "json"); conditions.is_object()) expected.conditions = conditions;
  expected.version = get_string(args, "version");
  expected.version_header = lowercase(get_string(args, "version_header"));
  expected.within = Millis(get_int(args, "within_ms"));
  check.patience = {static_cast<int>(std::clamp<int64_t>(get_int(args, "attempts", 3), 1, 1000)),
                    Millis(get_int(args, "every_ms", 1000))};
  if (check.patience.every.count() < 0 || expected.within.count() < 0)
    return invalid(check.name, "a time must not be negative");
  // A late answer is worth reading: it says what was late.
  check.request.timeout = std::max(Millis(5'000), 2 * expected.within);
  return check;
}

Json with_version(const Json& value, const std::string& version) {
  if (value.is_string()) return replaced(value.get<std::string>(), "{{version}}", version);
  Json result = value;
  if (value.is_structured())
    for (Json& member : result) member = with_version(member, version);
  return result;
}

/// The path and query of a URL: what follows scheme and authority.
std::string path_of(std::string_view url) {
  const size_t authority = url.find("://");
  const size_t slash = authority == std::string_view::npos ? std::string_view::npos : url.find('/', authority + 3);
  return slash == std::string_view::npos ? "/" : std::string(url.substr(slash));
}

/// A password in a URL is nobody's business.
std::string shown_url(const std::string& url) {
  const size_t authority = url.find("://");
  const size_t at = url.find('@');
  if (authority == std::string::npos || at == std::string::npos || at > url.find('/', authority + 3))
    return one_line(url);
  return one_line(url.substr(0, authority + 3) + url.substr(at + 1));
}

std::string public_url_of(const driver::Offering& offering, const Json& args) {
  const std::string own = get_string(args, "public_url");
  if (!own.empty() || !get_bool(args, "public") || offering.public_url.empty()) return own;
  std::string site = offering.public_url;
  while (site.ends_with('/')) site.pop_back();
  return site + path_of(get_string(args, "url"));
}

class HttpDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "http"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"check", StepKind::kLook, true, true}, {"public", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (offering.kind == RunKind::kCheckpoint) return std::vector<Step>{};
    Json args = with_version(offering.subject, offering.to.str());
    const HttpCheck check = TRY(check_from(args));
    Step behind{.id = StepId("check-" + step_word(check.name)),
                .phase = Phase::kCheck,
                .kind = StepKind::kLook,
                .title = one_line(check.name),
                .hosts = offering.hosts,
                .action = {std::string(name()), "check", args},
                .repeatable = true,
                .has_probe = true,
                .timeout = check.request.timeout + Millis(5'000),
                .patience = check.patience};
    const std::string url = public_url_of(offering, args);
    if (url.empty()) return std::vector<Step>{std::move(behind)};
    Step front = behind;
    front.id = StepId("public-" + step_word(check.name));
    front.phase = Phase::kSettle;
    front.title += ", in front of the door";
    front.hosts = {offering.hosts.front()};  // one site, asked once from the controller
    args["url"] = url;
    front.action = {std::string(name()), "public", std::move(args)};
    return std::vector<Step>{std::move(behind), std::move(front)};
  }

  Result<Json> observe(const Json& subject, host::Host&, std::stop_token) const override {
    TRY(check_from(subject));
    return Json::object();  // nothing of it belongs to the target's state
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    return Error{Code::kInvalid, "http: '" + action.verb + "' is a look and has no command", ""};
  }

  Sight verify(const Action& action, host::Host&, std::stop_token stop) const override {
    if (action.verb != "check" && action.verb != "public")
      return Sight::cannot_tell("http: nothing to look at for '" + action.verb + "'");
    auto check = check_from(action.args);
    if (!check) return Sight::cannot_tell(check.error().message);
    if (stop.stop_requested()) return Sight::cannot_tell("stopped before it was asked");
    if (const auto revealed = driver::reveal(check->secret_headers, check->request.headers); !revealed)
      return Sight::cannot_tell(revealed.error().message);
    const std::string url = shown_url(check->request.url);
    Json evidence = {{"url", url}};
    const auto answer = os::http(check->request, stop);
    if (!answer) {
      if (answer.error().code == Code::kCancelled) return Sight::cannot_tell("the check was interrupted");
      const std::string why = url + ": " + replaced(answer.error().message, check->request.url, url);
      return answer.error().code == Code::kInvalid ? Sight::cannot_tell(why, evidence)
                                                   : Sight::does_not_hold(why, evidence);
    }

    evidence["status"] = answer->status;
    evidence["took_ms"] = answer->took.count();
    evidence["got"] = shown_body(answer->body);
    if (const auto version = reported_version(*answer, check->expected.version_header);
        version && !check->expected.version.empty())
      evidence["version"] = shortened(one_line(*version), 80);
    if (const auto why = mismatch(*answer, check->expected)) return Sight::does_not_hold(url + ": " + *why, evidence);
    return Sight::holds(fmt::format("{}: {} in {} ms{}", url, answer->status, answer->took.count(),
                                    check->expected.version.empty() ? "" : ", version " + check->expected.version),
                        evidence);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_http_driver() { return std::make_unique<HttpDriver>(); }

}  // namespace backout::drivers

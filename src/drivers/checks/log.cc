#include "drivers/checks/log.h"

#include "base/text.h"
#include "drivers/checks/check_name.h"
#include "host/log_script.h"
#include "model/log_lines.h"

namespace backout::drivers {
namespace {

constexpr Millis kTimeout{60'000};
constexpr size_t kLongestFragment = 64U << 10;

struct Log {
  std::string name, place;  // a path or a unit
  bool journal = false;
};

Error invalid(const std::string& name, const std::string& what) {
  return {Code::kInvalid, fmt::format("log check '{}': {}", one_line(name), what), "see docs/verify.md"};
}

Result<Log> log_from(const Json& args) {
  Log log{.name = get_string(args, "name"), .place = get_string(args, "file")};
  if (log.name.empty()) return invalid("", "needs 'name'");
  log.journal = log.place.empty();
  if (log.journal) log.place = get_string(args, "unit");
  const bool fits = log.journal ? !log.place.empty() && log.place[0] != '-' : log.place.starts_with('/');
  if (!fits || log.place.find('\0') != std::string::npos)
    return invalid(log.name, "needs 'path', an absolute one, or 'unit'");
  return log;
}

Result<std::vector<Pattern>> patterns(const Log& log, const Json& list) {
  std::vector<Pattern> compiled;
  for (const Json& each : list) {
    if (!each.is_string()) return invalid(log.name, "has an expression that is not text");
    compiled.push_back(TRY(Pattern::compile(each.get<std::string>())));
  }
  return compiled;
}

int minutes_of(const std::string& zone) {
  if (zone.size() != 5) return 0;
  const int number = std::atoi(zone.c_str() + 1);
  return (zone[0] == '-' ? -1 : 1) * (number / 100 * 60 + number % 100);
}

/// The first line of the script's answer, and the text behind it.
struct Answer {
  std::vector<std::string> head;
  std::string_view text;
};
Answer split_answer(std::string_view out) {
  const size_t end = std::min(out.find('\n'), out.size());
  return {split(out.substr(0, end), ' '), end < out.size() ? out.substr(end + 1) : std::string_view()};
}

int64_t number(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

/// Position from the two words that say how far it goes. A line that is not finished is read again with its end.
Json position_of(const Log& log, const Answer& answer) {
  if (log.journal) return {{"cursor", answer.head[1]}, {"since", number(answer.head[2])}};
  int64_t offset = number(answer.head[2]);
  const size_t newline = answer.text.rfind('\n');
  const size_t fragment = newline == std::string_view::npos ? answer.text.size() : answer.text.size() - newline - 1;
  if (fragment <= kLongestFragment) offset -= std::min(offset, static_cast<int64_t>(fragment));
  return {{"inode", number(answer.head[1])}, {"offset", offset}};
}

/// An answer, or why there is none.
Result<std::string> ask(const Log& log, host::Host& host, std::vector<std::string> words, size_t limit,
                        std::stop_token stop) {
  host::Command command = host::shell(log.journal ? host::kJournalScript : host::kLogScript, std::move(words));
  command.timeout = kTimeout;
  command.output_limit = limit + 4096;
  const auto result = TRY(host.run(command, std::move(stop)));
  if (result.ok()) return result.out;
  return Error{Code::kUnavailable, one_line(result.why_not_ok()), ""};
}

Json json_of(const std::vector<Found>& list) {
  Json all = Json::array();
  for (const Found& each : list) all.push_back({{"what", each.what}, {"kind", each.kind}, {"count", each.count}});
  return all;
}

std::string in_words(const std::vector<Found>& bad) {
  std::vector<std::string> parts;
  for (const Found& each : bad) {
    if (parts.size() == 3) {
      parts.push_back(fmt::format("and {} more", bad.size() - 3));
      break;
    }
    parts.push_back(
        fmt::format("{} x {}{}", each.count, each.what, each.kind.empty() ? "" : ": " + shortened(each.kind, 100)));
  }
  return join(parts, "; ");
}

class LogDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "log"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"mark", StepKind::kLook, true, true}, {"scan", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const Json& subject = offering.subject;
    const Log log = TRY(log_from(subject));
    TRY(patterns(log, get(subject, "deny")));
    TRY(patterns(log, get(subject, "allow")));
    const std::string word = word_of(log.name);
    const bool keeps = offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint;
    Json place = {{"name", log.name}, {log.journal ? "unit" : "file", log.place}};
    Json mark_args = place;
    mark_args["baseline"] = keeps;
    Step mark{.id = StepId("mark-" + word),
              // The lines of what is stopped are not those of what is started.
              .phase = keeps ? Phase::kPrepare : Phase::kSwitch,
              .kind = StepKind::kLook,
              .title = "how far " + log.place + " is written",
              .hosts = offering.hosts,
              .action = {std::string(name()), "mark", std::move(mark_args)},
              .repeatable = true,
              .has_probe = true,
              .timeout = kTimeout};
    if (offering.kind == RunKind::kCheckpoint) return std::vector<Step>{std::move(mark)};
    Json scan_args = std::move(place);
    for (const char* key : {"deny", "allow", "within_ms"})
      if (subject.contains(key)) scan_args[key] = subject[key];
    scan_args["since"] = {{"evidence_of", mark.id.str()}};
    if (const Json& kinds = get(offering.saved, "kinds"); kinds.is_array()) scan_args["known"] = kinds;
    Step scan = mark;
    scan.id = StepId("log-" + word);
    scan.phase = Phase::kCheck;
    scan.title = "what is written to " + log.place;
    scan.action = {std::string(name()), "scan", std::move(scan_args)};
    return std::vector<Step>{std::move(mark), std::move(scan)};
  }

  Result<Json> observe(const Json& subject, host::Host&, std::stop_token) const override {
    TRY(log_from(subject));
    return Json::object();
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    return Error{Code::kInvalid, "log: '" + action.verb + "' is a look and has no command", ""};
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto log = log_from(action.args);
    if (!log) return Sight::cannot_tell(log.error().message);
    if (action.verb == "mark") return mark(*log, get_bool(action.args, "baseline"), host, std::move(stop));
    if (action.verb != "scan") return Sight::cannot_tell("log: nothing to look at for '" + action.verb + "'");
    LogRules rules;
    auto deny = patterns(*log, get(action.args, "deny"));
    auto allow = patterns(*log, get(action.args, "allow"));
    if (!deny) return Sight::cannot_tell(deny.error().message);
    if (!allow) return Sight::cannot_tell(allow.error().message);
    rules.deny = std::move(*deny);
    rules.allow = std::move(*allow);
    const Json& since = get(action.args, "since");
    for (const Json* kinds : {&get(action.args, "known"), &get(since, "kinds")}) {
      if (!kinds->is_array()) continue;
      if (!rules.known) rules.known.emplace();
      for (const Json& kind : *kinds)
        if (kind.is_string()) rules.known->insert(kind.get<std::string>());
    }
    return scan(*log, rules, get(since, "position"), Millis(get_int(action.args, "within_ms", 900'000)), host,
                std::move(stop));
  }

 private:
  static Sight mark(const Log& log, bool baseline, host::Host& host, std::stop_token stop) {
    const size_t limit = baseline ? kBaselineLimit : 0;
    const auto out = ask(log, host, {"mark", log.place, std::to_string(limit)}, limit, std::move(stop));
    if (!out) return Sight::cannot_tell(log.place + " cannot be read: " + out.error().message);
    const Answer answer = split_answer(*out);
    if (answer.head[0] == "missing") {
      if (log.journal) return Sight::cannot_tell("there is no unit " + log.place);
      return Sight::holds(log.place + " is not there yet: all of it will be new",
                          {{"position", {{"inode", 0}, {"offset", 0}}}});
    }
    if (answer.head[0] != "marked" || answer.head.size() != 4)
      return Sight::cannot_tell(log.place + ": the host gave no answer that can be read");
    Json evidence = {{"position", position_of(log, {answer.head, {}})}};
    if (!baseline) return Sight::holds("from here on it is read", std::move(evidence));
    const LogFindings before = findings_in(answer.text, {});
    if (before.lines == 0) return Sight::holds("from here on it is read; it has no line yet", std::move(evidence));
    evidence["kinds"] = before.kinds;
    return Sight::holds(fmt::format("from here on it is read; {} of line are known from before",
                                    counted(static_cast<int64_t>(before.kinds.size()), "kind")),
                        std::move(evidence));
  }

  static Sight scan(const Log& log, const LogRules& rules, const Json& position, Millis within, host::Host& host,
                    std::stop_token stop) {
    const std::string limit = std::to_string(kLogLimit);
    std::vector<std::string> words;
    if (position.contains("inode"))
      words = {"scan", log.place, std::to_string(get_int(position, "inode")),
               std::to_string(get_int(position, "offset")), limit};
    else if (position.contains("cursor"))
      words = {"scan", log.place, get_string(position, "cursor", "-"), std::to_string(get_int(position, "since")),
               limit};
    else if (log.journal)
      words = {"tail", log.place, std::to_string(std::max<int64_t>(within.count() / 1000, 1)), limit};
    else
      words = {"tail", log.place, limit};
    const auto out = ask(log, host, std::move(words), kLogLimit, std::move(stop));
    if (!out) return Sight::cannot_tell(log.place + " cannot be read: " + out.error().message);
    Answer answer = split_answer(*out);
    if (answer.head[0] == "missing") return Sight::cannot_tell(log.place + " is not there");
    if (answer.head[0] != "read" || answer.head.size() != 6)
      return Sight::cannot_tell(log.place + ": the host gave no answer that can be read");
    const std::string& from = answer.head[4];
    Json evidence = {{"log", log.place}, {"position", position_of(log, answer)}, {"from", from}};
    if (from == "tail" && !log.journal)
      answer.text = lines_since(answer.text, system_clock().wall() - within, minutes_of(answer.head[5]));
    const int64_t skipped = number(answer.head[3]);
    if (skipped > 0 || (log.journal && answer.text.size() >= kLogLimit))  // cut in the middle of a line
      answer.text.remove_prefix(std::min(answer.text.find('\n'), answer.text.size()));
    const LogFindings found = findings_in(answer.text, rules);
    evidence["lines"] = found.lines;
    evidence["requests"] = found.requests;
    evidence["errors"] = found.errors;
    evidence["excused"] = found.excused;
    evidence["skipped"] = skipped;
    evidence["bad"] = json_of(found.bad);
    evidence["new_kinds"] = json_of(found.new_kinds);
    evidence["new_kinds_count"] = found.new_kinds_count;
    evidence["compared"] = rules.known.has_value();

    std::string more;
    if (skipped > 0)
      more += fmt::format("; of {} only the last {} were read",
                          bytes_for_people(static_cast<uint64_t>(skipped) + answer.text.size()),
                          bytes_for_people(answer.text.size()));
    if (!found.bad.empty())
      return Sight::does_not_hold(
          fmt::format("{}: {}, in {}{}", log.place, in_words(found.bad), counted(found.lines, "line"), more),
          std::move(evidence));
    if (from == "lost")
      return Sight::cannot_tell(log.place + " was replaced, and what was written before that is gone",
                                std::move(evidence));
    if (found.new_kinds_count > 0)
      more += rules.known ? fmt::format("; {} of line not seen before", counted(found.new_kinds_count, "kind"))
                          : "; there is nothing to compare kinds of lines with";
    if (!rules.known && found.errors > 0) more += fmt::format("; {} of error severity", counted(found.errors, "line"));
    if (from == "tail") more += "; read from its end, because it is not known how far it was read before";
    return Sight::holds(fmt::format("{}: nothing bad in {}{}", log.place, counted(found.lines, "line"), more),
                        std::move(evidence));
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_log_driver() { return std::make_unique<LogDriver>(); }

}  // namespace backout::drivers

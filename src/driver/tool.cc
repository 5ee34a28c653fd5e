#include "driver/tool.h"

#include <fmt/format.h>

#include <istream>
#include <iterator>
#include <ostream>

#include "base/text.h"

namespace backout::driver {
namespace {

constexpr Millis kToolTimeout{600'000};
constexpr size_t kMostOutput = 16U << 20;    // evidence with a whole schema in it
constexpr size_t kShown = 285, kLeast = 80;  // of the 300 characters of a last line that are recorded

constexpr Code kCodes[] = {Code::kInvalid, Code::kNotFound,    Code::kDenied,      Code::kConflict, Code::kBusy,
                           Code::kRefused, Code::kUnsupported, Code::kUnavailable, Code::kTimedOut, Code::kCorrupt,
                           Code::kNoSpace, Code::kCancelled,   Code::kInternal};

int exit_status_of(Code code) {
  switch (code) {
    case Code::kInvalid: return 2;
    case Code::kConflict:
    case Code::kBusy:
    case Code::kRefused:
    case Code::kUnsupported: return 3;
    case Code::kNotFound:
    case Code::kDenied:
    case Code::kUnavailable:
    case Code::kTimedOut:
    case Code::kCorrupt:
    case Code::kNoSpace:
    case Code::kCancelled:
    case Code::kInternal: return 1;
  }
  return 1;
}

std::string_view last_line(std::string_view text) {
  text = trimmed(text);
  const size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

}  // namespace

int run_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err,
             const std::function<Result<Json>(const std::string& verb, const Json& args, const Progress&)>& run) {
  const Progress progress = [&](std::string_view line) { out << one_line(line) << std::endl; };
  Result<Json> evidence = Error{Code::kInvalid, "one verb is needed", ""};
  if (args.size() == 1) {
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto parsed = parse_json(text);
    if (parsed && parsed->is_object())
      evidence = run(args.front(), *parsed, progress);
    else
      evidence = Error{Code::kInvalid,
                       fmt::format("the arguments on standard input ({} bytes) are not one JSON object{}", text.size(),
                                   parsed ? "" : ": " + parsed.error().message),
                       ""};
  }
  if (evidence) {
    out << canonical(*evidence) << std::endl;
    return 0;
  }
  const Error& error = evidence.error();
  // On one line: the last one of a failed command is what the record shows of it, and what to do next must not be cut
  // off.
  const std::string next = error.next.empty() ? "" : "; next: " + one_line(error.next);
  const size_t room = next.size() + kLeast < kShown ? kShown - next.size() : kLeast;
  err << "error: " << shortened(one_line(error.message), room) << next;
  err << '\n';
  const Json said{{"code", name_of(error.code)}, {"message", one_line(error.message)}, {"next", one_line(error.next)}};
  out << canonical({{"error", said}}) << std::endl;
  return exit_status_of(error.code);
}

host::Command tool_command(const std::string& self, const std::string& name, const std::string& verb,
                           const Json& args) {
  host::Command command{.argv = {self, "internal", name, verb}};
  command.stdin_text = canonical(args);
  command.timeout = kToolTimeout;
  command.output_limit = kMostOutput;
  return command;
}

Result<Json> ask_tool(host::Host& host, const host::Command& command, const std::stop_token& stop) {
  const auto result = TRY(host.run(command, stop));
  const auto last = parse_json(trimmed(last_line(result.out)));
  if (result.ok() && last) return *last;
  const Json& error = last ? get(*last, "error") : get({}, "");
  if (!error.is_object())
    return Error{Code::kInternal,
                 join({command.argv.begin() + 1, command.argv.end()}, " ") + ": " + result.why_not_ok(), ""};
  Error out{Code::kInternal, get_string(error, "message"), get_string(error, "next")};
  for (const Code code : kCodes)
    if (name_of(code) == get_string(error, "code")) out.code = code;
  return out;
}

Json sight_json(bool holds, const std::string& why, const Json& evidence) {
  return {{"sight", holds ? "holds" : "does-not-hold"}, {"why", why}, {"evidence", evidence}};
}

}  // namespace backout::driver

#include "database/sqlite/tool.h"

#include <istream>
#include <iterator>
#include <ostream>

#include "base/text.h"
#include "database/sqlite/files.h"
#include "database/sqlite/verbs.h"

namespace backout::database {
namespace {

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

Result<Json> run(const std::vector<std::string>& args, std::istream& in, const Progress& progress) {
  if (args.size() != 1) return Error{Code::kInvalid, "one verb is needed", "verbs: " + join(verb_names(), ", ")};
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object())
    return Error{Code::kInvalid, "the arguments on standard input are not one JSON object", ""};
  return run_verb(args.front(), *parsed, progress);
}

}  // namespace

int run_sqlite_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  const Progress progress = [&](std::string_view line) { out << one_line(line) << std::endl; };
  const auto evidence = run(args, in, progress);
  if (evidence) {
    out << canonical(*evidence) << std::endl;
    return 0;
  }
  const Error& error = evidence.error();
  // On one line: the last one of a failed command is what the record shows of it.
  err << "error: " << one_line(error.message);
  if (!error.next.empty()) err << "; next: " << one_line(error.next);
  err << '\n';
  out << canonical(
             {{"error",
               {{"code", name_of(error.code)}, {"message", one_line(error.message)}, {"next", one_line(error.next)}}}})
      << std::endl;
  return exit_status_of(error.code);
}

}  // namespace backout::database

#include "database/postgresql/programs.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "base/text.h"
#include "database/postgresql/container_address.h"
#include "database/postgresql/verb_args.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr Millis kNoLimit = std::chrono::hours(24 * 7);
constexpr Millis kVersionTime{20'000};
constexpr size_t kComplaintLines = 3;

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Result<Options> parsed_conninfo(const std::string& conninfo) {
  char* why = nullptr;
  Options options(PQconninfoParse(conninfo.c_str(), &why), &PQconninfoFree);
  const std::string message = why == nullptr ? "no memory" : one_line(trimmed(why));
  PQfreemem(why);
  if (options == nullptr)
    return Error{Code::kInvalid, "the connection string of the server is not one: " + message,
                 "write it as psql takes it: host=db.internal user=shop"};
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (std::string_view(option->keyword) == "password" && option->val != nullptr)
      return Error{Code::kInvalid, "the connection string of the server holds a password",
                   "take it out, and put it into ~/.pgpass or PGPASSWORD"};
  return options;
}

/// One "keyword='value'" of a connection string.
std::string conninfo_word(std::string_view keyword, std::string_view value) {
  return fmt::format("{}='{}'", keyword, replaced(replaced(std::string(value), "\\", "\\\\"), "'", "\\'"));
}

/// "pg_dump (PostgreSQL) 15.20 (Debian ...)"
int major_in(std::string_view version) {
  static constexpr std::string_view kBefore = "(PostgreSQL) ";
  const size_t at = version.find(kBefore);
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = version.substr(at + kBefore.size());
  int major = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), major);
  return major;
}

struct Meaning {
  std::string_view words;
  Code code;
  std::string_view next;
};
constexpr Meaning kMeanings[] = {
    {"No space left on device", Code::kNoSpace, "make room on that disk and try again"},
    {"Disk quota exceeded", Code::kNoSpace, "make room on that disk and try again"},
    {"could not obtain lock", Code::kBusy, "wait until the migration is through, then again"},
    // What pg_dump makes of its --lock-wait-timeout.
    {"canceling statement due to statement timeout", Code::kBusy, "wait until the migration is through, then again"},
    {"canceling statement due to lock timeout", Code::kBusy, "wait until the migration is through, then again"},
    {"password authentication failed", Code::kDenied, "put the right password into ~/.pgpass or PGPASSWORD"},
    {"no password supplied", Code::kDenied, "put the password into ~/.pgpass or PGPASSWORD"},
    {"permission denied to create extension", Code::kDenied,
     "it is not a trusted one: let backout go by a role that may make it (database.postgresql.dsn: user=...)"},
    {"permission denied", Code::kDenied, ""},
    {"must be owner of", Code::kDenied, ""},
    {"must be member of role", Code::kDenied, ""},
    {"must be superuser", Code::kDenied, ""},
    {"query would be affected by row-level security", Code::kDenied,
     "give the role BYPASSRLS, or back up as the tables' owner"},
    {"is not available", Code::kUnsupported, "install it on the database server"},
    {"could not open extension control file", Code::kUnsupported, "install it on the database server"},
    {"server version mismatch", Code::kUnsupported, "install the client programs of the server's version"},
    {"unsupported version", Code::kUnsupported, "install the client programs of the server's version"},
    {"connection to server", Code::kUnavailable, ""},
    {"server closed the connection", Code::kUnavailable, ""},
    {"terminating connection", Code::kUnavailable, ""},
    {"could not read from input file", Code::kCorrupt, ""},
    {"could not uncompress data", Code::kCorrupt, ""},
    {"unexpected end of file", Code::kCorrupt, ""},
    {"does not appear to be a valid archive", Code::kCorrupt, ""}};

}  // namespace

Result<Server> server_of(const Json& args) {
  Server server{get_string(args, "server")};
  TRY(parsed_conninfo(server.conninfo));
  return server;
}

Result<Program> find_program(const std::string& name, int server_version, const std::string& directory) {
  const int wanted = server_version / 10000;
  std::vector<std::string> candidates{directory + "/" + name};
  if (directory.empty())
    candidates = {fmt::format("/usr/lib/postgresql/{}/bin/{}", wanted, name),
                  fmt::format("/usr/pgsql-{}/bin/{}", wanted, name), name};
  for (const std::string& path : candidates) {
    if (path.front() == '/' && !os::exists(path)) continue;
    const auto asked = os::run_process({.argv = {path, "--version"}, .timeout = kVersionTime});
    if (!asked || !asked->ok()) continue;
    const std::string version = one_line(trimmed(asked->out));
    const Program program{path, version, major_in(version)};
    if (program.major >= wanted) return program;
    return Error{
        Code::kUnsupported,
        fmt::format("{} is version {}, the server is {}: it cannot be used with it", path, program.major, wanted),
        fmt::format("install postgresql-client-{} here", wanted)};
  }
  return Error{Code::kNotFound, "there is no " + name + " here",
               fmt::format("install postgresql-client-{} on this machine", wanted)};
}

Result<std::string> connection_argument(const Server& server, const std::string& database) {
  const Options options = TRY(parsed_conninfo(server.conninfo));
  std::vector<std::string> words;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr && std::string_view(option->keyword) != "dbname")
      words.push_back(conninfo_word(option->keyword, option->val));
  words.push_back(conninfo_word("dbname", database));
  if (const std::string address = TRY(container_address(server)); !address.empty())
    words.push_back(conninfo_word("hostaddr", address));
  return join(words, " ");
}

Result<os::ProcessResult> run_program(std::vector<std::string> argv, const std::string& session, std::stop_token stop) {
  const char* options = std::getenv("PGOPTIONS");
  return os::run_process({.argv = std::move(argv),
                          .cwd = "/",
                          .env = {{"PGAPPNAME", session},
                                  {"PGTZ", "UTC"},
                                  {"LC_ALL", "C.UTF-8"},
                                  {"PGOPTIONS", std::string(options == nullptr ? "" : options) +
                                                    " -c default_transaction_read_only=off -c statement_timeout=0 "
                                                    "-c idle_in_transaction_session_timeout=0"}},
                          .timeout = kNoLimit,
                          .output_limit = 1U << 20},
                         std::move(stop));
}

Error program_error(const os::ProcessResult& result, const std::string& program) {
  if (result.cancelled) return {Code::kCancelled, program + " was stopped", ""};
  std::vector<std::string> complaints;
  for (const std::string& line : split(result.err, '\n')) {
    const std::string words = one_line(trimmed(line));
    if (words.empty() || words.find("warning:") != std::string::npos) continue;
    if (complaints.size() < kComplaintLines) complaints.push_back(words);
  }
  const std::string said = complaints.empty() ? result.why_not_ok() : join(complaints, "; ");
  for (const Meaning& meaning : kMeanings)
    if (result.err.find(meaning.words) != std::string::npos) return {meaning.code, said, std::string(meaning.next)};
  return {Code::kInternal, said, ""};
}

}  // namespace backout::postgresql

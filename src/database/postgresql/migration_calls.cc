#include "database/postgresql/migration_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/ids.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr size_t kMostPrinted = 8U << 20;
constexpr size_t kComplaint = 400;

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || kPlain.find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

}  // namespace

Result<MigrationCalls> MigrationCalls::of(const Json& migrations, const Connection& connection) {
  MigrationCalls calls;
  calls.tool_ = TRY(find_tool(get_string(migrations, "tool")));
  calls.how_ = get(migrations, "how");
  calls.environment_ = get(migrations, "environment");
  calls.user_ = get_string(migrations, "user");
  calls.timeout_ = Millis(get_int(migrations, "timeout_ms", calls.timeout_.count()));
  const auto within = [&](const std::string& release) {
    const std::string directory = get_string(migrations, "directory");
    if (directory.starts_with('/') || release.empty()) return directory;
    return directory.empty() ? release : release + "/" + directory;
  };
  calls.directory_ = within(get_string(migrations, "release"));
  const std::string previous = get_string(migrations, "previous");
  if (!previous.empty()) calls.previous_ = within(previous);
  if (!os::exists(calls.directory_))
    return Error{Code::kNotFound, "the code that brought the migrations is not at " + calls.directory_,
                 "say where it is, database: {migrations: {directory: ...}}, or restore: --rung restore"};
  calls.host_ = text_of(PQhost(connection.raw()));
  calls.port_ = text_of(PQport(connection.raw()));
  calls.role_ = text_of(PQuser(connection.raw()));
  calls.password_ = text_of(PQpass(connection.raw()));
  calls.application_ = "backout step down " + random_hex(8);
  return calls;
}

Result<os::ProcessResult> MigrationCalls::run(const Argv& argv, const std::string& database, May may,
                                              std::stop_token stop) const {
  // Of a socket nothing stands before the path: Ruby's parser takes no user without a host, and PGUSER says it, too.
  const bool socket = host_.starts_with('/');
  const std::string login = percent_encoded(role_) + (password_.empty() ? "" : ":" + percent_encoded(password_));
  const std::string url =
      "postgresql://" + (socket ? std::string() : login + "@" + host_ + ":" + port_) + "/" + percent_encoded(database) +
      (socket ? "?host=" + percent_encoded(host_) + "&port=" + port_ + "&user=" + percent_encoded(role_) : "");
  os::ProcessSpec spec{.argv = argv, .cwd = directory_, .timeout = timeout_, .output_limit = kMostPrinted};
  spec.env = {{"PGHOST", host_},
              {"PGPORT", port_},
              {"PGUSER", role_},
              {"PGDATABASE", database},
              {"PGAPPNAME", application_},
              {"DATABASE_URL", url},
              {"PYTHONDONTWRITEBYTECODE", "1"},  // the release's files stay as they are
              {"NO_COLOR", "1"}};
  if (!password_.empty()) spec.env["PGPASSWORD"] = password_;
  if (may == May::kLook) spec.env["PGOPTIONS"] = "-c default_transaction_read_only=on";
  for (const auto& [name, value] : tool_->environment)
    if (std::getenv(std::string(name).c_str()) == nullptr) spec.env[std::string(name)] = value;
  if (environment_.is_object())
    for (const auto& [name, value] : environment_.items())
      if (value.is_string())
        spec.env[name] = replaced(replaced(value.get<std::string>(), "{database}", database), "{url}", url);
  if (!user_.empty()) spec.argv.insert(spec.argv.begin(), {"runuser", "-u", user_, "--"});
  return os::run_process(spec, std::move(stop));
}

std::string MigrationCalls::complaint(const os::ProcessResult& result) const {
  std::vector<std::string> lines;
  for (const std::string& stream : {result.out, result.err})
    for (const std::string& line : split(stream, '\n'))
      if (!trimmed(line).empty()) lines.push_back(one_line(trimmed(line)));
  if (result.timed_out || result.signal != 0 || lines.empty()) return result.why_not_ok();
  // Ruby names the error first and Python last, with what led there beside it.
  std::vector<std::string> named;
  for (const std::string& line : lines)
    if ((line.find("Error") != std::string::npos || line.find("Irreversible") != std::string::npos) &&
        !line.starts_with('/') && !line.starts_with("File "))
      named.push_back(line);
  if (named.empty()) named.assign(lines.end() - std::min<std::ptrdiff_t>(2, std::ssize(lines)), lines.end());
  std::string said = named.front();
  if (named.back() != said) said += "; " + named.back();
  if (!password_.empty()) said = replaced(std::move(said), password_, "***");
  return shortened(said, kComplaint);
}

Result<Listed> MigrationCalls::list(const std::string& database) const {
  const auto ran = TRY(run(tool_->list(how_), database, May::kLook));
  if (!ran.ok()) return Error{Code::kUnavailable, complaint(ran), ""};
  return tool_->listed(ran.out);
}

}  // namespace backout::postgresql

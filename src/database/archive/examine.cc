#include "database/archive/examine.h"

#include <algorithm>

#include "base/text.h"
#include "database/archive/pg_archive.h"
#include "database/archive/trailer.h"
#include "os/process.h"

namespace backout::archive {
namespace {

constexpr Millis kListTimeout{10 * 60'000};
constexpr Millis kReadTimeout{6 * 3600 * 1000LL};
constexpr const char* kNoChecksums = "it has no checksums: a changed byte would not show";

void fail(Examined& examined, const Error& error) {
  examined.finding = finding_of(error);
  examined.why =
      one_line(error.message) + (error.next.empty() || examined.finding == Finding::kBad ? "" : "; " + error.next);
}

/// pg_restore of the archive: by its name, or, packed as it lies there, through its standard input.
Result<os::ProcessResult> pg_restore(const char* what, const Found& found, Millis timeout,
                                     const std::stop_token& stop) {
  os::ProcessSpec spec{.argv = {"pg_restore", what, found.path}};
  if (found.packing != Packing::kNone)
    spec.argv = {"sh",
                 "-c",
                 "command -v pg_restore >/dev/null || exit 127\n$3 -dcq -- \"$2\" | pg_restore \"$1\"",
                 "sh",
                 what,
                 found.path,
                 std::string(name_of(found.packing))};
  spec.timeout = timeout;
  spec.output_limit = 8U << 20;
  auto result = os::run_process(spec, stop);
  const bool missing =
      result ? found.packing != Packing::kNone && result->exit_status == 127 : result.error().code == Code::kNotFound;
  if (missing)
    return Error{Code::kUnsupported, "pg_restore is not installed here, and nothing else can read it",
                 "apt install postgresql-client"};
  if (result && !result->ok() && result->err.find("unsupported version") != std::string::npos)
    return Error{Code::kUnsupported,
                 "a newer pg_dump wrote it than the pg_restore that is here can read: " + result->why_not_ok(),
                 "install the client programs of that PostgreSQL"};
  return result;
}

/// The list of contents shows that the beginning can be read; only reading the data shows that it is all there.
Result<void> read_with_pg_restore(const Found& found, bool checksums, const std::stop_token& stop, Examined& examined) {
  const auto listed = TRY(pg_restore("--list", found, kListTimeout, stop));
  if (!listed.ok()) return Error{Code::kCorrupt, "pg_restore --list: " + listed.why_not_ok(), ""};
  const std::vector<std::string> lines = split(listed.out, '\n');
  const auto entries = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return !trimmed(line).empty() && !line.starts_with(';');
  });
  if (entries == 0) return Error{Code::kCorrupt, "pg_restore --list: there is nothing in it", ""};
  examined.tested.push_back("pg_restore --list: " + std::to_string(entries) + (entries == 1 ? " entry" : " entries"));
  const auto read = TRY(pg_restore("--file=/dev/null", found, kReadTimeout, stop));
  if (!read.ok()) return Error{Code::kCorrupt, "pg_restore cannot read its data: " + read.why_not_ok(), ""};
  examined.tested.push_back("pg_restore reads all of its data");
  if (!checksums) examined.tested.emplace_back(kNoChecksums);
  return {};
}

Result<void> read_file(const Found& found, const Limits& limits, Examined& examined) {
  std::optional<Kind> kind;
  TarWalk tar;
  const Streamed streamed = TRY(stream(found.path, limits, [&](std::string_view bytes) {
    if (!kind) kind = kind_of(bytes.substr(0, kHead));
    return kind == Kind::kPgTar ? tar.take(bytes) : Result<void>();
  }));
  examined.sha256 = streamed.sha256;
  examined.unpacked = streamed.unpacked;
  examined.kind = kind_of(streamed.head);
  if (examined.packing != Packing::kNone)
    examined.tested.push_back(
        fmt::format("{} unpacks to its end ({})", name_of(examined.packing), bytes_for_people(streamed.unpacked)));
  const std::string fault = fault_of_end(examined.kind, streamed.head, streamed.tail);
  if (!fault.empty()) return Error{Code::kCorrupt, fault, ""};
  if (examined.kind == Kind::kPgSql || examined.kind == Kind::kMysqlSql || examined.kind == Kind::kSql)
    examined.tested.emplace_back(marks_its_end(examined.kind, streamed.head) ? "its end is there" : kNoMark);
  const bool checksums = examined.packing != Packing::kNone || has_checksums(examined.kind, streamed.head);
  if (examined.kind == Kind::kPgSql && !checksums) examined.tested.emplace_back(kNoChecksums);
  if (examined.kind == Kind::kPgTar) TRY_VOID(tar.finish());
  if (examined.kind == Kind::kPgCustom || examined.kind == Kind::kPgTar)
    TRY_VOID(read_with_pg_restore(found, checksums, limits.stop, examined));
  return {};
}

Result<void> read_directory_of_files(const Found& found, const Limits& limits, Examined& examined) {
  const bool checksums = TRY(read_directory(found, limits));
  examined.sha256 = TRY(sha256_of_directory(found.path));
  return read_with_pg_restore(found, checksums, limits.stop, examined);
}

}  // namespace

Finding finding_of(const Error& error) {
  switch (error.code) {
    case Code::kCorrupt:
    case Code::kInvalid:
    case Code::kNotFound:
    case Code::kDenied: return Finding::kBad;
    case Code::kConflict:
    case Code::kBusy:
    case Code::kRefused:
    case Code::kUnsupported:
    case Code::kUnavailable:
    case Code::kTimedOut:
    case Code::kNoSpace:
    case Code::kCancelled:
    case Code::kInternal: return Finding::kUntested;
  }
  return Finding::kUntested;
}

Examined examine(const Found& found, const Limits& limits) {
  Examined examined{.kind = found.kind, .packing = found.packing};
  if (!found.fault.empty()) {
    examined.finding = Finding::kBad;
    examined.why = found.fault;
    return examined;
  }
  Result<void> read;
  if (found.kind == Kind::kPgDirectory) {
    read = read_directory_of_files(found, limits, examined);
  } else {
    read = read_file(found, limits, examined);
  }
  if (!read)
    fail(examined, read.error());
  else
    examined.finding = Finding::kWhole;
  return examined;
}

}  // namespace backout::archive

#include "database/postgresql/dump_rows.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"
#include "database/postgresql/base_catalogue.h"

namespace backout::postgresql {
namespace {

constexpr size_t kLongestListing = 64U << 20;

/// The lines of the table of contents that name the rows of these tables: "3355; 0 16389 TABLE DATA public orders web".
Result<std::string> entries_of(const Program& restore, const std::string& directory, std::set<int64_t> oids) {
  const auto listed =
      TRY(os::run_process({.argv = {restore.path, "--list", directory}, .cwd = "/", .output_limit = kLongestListing}));
  if (!listed.ok()) return program_error(listed, "pg_restore");
  std::string entries;
  for (const std::string& line : split(listed.out, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 5 || words[3] != "TABLE" || words[4] != "DATA") continue;
    int64_t oid = 0;
    std::from_chars(words[2].data(), words[2].data() + words[2].size(), oid);
    if (oids.erase(oid) > 0) entries += line + "\n";
  }
  if (!oids.empty())
    return Error{Code::kCorrupt, fmt::format("the dump {} has no rows of a table that it counts", directory), ""};
  return entries;
}

/// A script as pg_restore writes it, cut into lines.
class Script {
 public:
  explicit Script(const std::function<Result<void>(const DumpRow&)>& row) : row_(row) {}

  Result<void> take(std::string_view chunk) {
    for (size_t end = chunk.find('\n'); end != std::string_view::npos; end = chunk.find('\n')) {
      if (rest_.empty()) {
        TRY_VOID(line(chunk.substr(0, end)));
      } else {
        rest_.append(chunk.substr(0, end));
        TRY_VOID(line(rest_));
        rest_.clear();
      }
      chunk.remove_prefix(end + 1);
    }
    rest_.append(chunk);
    return {};
  }
  bool whole() const { return !inside_ && rest_.empty(); }

 private:
  Result<void> line(std::string_view line) {
    if (inside_) {
      if (line == "\\.") {
        inside_ = false;
        return {};
      }
      return row_({schema_, table_, columns_, line});
    }
    constexpr std::string_view kBegin = "COPY ", kEnd = ") FROM stdin;";
    if (!line.starts_with(kBegin) || !line.ends_with(kEnd)) return {};
    line.remove_prefix(kBegin.size());
    line.remove_suffix(kEnd.size());
    const size_t open = line.find(" (");
    if (open == std::string_view::npos) return Error{Code::kCorrupt, "a COPY of the dump names no columns", ""};
    const auto names = names_in(line.substr(0, open));
    schema_ = names.first;
    table_ = names.second;
    columns_ = columns_in(line.substr(open + 2));
    inside_ = true;
    return {};
  }

  /// `id, "Or der"`.
  static std::vector<std::string> columns_in(std::string_view list) {
    std::vector<std::string> columns;
    size_t begin = 0;
    bool quoted = false;
    for (size_t i = 0; i <= list.size(); ++i) {
      if (i < list.size() && list[i] == '"') quoted = !quoted;
      if (i < list.size() && (quoted || list[i] != ',')) continue;
      columns.push_back(names_in("x." + std::string(trimmed(list.substr(begin, i - begin)))).second);
      begin = i + 1;
    }
    return columns;
  }

  const std::function<Result<void>(const DumpRow&)>& row_;
  std::string rest_, schema_, table_;
  std::vector<std::string> columns_;
  bool inside_ = false;
};

}  // namespace

Result<void> read_dump(const Program& restore, const std::string& directory, const std::set<int64_t>& oids,
                       Millis limit, const std::function<Result<void>(const DumpRow&)>& row) {
  if (oids.empty()) return {};
  const std::string entries = TRY(entries_of(restore, directory, oids));
  Script script(row);
  std::stop_source stop;
  Result<void> read;
  const auto ended =
      TRY(os::run_process({.argv = {restore.path, "--data-only", "--use-list=/dev/stdin", "--file=-", directory},
                           .cwd = "/",
                           .env = {{"LC_ALL", "C.UTF-8"}},
                           .stdin_text = entries,
                           .timeout = limit,
                           .output_limit = 1,
                           .on_stdout =
                               [&](std::string_view chunk) {
                                 if (!read) return;
                                 read = script.take(chunk);
                                 if (!read) stop.request_stop();
                               }},
                          stop.get_token()));
  TRY_VOID(read);
  if (ended.timed_out)
    return Error{Code::kTimedOut, "reading the dump took longer than " + backout::for_people(limit), ""};
  if (!ended.ok()) return program_error(ended, "pg_restore");
  if (!script.whole()) return Error{Code::kCorrupt, "the dump ends in the middle of a table", ""};
  return {};
}

}  // namespace backout::postgresql

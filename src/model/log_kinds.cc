// A line's kind, gravity and time.
#include "base/hash.h"
#include "base/text.h"
#include "model/log_lines.h"

namespace backout {
namespace {

constexpr size_t kLongestLine = 4096, kLongestKind = 240, kLongestQuoted = 400;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; }
bool ends_token(char c) { return std::string_view(" \t()[]{}<>=;\"'`|").find(c) != std::string_view::npos; }

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 60 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || c == '.' || c == '/'; });
}

/// What stands in quotes behind such a word is part of the program, and does not change from user to user.
bool names_a_part(std::string_view before) {
  static const std::set<std::string_view> words = {"relation", "column",   "table",  "attribute", "module", "function",
                                                   "template", "property", "named",  "constant",  "method", "type",
                                                   "database", "schema",   "import", "name",      "object"};
  while (before.ends_with(' ')) before.remove_suffix(1);
  size_t start = before.size();
  while (start > 0 && is_letter(before[start - 1])) --start;
  return words.contains(before.substr(start));
}

/// The value of such a key of a JSON line is its text.
bool says_what_happened(std::string_view before) {
  while (before.ends_with(' ')) before.remove_suffix(1);
  return before.ends_with("\"msg\":") || before.ends_with("\"message\":") || before.ends_with("\"error\":");
}

bool is_calendar(std::string_view word) {
  static const std::set<std::string_view> words = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
                                                   "Nov", "Dec", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  return words.contains(word);
}

bool is_hex(std::string_view word) {
  return word.size() >= 8 && word.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// "psycopg2" in "psycopg2.OperationalError" is a name; "worker12" is not.
bool is_variable(std::string_view word, std::string_view after) {
  if (is_calendar(word) || is_hex(word)) return true;
  const bool has_digit = std::any_of(word.begin(), word.end(), is_digit);
  if (!has_digit) return false;
  const bool names_more = after.size() >= 2 && (after[0] == '.' || after.starts_with("::")) &&
                          is_letter(after[after[0] == '.'    ? 1
                                          : after.size() > 2 ? 2
                                                             : 1]);
  return !(is_letter(word[0]) && names_more);
}

std::string masked_token(std::string_view token) {
  if (const size_t at = token.find('@'); at != std::string_view::npos && at > 0 && token.find('.', at) != token.npos)
    return "#";
  const size_t query = token.find('?');
  const bool path = token.find('/') != std::string_view::npos;
  std::string_view body = path && query != std::string_view::npos ? token.substr(0, query) : token;
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (!is_word(body[i])) {
      out += body[i++];
      continue;
    }
    size_t end = i;
    while (end < body.size() && is_word(body[end])) ++end;
    const std::string_view word = body.substr(i, end - i);
    out += is_variable(word, body.substr(end)) ? "#" : std::string(word);
    i = end;
  }
  if (body.size() != token.size()) out += "?#";
  // "#-#-#T#:#:#.#" is one variable part.
  std::string folded;
  for (size_t i = 0; i < out.size(); ++i) {
    if (folded.ends_with('#') && out[i] != '#' && std::string_view("-.:/T+,_").find(out[i]) != std::string_view::npos &&
        i + 1 < out.size() && out[i + 1] == '#') {
      ++i;
      continue;
    }
    if (out[i] == '#' && folded.ends_with('#')) continue;
    folded += out[i];
  }
  return folded;
}

/// The end of what is quoted at `start`, or npos: an apostrophe in a word quotes nothing.
size_t end_of_quoted(const std::string& line, size_t start) {
  if (line[start] == '\'' && start > 0 && is_word(line[start - 1])) return std::string::npos;
  const size_t end = line.find(line[start], start + 1);
  return end == std::string::npos || end - start > kLongestQuoted ? std::string::npos : end;
}

std::optional<std::string> access_kind(const std::string& line) {
  static const Pattern request =
      Pattern::compile(R"re("(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ HTTP/[\d.]+" (\d)\d\d\b)re").value();
  const auto groups = request.groups_in(line);
  if (groups.empty()) return std::nullopt;
  return fmt::format("{} request answered {}xx", groups[1], groups[2]);
}

Pattern compiled(std::string_view expression) { return Pattern::compile(expression).value(); }

}  // namespace

std::string masked(std::string_view raw) {
  raw = raw.substr(0, kLongestLine);
  if (raw.empty() || raw[0] == ' ' || raw[0] == '\t') return "";
  const std::string line = one_line(raw);
  if (auto access = access_kind(line)) return *access;
  std::string kind;
  for (size_t i = 0; i < line.size() && kind.size() < kLongestKind;) {
    const char c = line[i];
    if (c == '"' || c == '\'' || c == '`') {
      const size_t end = end_of_quoted(line, i);
      if (end == std::string::npos) {
        kind += c;
        ++i;
        continue;
      }
      const std::string_view quoted = std::string_view(line).substr(i + 1, end - i - 1);
      // The keys of a JSON line are parts of the program, its values are not.
      if (says_what_happened(kind)) {
        kind += c + masked(quoted) + c;
        i = end + 1;
        continue;
      }
      const bool keep =
          is_identifier(quoted) && (names_a_part(kind) || (end + 1 < line.size() && line[end + 1] == ':'));
      kind += c + std::string(keep ? quoted : "*") + c;
      i = end + 1;
    } else if (ends_token(c)) {
      if (c != ' ' || !kind.ends_with(' ')) kind += c;
      ++i;
    } else {
      size_t end = i;
      while (end < line.size() && !ends_token(line[end])) ++end;
      kind += masked_token(std::string_view(line).substr(i, end - i));
      i = end;
    }
  }
  return shortened(trimmed(kind), kLongestKind);
}

std::string id_of_kind(std::string_view kind) { return sha256_hex(kind).substr(0, 12); }

Gravity gravity_of(std::string_view line) {
  static const Pattern error = compiled(
      R"re(\b(ERROR|CRITICAL|FATAL|PANIC|SEVERE|EMERG|EMERGENCY|ALERT|CRIT)\b|\[(error|crit|alert|emerg)\]|^[EF], \[)re"
      R"re(|"(level|severity|levelname)": ?"?(error|fatal|critical|panic|50|60)\b|level=(error|fatal|critical|panic)\b)re"
      R"re(|^Traceback \(most recent|^(\w+(\.|::))*\w*(Error|Exception)\b( \[\w+\])?(:| \(|$)|^Uncaught |UnhandledPromise)re"
      R"re(|^panic: |Segmentation fault|segfault|core dumped|Internal Server Error)re");
  static const Pattern warning = compiled(
      R"re(\b(WARN|WARNING)\b|\[warn\]|^W, \[|"(level|severity|levelname)": ?"?(warn|warning|40)\b|level=warn|Warning: )re");
  line = line.substr(0, kLongestLine);
  if (error.found_in(line)) return Gravity::kError;
  return warning.found_in(line) ? Gravity::kWarning : Gravity::kPlain;
}

std::optional<WallTime> time_of(std::string_view line, int zone) {
  static const Pattern iso =
      compiled(R"((\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?: ?(Z|[+-]\d\d:?\d\d))?)");
  static const Pattern access = compiled(R"((\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4}))");
  line = line.substr(0, 256);
  const auto number = [](std::string_view text) { return std::atoi(std::string(text).c_str()); };
  int year, month, day, hour, minute, second;
  std::string_view said;
  if (const auto at = iso.groups_in(line); !at.empty()) {
    year = number(at[1]), month = number(at[2]), day = number(at[3]);
    hour = number(at[4]), minute = number(at[5]), second = number(at[6]);
    said = at[7];
  } else if (const auto in = access.groups_in(line); !in.empty()) {
    const size_t found = std::string_view("JanFebMarAprMayJunJulAugSepOctNovDec").find(in[2]);
    if (found == std::string_view::npos || found % 3 != 0) return std::nullopt;
    year = number(in[3]), month = static_cast<int>(found / 3) + 1, day = number(in[1]);
    hour = number(in[4]), minute = number(in[5]), second = number(in[6]);
    said = in[7];
  } else {
    return std::nullopt;
  }
  if (said == "Z") zone = 0;
  if (said.size() >= 5)
    zone = (said[0] == '-' ? -1 : 1) * (number(said.substr(1, 2)) * 60 + number(said.substr(said.size() - 2)));
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::time_point_cast<Millis>(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute - zone) + std::chrono::seconds(second);
}

std::string_view lines_since(std::string_view text, WallTime since, int zone) {
  size_t start = 0;
  bool any = false;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const auto at = time_of(text.substr(start, end - start), zone);
    any = any || at.has_value();
    if (at && *at >= since) return text.substr(start);
    start = end + 1;
  }
  return any ? std::string_view() : text;
}

}  // namespace backout

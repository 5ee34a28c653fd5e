#include "host/shim.h"

#include <charconv>

#include "base/hash.h"
#include "base/text.h"

namespace backout::host {
namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

bool is_environment_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_word_byte(c) && c != '.' && c != '-'; });
}

Result<void> check(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) return Error{Code::kInvalid, "a command without a program", ""};
  for (const std::string& word : command.argv)
    if (has_nul(word)) return Error{Code::kInvalid, "a command's argument holds a NUL byte: " + one_line(word), ""};
  if (has_nul(command.cwd)) return Error{Code::kInvalid, "a directory's name holds a NUL byte", ""};
  for (const auto& [name, value] : command.env) {
    if (!is_environment_name(name)) return Error{Code::kInvalid, "not an environment variable: " + one_line(name), ""};
    if (has_nul(value)) return Error{Code::kInvalid, "the environment variable " + name + " holds a NUL byte", ""};
  }
  if (command.user.starts_with('-') || !std::all_of(command.user.begin(), command.user.end(), is_word_byte))
    return Error{Code::kInvalid, "not a user's name: " + one_line(command.user), ""};
  return {};
}

/// For printf %b: the only form in which a shell can carry a NUL byte.
std::string with_escapes(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (const char c : raw) {
    if (c == '\\')
      text += "\\\\";
    else if (c == '\0')
      text += "\\0000";
    else
      text += c;
  }
  return text;
}

}  // namespace

const std::string& shim_name() {
  static const std::string name = "attempt-" + sha256_hex(shim_text()).substr(0, 16) + ".sh";
  return name;
}

std::string escaped_site(std::string_view site) {
  std::string name;
  for (const char c : site) {
    if (is_word_byte(c) && !(c == '.' && name.empty()))
      name += c;
    else
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return name;
}

bool is_attempt_id(std::string_view id) {
  return !id.empty() && id.size() <= 200 && id[0] != '.' && id[0] != '-' &&
         std::all_of(id.begin(), id.end(), is_word_byte);
}

Order::Order(std::string nonce) : nonce_(std::move(nonce)) { set("nonce", nonce_); }

Order& Order::set(std::string_view name, std::string_view value) {
  text_ += fmt::format("bo_{}={}\n", name, shell_quoted(value));
  return *this;
}

Order& Order::set(std::string_view name, int64_t value) { return set(name, std::to_string(value)); }

Order& Order::add(const Guard& guard) {
  return set("name", escaped_site(guard.site)).set("journal", one_line(guard.journal)).set("token", guard.token);
}

Result<void> Order::add(const Command& command) {
  TRY_VOID(check(command));
  std::string env;
  for (const auto& [name, value] : command.env) env += fmt::format("export {}={}\n", name, shell_quoted(value));
  set("user", command.user).set("cwd", command.cwd).set("env", env);
  set("lines", std::count(env.begin(), env.end(), '\n'));
  if (!command.stdin_text.empty()) set("stdin", with_escapes(command.stdin_text));
  set("blocks", static_cast<int64_t>(command.output_limit / 512 + 1));  // more than the limit, so that a cut shows
  text_ += "set --";
  for (const std::string& word : command.argv) text_ += " " + shell_quoted(word);
  text_ += "\n";
  return {};
}

std::string Order::text() const { return text_ + "bo_complete=1\n"; }

Answer::Answer(std::string nonce, OnLine on_line, OnBytes on_bytes)
    : nonce_(std::move(nonce)), on_line_(std::move(on_line)), on_bytes_(std::move(on_bytes)) {}

void Answer::give(std::string_view bytes) {
  if (!bytes.empty() && stream_ != Stream::kNone && on_bytes_) on_bytes_(stream_ == Stream::kErr, bytes);
}

void Answer::feed(std::string_view bytes) {
  held_ += bytes;
  std::string_view rest = held_;
  for (;;) {
    const size_t at = rest.find(nonce_);
    if (at == std::string_view::npos) break;
    const size_t end = rest.find('\n', at);
    if (end == std::string_view::npos) {  // a line that has not come whole
      give(rest.substr(0, at));
      held_ = std::string(rest.substr(at));
      return;
    }
    give(rest.substr(0, at));
    const std::string_view line = rest.substr(at + nonce_.size(), end - at - nonce_.size());
    const size_t space = line.find(' ');
    const std::string_view word = line.substr(0, space);
    stream_ = word == "out" || word == "begin" ? Stream::kOut : word == "err" ? Stream::kErr : Stream::kNone;
    if (on_line_) on_line_(word, space == std::string_view::npos ? "" : line.substr(space + 1));
    rest.remove_prefix(end + 1);
  }
  // Keep back only what may become a nonce.
  size_t keep = std::min(rest.size(), nonce_.size() - 1);
  while (keep > 0 && !nonce_.starts_with(rest.substr(rest.size() - keep))) --keep;
  give(rest.substr(0, rest.size() - keep));
  held_ = std::string(rest.substr(rest.size() - keep));
}

void Kept::add(std::string_view more, size_t limit) {
  const size_t room = limit - std::min(limit, bytes.size());
  bytes += more.substr(0, room);
  if (more.size() > room) truncated = true;
}

Result<void> read_status(std::string_view line, CommandResult& result) {
  const Error corrupt{Code::kCorrupt, "an attempt's status is not whole: " + shortened(one_line(line), 200), ""};
  int64_t timed_out = 0, took = 0, exit_status = 0, signal = 0;
  bool whole = false;
  int fields = 0;
  for (const std::string& part : split(trimmed(line), ' ')) {
    if (part == "end") whole = true;
    const size_t equals = part.find('=');
    if (equals == std::string::npos) continue;
    int64_t value = 0;
    const char* const last = part.data() + part.size();
    const auto parsed = std::from_chars(part.data() + equals + 1, last, value);
    if (parsed.ec != std::errc() || parsed.ptr != last) return corrupt;
    const std::string_view name = std::string_view(part).substr(0, equals);
    if (name == "exit") exit_status = value, ++fields;
    if (name == "signal") signal = value, ++fields;
    if (name == "took_ms") took = value, ++fields;
    if (name == "timed_out") timed_out = value, ++fields;
  }
  if (!whole || fields != 4) return corrupt;
  result.exit_status = static_cast<int>(exit_status);
  result.signal = static_cast<int>(signal);
  result.timed_out = timed_out != 0;
  result.took = Millis(took);
  return {};
}

}  // namespace backout::host

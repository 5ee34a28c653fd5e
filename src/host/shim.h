// The attempt shim (host/attempt.sh) as this program carries it, and how it is spoken to: an Order goes in on its
// standard input, an Answer comes back on its standard output. docs/formats/target.md is the contract of both. Pure.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/host.h"

namespace backout::host {

/// The script, as it lies at the target.
std::string_view shim_text();
/// Its file name there: it holds the content's hash, so that programs of different versions do not disturb each other.
const std::string& shim_name();

/// The name of a site's directory at a target: bytes other than A-Z a-z 0-9 . _ - as %XX, and a leading dot too.
std::string escaped_site(std::string_view site);
/// Bytes that an attempt id may have, and that make it one word everywhere: [A-Za-z0-9._-], not beginning with a dot.
bool is_attempt_id(std::string_view id);

/// What one call of the shim is told: assignments that it evaluates.
class Order {
 public:
  /// `nonce` begins each line of the answer; the command never sees it.
  explicit Order(std::string nonce);
  const std::string& nonce() const { return nonce_; }

  Order& set(std::string_view name, std::string_view value);
  Order& set(std::string_view name, int64_t value);
  Order& add(const Guard& guard);
  /// kInvalid: no argv, a NUL byte, a name that no environment can have, a user that is none.
  Result<void> add(const Command& command);
  /// The text to send. Complete, so that the shim can tell it from one that was cut off.
  std::string text() const;

 private:
  std::string nonce_, text_;
};

/// Takes an answer apart as it comes, in pieces of any size. What stands before the first line (a login script's
/// chatter) is dropped. Not thread-safe.
class Answer {
 public:
  using OnLine = std::function<void(std::string_view word, std::string_view rest)>;
  using OnBytes = std::function<void(bool is_error, std::string_view bytes)>;
  Answer(std::string nonce, OnLine on_line, OnBytes on_bytes);
  void feed(std::string_view bytes);

 private:
  void give(std::string_view bytes);

  std::string nonce_, held_;
  OnLine on_line_;
  OnBytes on_bytes_;
  enum class Stream { kNone, kOut, kErr } stream_ = Stream::kNone;
};

/// One stream of output kept up to a limit.
struct Kept {
  std::string bytes;
  bool truncated = false;
  void add(std::string_view more, size_t limit);
};

/// Reads "exit=3 signal=0 took_ms=120 timed_out=0 end" into `result`. kCorrupt when it is not whole.
Result<void> read_status(std::string_view line, CommandResult& result);

}  // namespace backout::host

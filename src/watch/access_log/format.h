// Format: a log format compiled to a list of "up to this text" moves, so that a line costs a handful of byte searches.
//
// Understood: "common", "combined", "vhost_combined"; nginx log_format strings ($variable, ${variable}); Apache
// LogFormat strings (%h %{X-Forwarded-For}i %D ...); "json": one object a line, by key. Immutable and thread-safe.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "watch/access_log/fields.h"
#include "watch/access_log/json_line.h"

namespace backout::watch {

/// Which variable (or key) is what; empty: the usual one.
struct Naming {
  std::string client, release, status, duration, time;
};

class Format {
 public:
  /// kInvalid: cannot be told apart, has no status or no time, names a variable that the format does not have.
  static Result<Format> compile(const std::string& text, const Naming& naming);

  /// The wanted pieces of one line (without its newline). False: the line is not of this format.
  bool parse(std::string_view line, Fields& fields) const {
    return is_json_ ? json_.parse(line, fields) : take_line(line.data(), line.data() + line.size(), fields) != nullptr;
  }
  bool is_json() const { return is_json_; }
  /// The same where lines follow one another, for formats that are not JSON: returns what stands behind the line's end,
  /// or null, and then the end is to be looked for. So it is, too, when the status or the time turn out to be none:
  /// their length is taken for granted.
  const char* take_line(const char* begin, const char* end, Fields& fields) const {
    return take_(*this, begin, end, fields);
  }

  bool has(Column column) const { return has_[static_cast<size_t>(column)]; }
  TimeForm time_form() const { return time_form_; }
  /// The time is that of the answer (nginx), not of the request (Apache).
  bool time_is_end() const { return time_is_end_; }
  DurationUnit duration_unit() const { return duration_unit_; }

 private:
  friend class FormatCompiler;
  struct Move {
    explicit Move(Column its, std::string behind);
    bool ends_at(const char* at, const char* end) const;
    Column column;
    bool quoted = false;                    // a backslash takes the meaning from the quote that ends it
    bool keep = false;                      // `until` belongs to the next field: "$host$request_uri"
    bool seconds = false;                   // nearly always "0.123"
    uint8_t width = 0;                      // how long the field nearly always is; 0: it varies
    char first;                             // of `until`
    uint64_t word = 0, mask = 0;            // the first bytes of `until`, to be compared at once
    uint64_t dash_word = 0, dash_mask = 0;  // "-" and `until`: most fields that are not wanted are empty
    std::string until;                      // what stands behind the field; empty: the end of the line
  };

  template <class Find>
  static const char* walk(const Format& format, const char* begin, const char* end, Fields& fields);
  static const char* take_base(const Format& format, const char* begin, const char* end, Fields& fields);
  static const char* take_avx2(const Format& format, const char* begin, const char* end, Fields& fields);
  using Take = const char* (*)(const Format&, const char*, const char*, Fields&);
  static Take best_take();

  Take take_ = best_take();
  std::string start_;  // what stands before the first field
  std::vector<Move> moves_;
  JsonLine json_;
  bool is_json_ = false, time_is_end_ = true;
  std::array<bool, kColumns> has_{};
  TimeForm time_form_ = TimeForm::kLocal;
  DurationUnit duration_unit_ = DurationUnit::kSeconds;
};

}  // namespace backout::watch

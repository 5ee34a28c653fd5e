// JsonLine: wanted values of one JSON object on a line, by key, without making the object. Keys of objects inside are
// written "request.uri". Texts with escapes are unescaped into a buffer of the calling thread, which lives until the
// next line is parsed. Immutable and thread-safe.
#pragma once
#include <string>
#include <vector>

#include "watch/access_log/fields.h"

namespace backout::watch {

class JsonLine {
 public:
  /// Where several keys stand for one column, the first that was added wins when it is there.
  void want(std::string key, Column column, DurationUnit unit = DurationUnit::kSeconds);
  /// False: no JSON object, or one that is cut off.
  bool parse(std::string_view line, Fields& fields) const;

 private:
  struct Wanted {
    std::string key;
    Column column;
    DurationUnit unit;
  };
  struct Walk;
  std::vector<Wanted> wanted_;
  bool nested_ = false;
};

}  // namespace backout::watch

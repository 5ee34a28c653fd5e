// Lines: error lines as votes of the clock. A log has no count of what went well, but it has seconds: one with an error
// line is a bad vote, one without a good vote, however many lines it has. What was usual is told by the lines before
// the cutover. Where none was told, nothing is said: it may be a source that does not look back, of an application that
// always wrote errors. (New kinds of lines are then the evidence: witnesses.h.)
#pragma once
#include <optional>
#include <span>

#include "decide/detector/baseline.h"
#include "decide/detector/e_detector.h"
#include "decide/detector/told.h"

namespace backout::decide {

class Lines {
 public:
  Lines(Tolerance tolerance, Stakes stakes) : tolerance_(tolerance), stakes_(stakes) {}

  /// A line of before the cutover. Only while none of after it has come.
  void before(WallTime at);
  /// A look that was not blind saw error lines in these seconds (ascending, each once), and all until `now`.
  void look(std::span<const WallTime> seconds, WallTime now, WallTime cutover);

  /// Nothing until the first error line, and if none was told of before the cutover.
  const std::optional<EDetector>& detector() const { return detector_; }
  double usual() const { return usual_; }

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  void begin(WallTime cutover);
  Tolerance tolerance_;
  Stakes stakes_;
  int64_t before_ = 0;
  WallTime before_first_{}, before_last_{};
  WallTime clock_{};  // seconds before it were counted
  Told told_;
  double usual_ = 0;
  std::optional<EDetector> detector_;
};

}  // namespace backout::decide

// Generation: one file of a log's life, from its creation until rotation has made the last of it: which file it is, how
// far it was read, and by what it is known again under another name, copied, or compressed.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"
#include "watch/access_log/log_files.h"

namespace backout::watch {

/// A hash of a few bytes: the first of a file, or those before the place up to which it was read.
struct Print {
  uint32_t length = 0;
  uint64_t hash = 0;
  bool operator==(const Print&) const = default;
};
Print print_of(std::string_view bytes);
inline constexpr size_t kHead = 1024, kTail = 256;

/// Takes what was read.
class LineSink {
 public:
  virtual ~LineSink() = default;
  /// Whole lines; the last may lack its newline when no more will come.
  virtual void take(std::string_view lines) = 0;
  /// A line that was too long.
  virtual void take_broken() = 0;
  /// The second of a line; empty: it is none.
  virtual std::optional<int64_t> second_of(std::string_view line) = 0;
};

struct Generation {
  uint64_t device = 0, inode = 0;  // 0, 0: its file is not known
  uint64_t offset = 0;             // all before was taken; the start of a line
  Print head, tail;                // of its first bytes, of those before `offset`
  bool skipping = false;           // in the middle of a line that is too long
  bool packed = false;             // compressed by now, and read to its end
  bool current = false;            // had the log's own name at the last look
  uint64_t size = 0;               // at the last look
  int64_t modified_ms = 0;
  int64_t gone_ms = 0;  // since when its file is not known; 0: it is

  bool is(const os::FileSight& sight) const { return inode != 0 && device == sight.device && inode == sight.inode; }
  void becomes(const os::FileSight& sight) {
    device = sight.device;
    inode = sight.inode;
    gone_ms = 0;
  }
};
Json to_json(const Generation& generation);
Generation generation_from_json(const Json& value);

/// Whether the file still begins, and goes on before the place read to, as it did. Reads at most kHead + kTail bytes.
Result<bool> is_same(const Generation& generation, LogBytes& bytes);

/// Remembers the first bytes, as many as are there.
Result<void> learn_head(Generation& generation, LogBytes& bytes);

enum class ReadEnd { kAtEnd, kInterrupted, kReplaced };
/// Takes whole lines from generation.offset on. After each block it is looked again whether the file is still the same:
/// what was read of one that was truncated meanwhile is not taken (kReplaced). `more` is asked before each block.
Result<ReadEnd> read_on(Generation& generation, LogBytes& bytes, std::string& buffer, LineSink& sink,
                        const std::function<bool(size_t)>& more);
/// What stands behind the last newline, when no more will come.
Result<void> read_rest(Generation& generation, LogBytes& bytes, LineSink& sink);

/// The first line of `second` or later: its offset. By halving, so that a large log costs a few blocks.
Result<uint64_t> place_of_second(LogBytes& bytes, uint64_t size, int64_t second, LineSink& sink);

}  // namespace backout::watch

// Follower: a log read on through whatever rotation does to it: renamed and made anew, copied and truncated, truncated,
// compressed, reopened late. What was written is taken once: neither lost nor taken twice, as long as the generation in
// which it stands is still there under a name that rotation gives.
//
// The position is JSON: each generation followed, by device, inode and a hash of its first bytes and of those before
// the place read to. It can be carried on by another process; what was not in a returned position is read again.
#pragma once
#include <stop_token>

#include "watch/access_log/generation.h"

namespace backout::watch {

class Follower {
 public:
  Follower(LogFiles& files, const Json& position, int64_t now_ms);

  /// Reads on, oldest generation first. At the first look (position null) begins at the first line of `first_second`,
  /// in the log before this one too. Ends when all is read, after about `span`, or when stopped.
  /// Errors: the host does not answer.
  Result<void> look(LineSink& sink, int64_t first_second, Millis span, const std::stop_token& stop);

  Json position() const;
  const std::string& blind() const { return blind_; }
  const std::vector<std::string>& remarks() const { return remarks_; }
  uint64_t behind() const { return behind_; }  // bytes that are there and were not read

 private:
  struct Found {  // a listed file, and the generation that it is
    LogName name;
    size_t generation;
    std::unique_ptr<LogBytes> bytes;
  };
  Result<void> match_known(const LogListing& listing, std::vector<LogName>& fresh);
  Result<bool> is_copy_of(size_t which, LogBytes& bytes);
  Result<void> match_fresh(const LogName& name, bool is_current);
  Result<void> first_look(const LogListing& listing, LineSink& sink, int64_t first_second);
  Result<bool> begin_at_second(const LogName& name, bool is_current, LineSink& sink, int64_t first_second);
  Result<void> take_packed(const LogName& name, Generation& generation);
  Result<std::string> head_of(LogBytes& bytes, const LogName& name);
  Result<void> read_all(LineSink& sink, Millis span, const std::stop_token& stop);
  void forget_old();
  void add(const LogName& name, std::unique_ptr<LogBytes> bytes, Generation generation);

  LogFiles& files_;
  const int64_t now_ms_;
  bool first_ = true;
  int64_t newest_ms_ = 0;   // of the last look: what rotation made since then was changed after it
  int64_t missing_ms_ = 0;  // since when the log is not there; 0: it is
  std::vector<Generation> generations_;
  std::vector<Found> to_read_;
  std::string blind_;
  std::vector<std::string> remarks_;
  uint64_t behind_ = 0;
  LineSink* sink_ = nullptr;
};

}  // namespace backout::watch

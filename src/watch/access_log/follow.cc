#include "watch/access_log/follow.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "watch/access_log/gunzip.h"

namespace backout::watch {
namespace {

constexpr int64_t kLateReopen = 10'000;     // ms that a log may be missing, between rename and reopening
constexpr int64_t kLookFor = 10'000;        // ms that a generation without a file is looked for
constexpr int64_t kKeep = 600'000;          // ms that one is kept in mind, to be known when it is compressed
constexpr int64_t kQuiet = 5'000;           // ms after which a file is not in the middle of being copied
constexpr int64_t kWatermarkSlack = 2'000;  // ms
constexpr size_t kMostGenerations = 64;
constexpr size_t kMostBefore = 3;  // logs before this one that the first look reads
constexpr uint64_t kMostUnpacked = 4ULL << 30;

bool is_packed(const LogName& name) { return name.path.ends_with(".gz"); }

/// Whether a file that begins so may be that generation's content.
bool begins_as(const Generation& generation, std::string_view head) {
  return generation.head.length > 0 && generation.head.length <= head.size() &&
         print_of(head.substr(0, generation.head.length)) == generation.head;
}

/// Takes the lines of a text that comes in pieces.
class PiecesToLines {
 public:
  explicit PiecesToLines(LineSink& sink) : sink_(sink) {}
  void take(std::string_view piece) {
    const size_t end = piece.rfind('\n');
    if (end == std::string_view::npos) {
      if (rest_.size() < (1U << 20)) rest_ += piece;
      return;
    }
    if (!rest_.empty()) {
      const size_t first = piece.find('\n') + 1;
      rest_ += piece.substr(0, first);
      rest_.size() < (1U << 20) ? sink_.take(rest_) : sink_.take_broken();
      rest_.clear();
      if (first <= end) sink_.take(piece.substr(first, end + 1 - first));
    } else {
      sink_.take(piece.substr(0, end + 1));
    }
    rest_ = piece.substr(end + 1);
  }
  void end() {
    if (!rest_.empty()) sink_.take(rest_);
  }

 private:
  LineSink& sink_;
  std::string rest_;
};

}  // namespace

Follower::Follower(LogFiles& files, const Json& position, int64_t now_ms) : files_(files), now_ms_(now_ms) {
  if (!position.is_object()) return;
  first_ = false;
  newest_ms_ = get_int(position, "newest_ms");
  missing_ms_ = get_int(position, "missing_ms");
  for (const Json& each : get(position, "files")) generations_.push_back(generation_from_json(each));
}

Json Follower::position() const {
  Json list = Json::array();
  for (const Generation& each : generations_) list.push_back(to_json(each));
  return {{"files", std::move(list)}, {"newest_ms", newest_ms_}, {"missing_ms", missing_ms_}};
}

Result<void> Follower::look(LineSink& sink, int64_t first_second, Millis span, const std::stop_token& stop) {
  sink_ = &sink;
  const LogListing listing = TRY(files_.list());
  int64_t newest = first_ && !listing.current ? now_ms_ : newest_ms_;
  for (const LogName& each : listing.rotated) newest = std::max(newest, each.sight.modified_ms);
  if (listing.current) newest = std::max(newest, listing.current->sight.modified_ms);
  if (!listing.current) {
    if (missing_ms_ == 0) missing_ms_ = now_ms_;
    if (first_ || listing.why_not.code != Code::kNotFound || now_ms_ - missing_ms_ >= kLateReopen)
      blind_ = one_line(listing.why_not.message);
  } else {
    missing_ms_ = 0;
  }
  if (first_) {
    if (listing.current) TRY_VOID(first_look(listing, sink, first_second));
  } else {
    std::vector<LogName> fresh;
    TRY_VOID(match_known(listing, fresh));
    // The log itself first: what is a copy of it is known by its first bytes.
    const auto is_current = [&](const LogName& each) { return listing.current && each.path == listing.current->path; };
    std::stable_partition(fresh.begin(), fresh.end(), is_current);
    for (const LogName& each : fresh) TRY_VOID(match_fresh(each, is_current(each)));
  }
  TRY_VOID(read_all(sink, span, stop));
  newest_ms_ = newest;
  forget_old();
  return {};
}

void Follower::add(const LogName& name, std::unique_ptr<LogBytes> bytes, Generation generation) {
  generation.becomes(name.sight);
  generation.size = name.sight.size;
  generation.modified_ms = name.sight.modified_ms;
  generations_.push_back(generation);
  to_read_.push_back({name, generations_.size() - 1, std::move(bytes)});
}

/// Gives each listed file that is known its generation, and says which are not.
Result<void> Follower::match_known(const LogListing& listing, std::vector<LogName>& fresh) {
  std::vector<LogName> all = listing.rotated;
  if (listing.current) all.push_back(*listing.current);
  std::vector<bool> seen(generations_.size(), false);
  for (const LogName& name : all) {
    const bool is_current = listing.current && name.path == listing.current->path;
    const auto at = std::find_if(generations_.begin(), generations_.end(),
                                 [&](const Generation& each) { return each.is(name.sight); });
    if (at == generations_.end()) {
      fresh.push_back(name);
      continue;
    }
    const auto which = static_cast<size_t>(at - generations_.begin());
    if (seen[which]) continue;  // two names of one file
    seen[which] = true;
    at->gone_ms = 0;
    if (at->packed) continue;
    if (!is_current && at->size == name.sight.size && at->modified_ms == name.sight.modified_ms &&
        at->offset == at->size && !at->current)
      continue;  // at rest
    auto bytes = files_.open(name, at->offset);
    if (!bytes) {
      if (bytes.error().code == Code::kNotFound) continue;  // renamed since it was listed: the next look finds it
      if (is_current) blind_ = one_line(bytes.error().message);
      continue;
    }
    const os::FileSight now = TRY((*bytes)->look());
    if (now.size >= at->offset && TRY(is_same(*at, **bytes))) {
      at->current = is_current;
      if (at->head.length == 0) TRY_VOID(learn_head(*at, **bytes));
      to_read_.push_back({name, which, std::move(*bytes)});
      continue;
    }
    // Another content in the same file: it was truncated, or the inode was given anew. Where is what was before?
    at->device = at->inode = 0;
    seen[which] = false;
    fresh.push_back(name);
  }
  for (size_t i = 0; i < generations_.size(); ++i)
    if (!seen[i] && generations_[i].gone_ms == 0) generations_[i].gone_ms = now_ms_;
  return {};
}

/// The first bytes of the text of a file, packed or not.
Result<std::string> Follower::head_of(LogBytes& bytes, const LogName& name) {
  std::string head;
  if (!is_packed(name)) {
    head.resize(kHead);
    head.resize(TRY(bytes.read_at(0, head.data(), head.size())));
    return head;
  }
  TRY_VOID(gunzip(bytes, [&](std::string_view piece) {
    head += piece.substr(0, kHead - head.size());
    return head.size() < kHead;
  }));
  return head;
}

/// Whether a file that begins as a generation that is still there goes on as it does: its last bytes stand there too.
Result<bool> Follower::is_copy_of(size_t which, LogBytes& bytes) {
  const os::FileSight now = TRY(bytes.look());
  const auto found =
      std::find_if(to_read_.begin(), to_read_.end(), [&](const Found& each) { return each.generation == which; });
  if (found == to_read_.end())
    return now.size >= generations_[which].offset && TRY(is_same(generations_[which], bytes));
  std::array<char, kTail> mine, its;
  const size_t length = std::min<uint64_t>(kTail, now.size);
  const size_t got = TRY(bytes.read_at(now.size - length, mine.data(), length));
  const size_t had = TRY(found->bytes->read_at(now.size - length, its.data(), length));
  return got == had && std::equal(mine.begin(), mine.begin() + static_cast<ptrdiff_t>(got), its.begin());
}

/// A file that was not there before: a generation of its own, or the copy of one.
Result<void> Follower::match_fresh(const LogName& name, bool is_current) {
  const bool may_be_new = is_current || name.sight.modified_ms >= newest_ms_ - kWatermarkSlack;
  const bool any_gone = std::any_of(generations_.begin(), generations_.end(),
                                    [](const Generation& each) { return each.gone_ms != 0 && !each.packed; });
  if (!may_be_new && !any_gone) return {};
  auto opened = files_.open(name);
  if (!opened) {
    if (is_current && opened.error().code != Code::kNotFound) blind_ = one_line(opened.error().message);
    return {};
  }
  LogBytes& bytes = **opened;
  const auto head = head_of(bytes, name);
  if (!head) return {};  // half written; the next look sees more
  if (is_current) {
    Generation generation{.current = true};
    TRY_VOID(learn_head(generation, bytes));
    add(name, std::move(*opened), generation);
    return {};
  }
  if (head->empty()) return {};
  for (size_t i = 0; i < generations_.size(); ++i) {
    Generation& each = generations_[i];
    if (!begins_as(each, *head)) continue;
    if (each.gone_ms == 0) {  // a copy of what is still there is not read twice
      if (is_packed(name) || TRY(is_copy_of(i, bytes))) return {};
      continue;
    }
    if (is_packed(name)) return take_packed(name, each);
    Generation moved = each;
    moved.becomes(name.sight);
    moved.current = false;
    const os::FileSight now = TRY(bytes.look());
    if (each.inode == 0 && now.size < moved.offset) {  // copied, read on, truncated: all of the copy was read
      moved.offset = now.size;
      moved.tail = {};
    } else if (now.size < moved.offset || !TRY(is_same(moved, bytes))) {
      continue;
    }
    each = moved;
    to_read_.push_back({name, i, std::move(*opened)});
    return {};
  }
  if (!may_be_new) return {};
  const bool may_be_half = std::any_of(generations_.begin(), generations_.end(), [&](const Generation& each) {
    return each.head.length > head->size() && now_ms_ - name.sight.modified_ms < kQuiet;
  });
  if (may_be_half) return {};
  if (is_packed(name)) {
    generations_.push_back({});
    return take_packed(name, generations_.back());
  }
  add(name, std::move(*opened), {});
  return {};
}

/// The rest of a generation from its compressed form.
Result<void> Follower::take_packed(const LogName& name, Generation& generation) {
  auto bytes = files_.open(name);
  if (!bytes) return {};
  Generation done = generation;
  done.becomes(name.sight);
  done.size = name.sight.size;
  done.modified_ms = name.sight.modified_ms;
  done.packed = true;
  const auto length = gunzipped_size(**bytes, name.sight.size);
  if (!length) return {};
  if (name.sight.size > kLargestPacked) {
    remarks_.push_back(
        fmt::format("{} was compressed before it was read, and is too large to be unpacked", one_line(name.path)));
  } else if (*length != static_cast<uint32_t>(done.offset)) {
    // All of it is gone through before anything is taken: a file that is cut off gives nothing.
    uint64_t at = 0;
    const auto whole = gunzip(**bytes, [&](std::string_view piece) {
      at += piece.size();
      return at < kMostUnpacked;
    });
    if (!whole) return {};
    PiecesToLines lines(*sink_);
    at = 0;
    TRY_VOID(gunzip(**bytes, [&](std::string_view piece) {
      const uint64_t start = at;
      at += piece.size();
      if (at <= done.offset) return true;
      lines.take(start >= done.offset ? piece : piece.substr(done.offset - start));
      return at < kMostUnpacked;
    }));
    lines.end();
    done.offset = at;
  }
  generation = done;
  return {};
}

/// The first look at one file: from the first line of `first_second`. True: it has no line before that.
Result<bool> Follower::begin_at_second(const LogName& name, bool is_current, LineSink& sink, int64_t first_second) {
  if (is_packed(name)) {
    generations_.push_back({});
    TRY_VOID(take_packed(name, generations_.back()));
    return true;
  }
  auto bytes = files_.open(name);
  if (!bytes) {
    if (is_current) blind_ = one_line(bytes.error().message);
    return false;
  }
  Generation generation{.current = is_current};
  generation.offset = TRY(place_of_second(**bytes, name.sight.size, first_second, sink));
  TRY_VOID(learn_head(generation, **bytes));
  const bool from_start = generation.offset == 0;
  add(name, std::move(*bytes), generation);
  return from_start;
}

Result<void> Follower::first_look(const LogListing& listing, LineSink& sink, int64_t first_second) {
  if (!TRY(begin_at_second(*listing.current, true, sink, first_second))) return {};
  size_t count = 0;
  for (auto at = listing.rotated.rbegin(); at != listing.rotated.rend() && count < kMostBefore; ++at, ++count) {
    if (at->sight.modified_ms / 1000 < first_second) break;
    if (!TRY(begin_at_second(*at, false, sink, first_second))) break;
  }
  return {};
}

Result<void> Follower::read_all(LineSink& sink, Millis span, const std::stop_token& stop) {
  const auto began = std::chrono::steady_clock::now();
  uint64_t read = 0;
  bool goes_on = true;
  const auto more = [&](size_t last) {
    read += last;
    goes_on =
        goes_on && !stop.stop_requested() && read < files_.budget() && std::chrono::steady_clock::now() - began < span;
    return goes_on;
  };
  std::stable_sort(to_read_.begin(), to_read_.end(), [&](const Found& a, const Found& b) {
    const bool a_current = generations_[a.generation].current, b_current = generations_[b.generation].current;
    return a_current != b_current ? b_current : a.name.sight.modified_ms < b.name.sight.modified_ms;
  });
  std::string buffer(files_.block(), '\0');
  for (Found& found : to_read_) {
    Generation& generation = generations_[found.generation];
    const ReadEnd end = TRY(read_on(generation, *found.bytes, buffer, sink, more));
    const os::FileSight now = TRY(found.bytes->look());
    generation.size = now.size;
    generation.modified_ms = now.modified_ms;
    if (end == ReadEnd::kInterrupted && now.size > generation.offset) behind_ += now.size - generation.offset;
    if (end != ReadEnd::kAtEnd || now.size <= generation.offset) continue;
    if (!generation.current && now_ms_ - now.modified_ms > kLookFor)
      TRY_VOID(read_rest(generation, *found.bytes, sink));  // its last line has no end, and will get none
  }
  return {};
}

void Follower::forget_old() {
  std::vector<Generation> kept;
  for (Generation& each : generations_) {
    if (each.gone_ms != 0 && each.current && now_ms_ - each.gone_ms >= kLookFor) {
      remarks_.push_back(fmt::format("a log was replaced, and what was written to it after {} is not to be found",
                                     to_hms(wall_from_millis(each.modified_ms))));
      each.current = false;  // told once
    }
    const bool old =
        each.gone_ms != 0 ? now_ms_ - each.gone_ms > kKeep : !each.current && each.modified_ms < newest_ms_ - 6 * kKeep;
    if (!old) kept.push_back(each);
  }
  std::stable_sort(kept.begin(), kept.end(), [](const Generation& a, const Generation& b) {
    return a.current != b.current ? b.current : a.modified_ms < b.modified_ms;
  });
  // Of too many the oldest go: a file that was changed so long ago is not taken for a new one.
  const auto too_many = kept.size() > kMostGenerations ? kept.end() - kMostGenerations : kept.begin();
  const auto first = std::find_if(kept.begin(), too_many, [&](const Generation& each) {
    return each.modified_ms >= newest_ms_ - 2 * kWatermarkSlack;
  });
  kept.erase(kept.begin(), first);
  generations_ = std::move(kept);
}

}  // namespace backout::watch

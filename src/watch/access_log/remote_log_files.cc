#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "watch/access_log/log_files.h"

namespace backout::watch {
namespace {

constexpr uint64_t kRemoteBudget = 8ULL << 20;
constexpr size_t kRemoteBlock = 2U << 20;
constexpr uint64_t kWindow = 2048;  // bytes before a place that are fetched with it: what is compared lies there
constexpr Millis kLookTimeout{15'000};

/// list PATH: for PATH and each file beside it whose name begins as its own up to the last dot: "DEVICE INODE SIZE
/// CHANGED NAME", NUL at the end. A PATH that is missing, no file or not readable: "! WHY" first.
/// read PATH DEVICE INODE OFFSET LENGTH: "DEVICE INODE SIZE CHANGED\n" of the file that PATH is now, and the bytes if
/// it is the one asked for; after them its first 1024. Changes nothing, and never waits for a named pipe.
constexpr const char* kLogFilesScript = R"sh(
LC_ALL=C; export LC_ALL
act=$1 path=$2
why=
if [ -d "$path" ]; then why='is a directory, not a file'
elif [ ! -e "$path" ]; then why=missing
elif [ ! -f "$path" ]; then why='is no regular file'
elif [ ! -r "$path" ]; then why='may not be read'; fi
if [ "$act" = list ]; then
  dir=${path%/*} base=${path##*/}
  stem=${base%.*}
  if [ -n "$why" ]; then printf '! %s\0' "$why"; fi
  for each in "${dir:-}/${stem:-$base}"*; do
    if [ -f "$each" ] && [ -r "$each" ]; then stat -L --printf '%d %i %s %Y %n\0' -- "$each"; fi
  done
  exit 0
fi
[ -z "$why" ] || exit 3
exec 3<"$path" || exit 3
stat -L -c '%d %i %s %Y' /dev/fd/3
[ "$(stat -L -c '%d %i' /dev/fd/3)" = "$3 $4" ] || exit 0
tail -c "+$(($5 + 1))" <&3 2>/dev/null | head -c "$6"
[ "$5" = 0 ] || head -c 1024 </dev/fd/3
)sh";

int64_t plain_number(std::string_view text) {
  int64_t value = 0;
  for (const char c : text)
    if (c >= '0' && c <= '9' && value < INT64_MAX / 16) value = value * 10 + (c - '0');
  return value;
}

/// "DEVICE INODE SIZE CHANGED", and what stands behind it.
std::optional<os::FileSight> sight_from(std::string_view& text) {
  std::array<int64_t, 4> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t end = text.find_first_of(" \n");
    if (end == 0 || text.empty()) return std::nullopt;
    numbers[i] = plain_number(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return os::FileSight{.device = static_cast<uint64_t>(numbers[0]),
                       .inode = static_cast<uint64_t>(numbers[1]),
                       .size = static_cast<uint64_t>(numbers[2]),
                       .modified_ms = numbers[3] * 1000};
}

class RemoteShell {
 public:
  RemoteShell(host::Host& host, std::stop_token stop) : host_(host), stop_(std::move(stop)) {}
  Result<std::string> ask(std::vector<std::string> words, size_t limit) {
    host::Command command = host::shell(kLogFilesScript, std::move(words));
    command.timeout = kLookTimeout;
    command.output_limit = limit;
    auto result = TRY(host_.run(command, stop_));
    if (result.ok()) return std::move(result.out);
    return Error{Code::kUnavailable, one_line(result.why_not_ok()), ""};
  }

 private:
  host::Host& host_;
  std::stop_token stop_;
};

class RemoteLogBytes : public LogBytes {
 public:
  RemoteLogBytes(RemoteShell& shell, LogName name) : shell_(shell), name_(std::move(name)) {}

  Result<void> fetch(uint64_t offset, size_t length) {
    const std::string out =
        TRY(shell_.ask({"read", name_.path, std::to_string(name_.sight.device), std::to_string(name_.sight.inode),
                        std::to_string(offset), std::to_string(length)},
                       length + 4096));
    std::string_view text = out;
    const auto sight = sight_from(text);
    if (!sight || sight->device != name_.sight.device || sight->inode != name_.sight.inode)
      return Error{Code::kNotFound, one_line(name_.path) + " is another file by now", ""};
    sight_ = *sight;
    at_ = offset;
    if (offset == 0) {
      window_ = text;
      head_ = window_.substr(0, 1024);
      return {};
    }
    const size_t head = std::min<size_t>({1024, text.size(), sight->size});
    window_ = text.substr(0, text.size() - head);
    head_ = text.substr(text.size() - head);
    return {};
  }
  Result<os::FileSight> look() override { return sight_; }
  Result<size_t> read_at(uint64_t offset, char* into, size_t length) override {
    if (offset + length <= head_.size()) {
      std::memcpy(into, head_.data() + offset, length);
      return length;
    }
    const bool has = offset >= at_ && offset + length <= at_ + window_.size();
    const bool at_end = offset >= at_ && at_ + window_.size() >= sight_.size;
    if (!has && !at_end) {
      const uint64_t from = offset < kWindow ? 0 : offset - kWindow;
      TRY_VOID(fetch(from, std::max<size_t>(length, kRemoteBlock) + (offset - from)));
    }
    if (offset < at_ || offset >= at_ + window_.size()) return size_t{0};
    const size_t got = std::min<size_t>(length, at_ + window_.size() - offset);
    std::memcpy(into, window_.data() + (offset - at_), got);
    return got;
  }

 private:
  RemoteShell& shell_;
  LogName name_;
  os::FileSight sight_;
  uint64_t at_ = 0;
  std::string window_, head_;
};

class RemoteLogFiles : public LogFiles {
 public:
  RemoteLogFiles(std::string path, host::Host& host, std::stop_token stop)
      : path_(std::move(path)), shell_(host, std::move(stop)) {}

  Result<LogListing> list() override {
    LogListing listing;
    const std::string out = TRY(shell_.ask({"list", path_}, 1U << 20));
    const std::string_view base = std::string_view(path_).substr(path_.rfind('/') + 1);
    listing.why_not = {Code::kNotFound, one_line(path_) + " is not there", ""};
    for (const std::string& line : split(out, '\0')) {
      std::string_view text = line;
      if (text.starts_with("! ")) {
        text.remove_prefix(2);
        if (text != "missing") listing.why_not = {Code::kInvalid, one_line(path_ + " " + std::string(text)), ""};
        continue;
      }
      const auto sight = sight_from(text);
      if (!sight) continue;
      if (text == path_)
        listing.current = {path_, *sight};
      else if (is_rotation_of(text.substr(text.rfind('/') + 1), base))
        listing.rotated.push_back({std::string(text), *sight});
    }
    std::stable_sort(listing.rotated.begin(), listing.rotated.end(),
                     [](const LogName& a, const LogName& b) { return a.sight.modified_ms < b.sight.modified_ms; });
    if (listing.rotated.size() > kMostRotated)
      listing.rotated.erase(listing.rotated.begin(), listing.rotated.end() - kMostRotated);
    return listing;
  }
  Result<std::unique_ptr<LogBytes>> open(const LogName& name, uint64_t near) override {
    auto bytes = std::make_unique<RemoteLogBytes>(shell_, name);
    const uint64_t from = near < kWindow ? 0 : near - kWindow;
    TRY_VOID(bytes->fetch(from, near == 0 ? kWindow : kRemoteBlock + kWindow));
    return std::unique_ptr<LogBytes>(std::move(bytes));
  }
  uint64_t budget() const override { return kRemoteBudget; }
  size_t block() const override { return kRemoteBlock; }

 private:
  std::string path_;
  RemoteShell shell_;
};

}  // namespace

std::unique_ptr<LogFiles> make_remote_log_files(std::string path, host::Host& host, std::stop_token stop) {
  return std::make_unique<RemoteLogFiles>(std::move(path), host, std::move(stop));
}

}  // namespace backout::watch

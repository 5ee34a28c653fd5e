#include "database/archive/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "os/process.h"

namespace backout::archive {
namespace {

constexpr size_t kChunk = 256U << 10;
constexpr Millis kToolTimeout{6 * 3600 * 1000LL};

Error corrupt(std::string message) { return {Code::kCorrupt, std::move(message), ""}; }

/// Remembers both ends of what goes by, and keeps to the limit.
class Meter {
 public:
  Meter(const Limits& limits, const Sink& sink, Streamed& into) : limits_(limits), sink_(sink), into_(into) {}
  Result<void> take(std::string_view bytes) {
    if (limits_.stop.stop_requested()) return Error{Code::kCancelled, "it was asked to stop", ""};
    into_.unpacked += bytes.size();
    if (limits_.unpacked != 0 && into_.unpacked > limits_.unpacked)
      return Error{Code::kNoSpace,
                   "it unpacks to more than " + bytes_for_people(limits_.unpacked) + ", which is all the room there is",
                   "make room, or look whether it is a backup at all"};
    if (into_.head.size() < kHead) into_.head.append(bytes.substr(0, kHead - into_.head.size()));
    if (bytes.size() >= kTail) {
      into_.tail = bytes.substr(bytes.size() - kTail);
    } else {
      into_.tail.append(bytes);
      if (into_.tail.size() > kTail) into_.tail.erase(0, into_.tail.size() - kTail);
    }
    return sink_ ? sink_(bytes) : Result<void>();
  }

 private:
  const Limits& limits_;
  const Sink& sink_;
  Streamed& into_;
};

/// One or more gzip members, as gunzip takes them.
class Gunzip {
 public:
  explicit Gunzip(Meter& meter) : meter_(meter), out_(kChunk, '\0') {}
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip() {
    if (open_) inflateEnd(&state_);
  }

  Result<void> take(std::string_view packed) {
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // NOLINT: zlib's own signature
    state_.avail_in = static_cast<uInt>(packed.size());
    while (state_.avail_in > 0) {
      if (ended_ && *state_.next_in == 0) {  // padding, as of a tape
        ++state_.next_in;
        --state_.avail_in;
        continue;
      }
      if (ended_ && *state_.next_in != 0x1f) return corrupt("after the end of the gzip stream comes something else");
      TRY_VOID(begin_member());
      TRY_VOID(inflate_some());
    }
    return {};
  }

  Result<void> finish() const {
    if (ended_) return {};
    return corrupt("it is cut off: the gzip stream has no end");
  }

 private:
  Result<void> begin_member() {
    if (!ended_ && open_) return {};
    Bytef* next = state_.next_in;
    const uInt left = state_.avail_in;
    if (open_) inflateEnd(&state_);
    state_ = z_stream{};
    if (inflateInit2(&state_, 16 + MAX_WBITS) != Z_OK) return Error{Code::kInternal, "zlib cannot begin", ""};
    state_.next_in = next;
    state_.avail_in = left;
    open_ = true;
    ended_ = false;
    return {};
  }
  Result<void> inflate_some() {
    int code = Z_OK;
    do {
      state_.next_out = reinterpret_cast<Bytef*>(out_.data());  // NOLINT
      state_.avail_out = static_cast<uInt>(out_.size());
      code = inflate(&state_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return corrupt(fmt::format("the gzip stream is damaged: {}", state_.msg == nullptr ? "error" : state_.msg));
      TRY_VOID(meter_.take({out_.data(), out_.size() - state_.avail_out}));
    } while (code == Z_OK && state_.avail_out == 0);
    ended_ = code == Z_STREAM_END;
    return {};
  }

  Meter& meter_;
  std::string out_;
  z_stream state_{};
  bool open_ = false, ended_ = false;
};

/// zstd is a program here: no library of it is needed for the few who use it.
Result<void> unzstd(const std::string& path, const Limits& limits, Meter& meter) {
  std::stop_source enough;
  const std::stop_callback outer(limits.stop, [&] { enough.request_stop(); });
  Result<void> taken;
  os::ProcessSpec spec{.argv = {"zstd", "-dcq", "--", path}};
  spec.timeout = kToolTimeout;
  spec.output_limit = 1;
  spec.on_stdout = [&](std::string_view bytes) {
    if (taken) taken = meter.take(bytes);
    if (!taken) enough.request_stop();
  };
  auto result = os::run_process(spec, enough.get_token());
  if (!result && result.error().code == Code::kNotFound)
    return Error{Code::kUnsupported, "zstd is not installed here, and nothing else unpacks it", "apt install zstd"};
  const auto ran = TRY(std::move(result));
  TRY_VOID(std::move(taken));
  if (!ran.ok()) return corrupt("the zstd stream is cut off or damaged: " + ran.why_not_ok());
  return {};
}

}  // namespace

Result<Streamed> stream(const std::string& path, const Limits& limits, const Sink& sink) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return errno_error(path);
  const std::unique_ptr<const int, void (*)(const int*)> closing(&fd, [](const int* each) { ::close(*each); });
  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
    return Error{Code::kInvalid, path + " is not a regular file", ""};

  Streamed streamed;
  Meter meter(limits, sink, streamed);
  Gunzip gunzip(meter);
  Sha256 sha;
  std::string chunk(kChunk, '\0');
  std::optional<Packing> packing;
  while (true) {
    const ssize_t length = ::read(fd, chunk.data(), chunk.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno_error("reading " + path);
    if (length == 0) break;
    const std::string_view bytes(chunk.data(), static_cast<size_t>(length));
    sha.update(bytes);
    if (!packing) packing = packing_of(bytes);
    switch (*packing) {
      case Packing::kNone: TRY_VOID(meter.take(bytes)); break;
      case Packing::kGzip: TRY_VOID(gunzip.take(bytes)); break;
      case Packing::kZstd: break;
      case Packing::kOther: return Error{Code::kUnsupported, "it is packed by something that is not read here", ""};
    }
  }
  if (packing == Packing::kGzip) TRY_VOID(gunzip.finish());
  if (packing == Packing::kZstd) TRY_VOID(unzstd(path, limits, meter));
  streamed.sha256 = sha.hex();
  streamed.packed = packing.value_or(Packing::kNone);
  return streamed;
}

}  // namespace backout::archive

#include "watch/access_log/gunzip.h"

#include <zlib.h>

#include <memory>

namespace backout::watch {
namespace {

constexpr size_t kPackedPiece = 64U << 10, kTextPiece = 256U << 10;

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Error no_gzip() { return {Code::kCorrupt, "is no whole gzip file", ""}; }

}  // namespace

Result<void> gunzip(LogBytes& bytes, const std::function<bool(std::string_view)>& take) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return Error{Code::kInternal, "zlib cannot be used", ""};
  const std::unique_ptr<z_stream, EndInflate> guard(&stream);
  std::string packed(kPackedPiece, '\0'), text(kTextPiece, '\0');
  bool ended = false;  // at the end of a member; another may follow
  for (uint64_t at = 0;;) {
    const size_t got = TRY(bytes.read_at(at, packed.data(), packed.size()));
    if (got == 0) break;
    at += got;
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(got);
    while (stream.avail_in > 0 || !ended) {
      if (ended) {
        if (*stream.next_in == 0) return {};  // padding
        if (inflateReset(&stream) != Z_OK) return no_gzip();
        ended = false;
      }
      stream.next_out = reinterpret_cast<Bytef*>(text.data());
      stream.avail_out = static_cast<uInt>(text.size());
      const int state = inflate(&stream, Z_NO_FLUSH);
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) return no_gzip();
      const size_t made = text.size() - stream.avail_out;
      if (made > 0 && !take({text.data(), made})) return {};
      ended = state == Z_STREAM_END;
      if (!ended && stream.avail_in == 0 && stream.avail_out > 0) break;  // needs more
      if (state == Z_BUF_ERROR && made == 0) break;
    }
  }
  if (!ended) return no_gzip();
  return {};
}

Result<uint32_t> gunzipped_size(LogBytes& bytes, uint64_t size) {
  unsigned char end[4];
  if (size < 18) return no_gzip();
  if (TRY(bytes.read_at(size - 4, reinterpret_cast<char*>(end), 4)) != 4) return no_gzip();
  return uint32_t{end[0]} | uint32_t{end[1]} << 8 | uint32_t{end[2]} << 16 | uint32_t{end[3]} << 24;
}

}  // namespace backout::watch

#include "database/archive/pg_archive.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::archive {
namespace {

constexpr size_t kBlock = 512;                         // of tar
constexpr size_t kSizeAt = 124, kSumAt = 148;          // POSIX.1-1988, ustar
constexpr size_t kCompressionAt = 11;                  // pg_backup_archiver.c: WriteHead
constexpr int kVersionWithAlgorithm = 15;              // 1.15 (PostgreSQL 16) names the algorithm, not the level
constexpr std::string_view kEndOfCopy = "\\.\n\n\n";   // pg_dump.c: dumpTableData_copy
constexpr std::string_view kEndOfInserts = ";\n\n\n";  // dumpTableData_insert

Error corrupt(std::string message) { return {Code::kCorrupt, std::move(message), ""}; }

Result<uint64_t> number_of(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {  // base 256, for what has no room else
    uint64_t value = 0;
    for (const char byte : field.substr(field.size() - 8)) value = (value << 8) | static_cast<unsigned char>(byte);
    return value;
  }
  const size_t begin = std::min(field.find_first_not_of(' '), field.size());
  uint64_t value = 0;
  const auto read = std::from_chars(field.data() + begin, field.data() + field.size(), value, 8);
  if (read.ec != std::errc()) return corrupt("a header of the tar file is damaged");
  return value;
}

/// A table's data ends in words of its own; a large object's does not, and has nothing else that shows its end.
std::string fault_of_data(const std::string& name, std::string_view tail) {
  if (name.starts_with("blob_") || tail == "\n\n" || tail.ends_with(kEndOfCopy) || tail.ends_with(kEndOfInserts))
    return "";
  return "its data file " + one_line(name) + " is cut off: the end of a table's data is not there";
}

/// "OID FILE" a line. The files of large objects that the lists name.
Result<std::set<std::string>> listed(const std::string& path, const Limits& limits) {
  std::string text;
  TRY(stream(path, limits, [&](std::string_view bytes) {
    text += bytes;
    return Result<void>();
  }));
  std::set<std::string> names;
  if (!text.empty() && !text.ends_with('\n')) return corrupt("its list of large objects is cut off");
  for (const std::string& line : split(text, '\n'))
    if (const size_t space = line.find(' '); space != std::string::npos) names.insert(line.substr(space + 1));
  return names;
}

std::string_view without_packing(std::string_view name) {
  for (const std::string_view packed : {".gz", ".lz4", ".zst"})
    if (name.ends_with(packed)) return name.substr(0, name.size() - packed.size());
  return name;
}

}  // namespace

Result<void> TarWalk::take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const size_t skipped = std::min<uint64_t>(left_, bytes.size());
      left_ -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    const size_t taken = std::min(kBlock - block_.size(), bytes.size());
    block_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (block_.size() < kBlock) continue;
    TRY_VOID(header());
    block_.clear();
  }
  return {};
}

Result<void> TarWalk::header() {
  if (block_.find_first_not_of('\0') == std::string::npos) {
    ++zeros_;
    return {};
  }
  if (zeros_ > 0) return corrupt("after the end of the tar file comes something else");
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i)
    sum += i >= kSumAt && i < kSumAt + 8 ? ' ' : static_cast<unsigned char>(block_[i]);
  const std::string_view block = block_;
  if (TRY(number_of(block.substr(kSumAt, 8))) != sum) return corrupt("a header of the tar file is damaged");
  member_ = block_.substr(0, std::min<size_t>(block_.find('\0'), 100));
  const uint64_t size = TRY(number_of(block.substr(kSizeAt, 12)));
  if (size > UINT64_MAX - kBlock) return corrupt("a header of the tar file is damaged");
  left_ = (size + kBlock - 1) / kBlock * kBlock;
  return {};
}

Result<void> TarWalk::finish() const {
  if (left_ > 0) return corrupt("it is cut off in the middle of " + one_line(member_));
  if (!block_.empty() || zeros_ < 2) return corrupt("it is cut off: the end of the tar file is not there");
  return {};
}

Result<bool> read_directory(const Found& found, const Limits& limits) {
  bool checksums = true;
  std::set<std::string> objects, named;
  for (const std::string& name : TRY(os::list_directory(found.path))) {
    const std::string path = found.path + "/" + name;
    if (name.starts_with("blobs") && name.ends_with(".toc")) named.merge(TRY(listed(path, limits)));
    const std::string_view bare = without_packing(name);
    if (!bare.ends_with(".dat") || name == "toc.dat") continue;
    if (name.starts_with("blob_")) objects.insert(std::string(bare));
    const Streamed read = TRY(stream(path, limits, {}).with_context(one_line(name)));
    const bool lz4 = name.ends_with(".lz4");
    const bool plain_object = name.starts_with("blob_") && bare == name;
    if (read.unpacked == 0 && read.packed == Packing::kNone && !plain_object)
      return corrupt("its data file " + one_line(name) + " is empty");
    if (bare != name && !lz4 && read.packed == Packing::kNone)
      return corrupt("its data file " + one_line(name) + " is damaged: it is not compressed, as its name says");
    checksums = checksums && read.packed == Packing::kGzip;
    if (const std::string fault = fault_of_data(name, read.tail); !fault.empty() && !lz4) return corrupt(fault);
  }
  for (const std::string& object : objects)
    if (!named.contains(object))
      return corrupt("the large object in " + one_line(object) + " is not in its list of them: it would be left out");
  return checksums;
}

Result<std::string> sha256_of_directory(const std::string& path) {
  std::vector<std::string> names = TRY(os::list_directory(path));
  std::sort(names.begin(), names.end());
  std::string sums;
  for (const std::string& name : names)
    sums += TRY(os::sha256_of_file(path + "/" + name)) + "  " + replaced(name, "\n", "\\n") + "\n";
  return sha256_hex(sums);
}

bool has_checksums(Kind kind, std::string_view head) {
  if (kind != Kind::kPgCustom || head.size() <= kCompressionAt + 4) return false;
  if (static_cast<unsigned char>(head[6]) >= kVersionWithAlgorithm) return head[kCompressionAt] == 1;
  return head.substr(kCompressionAt, 5).find_first_not_of('\0') != std::string_view::npos;  // the level of gzip
}

}  // namespace backout::archive

#include "watch/access_log/generation.h"

#include <algorithm>

#include "watch/access_log/scan.h"

namespace backout::watch {
namespace {

constexpr size_t kProbe = 32U << 10;
constexpr size_t kLongestRest = 64U << 10;

Json print_json(const Print& print) { return {print.length, fmt::format("{:016x}", print.hash)}; }
Print print_from(const Json& value) {
  if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() || !value[1].is_string()) return {};
  return {value[0].get<uint32_t>(), std::strtoull(value[1].get_ref<const std::string&>().c_str(), nullptr, 16)};
}
uint64_t whole(const Json& object, std::string_view key) {
  return static_cast<uint64_t>(std::max<int64_t>(get_int(object, key), 0));
}

Result<bool> has_print(LogBytes& bytes, uint64_t at, const Print& print) {
  std::array<char, kHead> buffer;
  if (print.length == 0) return true;
  if (print.length > buffer.size()) return false;
  const size_t got = TRY(bytes.read_at(at, buffer.data(), print.length));
  return got == print.length && print_of({buffer.data(), got}) == print;
}

/// The first bytes are remembered from what was taken, or read again once they are known to be the same file's.
Result<void> extend_head(Generation& generation, LogBytes& bytes) {
  std::array<char, kHead> buffer;
  const size_t length = std::min<uint64_t>(kHead, generation.offset);
  const size_t got = TRY(bytes.read_at(0, buffer.data(), length));
  const Print& known = generation.head;
  if (got < length || (known.length > 0 && !(print_of({buffer.data(), known.length}) == known))) return {};
  generation.head = print_of({buffer.data(), length});
  return {};
}

}  // namespace

Print print_of(std::string_view bytes) { return {static_cast<uint32_t>(bytes.size()), hash_of(bytes, 0)}; }

Json to_json(const Generation& generation) {
  Json value = {{"device", generation.device},          {"inode", generation.inode},
                {"offset", generation.offset},          {"head", print_json(generation.head)},
                {"tail", print_json(generation.tail)},  {"size", generation.size},
                {"modified_ms", generation.modified_ms}};
  if (generation.skipping) value["skipping"] = true;
  if (generation.packed) value["packed"] = true;
  if (generation.current) value["current"] = true;
  if (generation.gone_ms != 0) value["gone_ms"] = generation.gone_ms;
  return value;
}

Generation generation_from_json(const Json& value) {
  return {.device = whole(value, "device"),
          .inode = whole(value, "inode"),
          .offset = whole(value, "offset"),
          .head = print_from(get(value, "head")),
          .tail = print_from(get(value, "tail")),
          .skipping = get_bool(value, "skipping"),
          .packed = get_bool(value, "packed"),
          .current = get_bool(value, "current"),
          .size = whole(value, "size"),
          .modified_ms = get_int(value, "modified_ms"),
          .gone_ms = get_int(value, "gone_ms")};
}

Result<bool> is_same(const Generation& generation, LogBytes& bytes) {
  if (generation.tail.length > generation.offset) return false;
  if (!TRY(has_print(bytes, generation.offset - generation.tail.length, generation.tail))) return false;
  return has_print(bytes, 0, generation.head);
}

Result<void> learn_head(Generation& generation, LogBytes& bytes) {
  std::array<char, kHead> buffer;
  const size_t got = TRY(bytes.read_at(0, buffer.data(), buffer.size()));
  const std::string_view bytes_there(buffer.data(), got);
  // Half a line may be the beginning of many a log.
  const size_t whole = got == kHead ? got : bytes_there.rfind('\n') + 1;
  if (whole > 0 && buffer[0] != '\0') generation.head = print_of(bytes_there.substr(0, whole));
  return {};
}

Result<ReadEnd> read_on(Generation& generation, LogBytes& bytes, std::string& buffer, LineSink& sink,
                        const std::function<bool(size_t)>& more) {
  for (size_t last = 0;;) {
    if (!more(last)) return ReadEnd::kInterrupted;
    if (generation.offset == 0) {  // a writer that was not told of a truncation leaves a hole in front
      char first = '\n';
      if (TRY(bytes.read_at(0, &first, 1)) == 1 && first == '\0') generation.offset = bytes.data_from(0);
    }
    const size_t got = TRY(bytes.read_at(generation.offset, buffer.data(), buffer.size()));
    if (got == 0) return ReadEnd::kAtEnd;
    if (!TRY(is_same(generation, bytes))) return ReadEnd::kReplaced;
    last = got;
    const std::string_view block(buffer.data(), got);
    size_t taken = block.rfind('\n') + 1;  // npos + 1 is 0
    if (taken == 0) {
      if (got < buffer.size()) return ReadEnd::kAtEnd;  // half a line: the rest will come
      generation.skipping = true;
      taken = got;
    } else {
      std::string_view lines = block.substr(0, taken);
      if (generation.skipping) {
        lines.remove_prefix(lines.find('\n') + 1);
        generation.skipping = false;
        sink.take_broken();
      }
      if (!lines.empty()) sink.take(lines);
    }
    if (generation.offset == 0 && generation.head.length < std::min(taken, kHead))
      generation.head = print_of(block.substr(0, std::min(taken, kHead)));
    generation.offset += taken;
    generation.tail = print_of(block.substr(taken - std::min(taken, kTail), std::min(taken, kTail)));
    if (generation.head.length < kHead && generation.offset > generation.head.length)
      TRY_VOID(extend_head(generation, bytes));
  }
}

Result<void> read_rest(Generation& generation, LogBytes& bytes, LineSink& sink) {
  std::string rest(kLongestRest, '\0');
  const size_t got = TRY(bytes.read_at(generation.offset, rest.data(), rest.size()));
  if (got == 0) return {};
  if (generation.skipping || got == rest.size())
    sink.take_broken();
  else
    sink.take(std::string_view(rest).substr(0, got));
  generation.offset += got;
  generation.tail = {};
  return {};
}

Result<uint64_t> place_of_second(LogBytes& bytes, uint64_t size, int64_t second, LineSink& sink) {
  std::string buffer(kProbe, '\0');
  // The first line behind `at` that has a time: its place and its second.
  const auto probe = [&](uint64_t at) -> Result<std::optional<std::pair<uint64_t, int64_t>>> {
    const size_t got = TRY(bytes.read_at(at, buffer.data(), buffer.size()));
    const std::string_view text(buffer.data(), got);
    size_t start = at == 0 ? 0 : text.find('\n');
    if (at != 0 && start != std::string_view::npos) ++start;
    while (start != std::string_view::npos && start < text.size()) {
      const size_t end = text.find('\n', start);
      if (end == std::string_view::npos) break;
      if (const auto found = sink.second_of(text.substr(start, end - start))) return {{{at + start, *found}}};
      start = end + 1;
    }
    return {std::nullopt};
  };
  uint64_t low = 0, high = size;  // the place is in [low, high]; low is the start of a line
  const auto first = TRY(probe(0));
  if (!first || first->second >= second) return uint64_t{0};
  while (high - low > kProbe) {
    const uint64_t middle = low + (high - low) / 2;
    const auto found = TRY(probe(middle));
    if (found && found->second < second && found->first < high)
      low = found->first;
    else
      high = middle;
  }
  return low;
}

}  // namespace backout::watch

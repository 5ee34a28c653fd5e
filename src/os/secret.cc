#include "os/secret.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>

#include "base/text.h"
#include "os/file.h"

namespace backout::os {
namespace {

constexpr size_t kShortest = 8;

std::mutex g_mutex;
std::set<std::string> g_found;  // the longest come out first: see below
std::atomic<bool> g_any = false;

void remember(const std::string& value) {
  if (value.size() < kShortest) return;
  const std::lock_guard lock(g_mutex);
  g_found.insert(value);
  g_any = true;
}

}  // namespace

std::string without_secrets(std::string text) {
  if (!g_any) return text;
  const std::lock_guard lock(g_mutex);
  for (auto value = g_found.rbegin(); value != g_found.rend(); ++value)  // "ab" is found after "abc"
    if (text.find(*value) != std::string::npos) text = replaced(std::move(text), *value, "(secret)");
  return text;
}

Result<std::string> secret_at(const std::string& name, const std::string& place) {
  static constexpr size_t kLongest = 64U << 10;
  const auto invalid = [&](const std::string& what) {
    return Error{Code::kInvalid, fmt::format("secret {}: {}", one_line(name), what),
                 "a secret is written as $NAME, of the environment, or as the absolute path of a file"};
  };
  std::string value;
  if (place.starts_with('$')) {
    const char* found = std::getenv(place.substr(1).c_str());
    if (found == nullptr) return invalid("the environment has no " + one_line(place.substr(1)));
    value = found;
  } else if (place.starts_with('/')) {
    auto content = read_file(place, kLongest);
    if (!content) return invalid(content.error().message);
    value = std::move(*content);
    if (value.ends_with('\n')) value.pop_back();
  } else {
    return invalid("its value stands where its place belongs");
  }
  if (value.find('\0') != std::string::npos) return invalid(one_line(place) + " holds a NUL byte");
  remember(value);
  return value;
}

}  // namespace backout::os

#include "database/postgresql/names.h"

#include "base/hash.h"
#include "base/ids.h"

namespace backout::postgresql {
namespace {

constexpr size_t kLongestBase = 28;  // a name has 63 bytes, and ours are longer: "__backout_RUN-0007_undone_part_..."
constexpr size_t kHashDigits = 8;
constexpr const char* kTest = "check";  // in the place of a run
constexpr size_t kTestBytes = 2;        // with more of them an unfinished one had to be cut

}  // namespace

std::string start_of(std::string_view name, size_t bytes) {
  if (name.size() <= bytes) return std::string(name);
  while (bytes > 0 && (static_cast<unsigned char>(name[bytes]) & 0xC0U) == 0x80U) --bytes;
  return std::string(name.substr(0, bytes));
}

std::string start_beside(std::string_view database) {
  std::string base(database);
  if (base.size() > kLongestBase)
    base = start_of(database, kLongestBase - kHashDigits - 1) + "_" + sha256_hex(database).substr(0, kHashDigits);
  return base + "__backout_";
}

std::string name_beside(std::string_view database, std::string_view run, std::string_view word) {
  return start_beside(database) + std::string(run) + "_" + std::string(word);
}

std::string name_for_test(std::string_view database) { return name_beside(database, kTest, random_hex(kTestBytes)); }

std::string start_of_tests(std::string_view database) { return name_beside(database, kTest, ""); }

}  // namespace backout::postgresql

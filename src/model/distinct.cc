#include "model/distinct.h"

#include <cmath>

#include "base/text.h"

namespace backout {
namespace {

constexpr int kRanks = 64 - Distinct::kBits;   // a rank is 1..kRanks + 1
constexpr char kFirst = '#';                   // rank 0; the last is 'X': printable, and no quote or backslash
constexpr std::string_view kSparse = "~";      // "~" and then "index rank" pairs, when they are fewer bytes
constexpr double kAlpha = 0.7213475204444817;  // 1 / (2 ln 2)

double sigma(double x) {
  if (x == 1.0) return INFINITY;
  double y = 1, z = x;
  for (double before = -1; before != z;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double y = 1.0, z = 1 - x;
  for (double before = -1; before != z;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

int64_t Distinct::count() const {
  std::array<int, kRanks + 2> having{};
  for (const uint8_t each : registers_) ++having[each];
  const auto m = static_cast<double>(registers_.size());
  double z = m * tau(1 - having[kRanks + 1] / m);
  for (int k = kRanks; k >= 1; --k) z = 0.5 * (z + having[static_cast<size_t>(k)]);
  z += m * sigma(having[0] / m);
  return std::isfinite(z) && z > 0 ? std::llround(kAlpha * m * m / z) : 0;
}

void Distinct::merge(const Distinct& other) {
  for (size_t i = 0; i < registers_.size(); ++i)
    if (other.registers_[i] > registers_[i]) registers_[i] = other.registers_[i];
}

std::string Distinct::to_text() const {
  std::string sparse(kSparse), dense;
  for (size_t i = 0; i < registers_.size(); ++i) {
    const auto sign = static_cast<char>(kFirst + registers_[i]);
    dense += sign;
    if (registers_[i] == 0 || sparse.size() >= registers_.size()) continue;
    sparse += static_cast<char>(kFirst + i / 64);  // 64 signs from '#': up to 'b', with '\\' among them
    sparse += static_cast<char>(kFirst + i % 64);
    sparse += sign;
  }
  return sparse.size() < dense.size() ? sparse : dense;
}

Result<Distinct> Distinct::from_text(std::string_view text) {
  const Error bad{Code::kCorrupt, "not a set of distinct things: '" + shortened(one_line(text), 40) + "'", ""};
  const auto number = [](char sign) { return static_cast<unsigned char>(sign) - static_cast<unsigned>(kFirst); };
  Distinct set;
  if (!text.starts_with(kSparse)) {
    if (text.size() != set.registers_.size()) return bad;
    for (size_t i = 0; i < text.size(); ++i) {
      if (number(text[i]) > kRanks + 1) return bad;
      set.registers_[i] = static_cast<uint8_t>(number(text[i]));
    }
    return set;
  }
  text.remove_prefix(kSparse.size());
  if (text.size() % 3 != 0) return bad;
  for (size_t i = 0; i < text.size(); i += 3) {
    const size_t at = size_t{number(text[i])} * 64 + number(text[i + 1]);
    if (number(text[i]) > 63 || number(text[i + 1]) > 63 || number(text[i + 2]) > kRanks + 1) return bad;
    set.registers_[at] = static_cast<uint8_t>(number(text[i + 2]));
  }
  return set;
}

}  // namespace backout

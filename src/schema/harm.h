// Harms: what a difference of schemas does to code that was written before it, as a set. Each has a letter, so that
// tables of rules stay readable: "RW".
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace backout::schema {

enum class Harm : unsigned char {
  kReads,        // R: statements that read fail
  kWrites,       // W: statements that write are refused
  kSilent,       // X: it works, and the result is wrong
  kSessions,     // L: sessions that were open before fail until they reconnect
  kOneWay,       // 1: the way back may be refused once new code has written
  kDestructive,  // D: data are gone
  kStart,        // M: the old release refuses to start (its migrator)
  kUnknown,      // U: nobody can tell from the schema
};

struct HarmName {
  Harm harm;
  char letter;
  std::string_view name;
};
inline constexpr std::array<HarmName, 8> kHarms{{{Harm::kReads, 'R', "reads"},
                                                 {Harm::kWrites, 'W', "writes"},
                                                 {Harm::kSilent, 'X', "silently-wrong"},
                                                 {Harm::kSessions, 'L', "live-sessions"},
                                                 {Harm::kOneWay, '1', "one-way"},
                                                 {Harm::kDestructive, 'D', "destructive"},
                                                 {Harm::kStart, 'M', "start"},
                                                 {Harm::kUnknown, 'U', "unknown"}}};

class Harms {
 public:
  constexpr Harms() = default;
  /// REQUIRES: letters of kHarms.
  constexpr explicit Harms(std::string_view letters) {
    for (const char letter : letters) {
      bool known = false;
      for (const HarmName& each : kHarms) {
        if (each.letter != letter) continue;
        bits_ |= bit(each.harm);
        known = true;
      }
      BACKOUT_CHECK(known, "a letter that stands for no harm");
    }
  }
  constexpr bool has(Harm harm) const { return (bits_ & bit(harm)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const HarmName& each : kHarms)
      if (has(each.harm)) out.emplace_back(each.name);
    return out;
  }
  bool operator==(const Harms&) const = default;

 private:
  static constexpr unsigned bit(Harm harm) { return 1U << static_cast<unsigned>(harm); }
  unsigned bits_ = 0;
};

}  // namespace backout::schema

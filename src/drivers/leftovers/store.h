// Store: where a leftover lies, as the shell lines that count it and move it. Every script begins with its own part,
// which defines: counts (prints "LEFT ASIDE"), aside, back, drop. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "host/host.h"

namespace backout::drivers {

struct Leftover {
  std::string name, kind, rule, stage;
  std::string otherwise = "park";  // of drain
  Millis within{30'000};
  std::string suffix;  // under which this run sets things aside
  Json args;           // the whole subject
  std::string effective_rule() const { return rule == "drain" ? otherwise : rule; }
};
/// kInvalid naming the key.
Result<Leftover> leftover_from(const Json& args);

struct Counts {
  int64_t left = 0, aside = 0;
};
/// The last line of output: "LEFT ASIDE", or a number alone.
Result<Counts> parse_counts(std::string_view output);

/// `body` after the part that defines counts and the others. kInvalid on bad arguments, and when a secret is not there.
Result<host::Command> store_command(const Leftover& leftover, const std::string& body);

}  // namespace backout::drivers

#include "decide/grid.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "decide/policies_for_tests.h"

namespace backout::decide {
namespace {

std::string told(const Linted& linted) {
  std::string text;
  for (const LintFinding& finding : linted.findings)
    text += fmt::format("{}:{}: {}: {}\n", finding.file, finding.line, name_of(finding.kind), finding.message);
  return text + fmt::format("{} cells\n", linted.cells);
}

/// What is known to be wrong in the shipped policies, because it is so in their runbooks: docs/decide.md tells it.
TEST(Grid, ShippedPoliciesHaveTheFindingsOfTheirRunbooksAndNoOther) {
  for (const char* name : {"open-discussions", "procedures", "sum", "obcms", "single-binary"}) {
    const std::string file = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/lint/" + name + ".txt";
    const std::string found = told(lint_policies({.policies = shipped(name), .collected = {}, .watched = Millis(0)}));
    if (std::getenv("ACCEPT") != nullptr) std::ofstream(file) << found;
    std::stringstream expected;
    expected << std::ifstream(file).rdbuf();
    EXPECT_EQ(expected.str(), found) << "ACCEPT=1 takes it as it is now";
  }
}

}  // namespace
}  // namespace backout::decide

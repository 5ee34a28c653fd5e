// CI: what a continuous-integration server says about a commit. Not knowing is a value.
#pragma once
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace backout {

enum class CiState {
  kUnknown,  // nobody was asked, nothing is there, or the answer cannot be had: `why` says which
  kPending,  // something has not ended yet
  kPassed,   // something ran, and all of it passed
  kFailed,   // something that counts did not pass
};
std::string_view name_of(CiState state);
Result<CiState> ci_state_of(std::string_view name);

struct CiResult {
  CiState state = CiState::kUnknown;
  std::string why;           // "12 checks passed", "test (3.11) failed"
  std::string url;           // where a person can look; may be empty
  bool nothing_ran = false;  // Unknown because the server knows the commit, and nothing passed, failed or waits there
  WallTime seen_at{};
};

Json to_json(const CiResult& result);
/// Tolerant: what is missing reads as Unknown.
CiResult ci_result_from_json(const Json& value);

}  // namespace backout

// What CI servers answer, as values: GitHub's check runs and commit statuses, GitLab's pipelines. Pure.
//
// Wire formats: docs.github.com/rest/checks/runs#list-check-runs-for-a-git-reference,
// docs.github.com/rest/commits/statuses#get-the-combined-status-for-a-specific-reference,
// docs.gitlab.com/api/pipelines.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/ci.h"

namespace backout::drivers::ci {

/// One check run, commit status, or pipeline.
struct Part {
  enum class Kind {
    kPassed,
    kIdle,  // skipped or neutral: it says nothing
    kPending,
    kFailed,
    kUnknown,  // a word that this version does not know
  };
  Kind kind = Kind::kUnknown;
  std::string name;
  std::string word;  // as the server said it: "timed_out"
  std::string url;
};

/// One page of an answer.
struct Page {
  std::vector<Part> parts;
  int64_t total = -1;  // of all pages, where the server says it
  int64_t held = 0;    // entries on this page
};

/// kCorrupt when the text is not such an answer, or is about another commit than `commit`.
Result<Page> check_runs_in(std::string_view body, const std::string& commit);
Result<Page> statuses_in(std::string_view body, const std::string& commit);
/// The newest pipeline of each ref counts.
Result<Page> pipelines_in(std::string_view body, const std::string& commit);

/// What they come to. `required` empty: all count, and at least one must have passed; else those named, each of which
/// must be there.
CiResult sum_of(const std::vector<Part>& parts, const std::vector<std::string>& required);

}  // namespace backout::drivers::ci

// Beginning: a backout.yaml for a project that has none: look, ask, make, write. What `backout init` does.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "init/facts.h"
#include "init/settle.h"

namespace backout::app {

struct BeginRequest {
  std::string directory;    // of the project; empty: this one
  std::string file;         // empty: backout.yaml in the project's directory
  std::string environment;  // not empty: an overlay for it
  std::string root;         // see init::GatherSpec
  bool force = false;       // an existing file is kept under another name
  bool print = false;       // nothing will be written, so an existing file is no obstacle
};

/// A file that lints: no error, perhaps warnings.
struct Made {
  std::string text;
  std::vector<std::string> warnings;
};

class Beginning {
 public:
  /// Looks. kNotFound without the directory; kRefused when the file exists, unless `force`; kInvalid for an overlay
  /// without a file to lie over.
  static Result<Beginning> look(BeginRequest request);

  /// "KEY=VALUE"; kInvalid.
  Result<void> answer(const std::string& assignment);
  Result<void> answers_of(const std::string& file);
  /// What is left to ask, with all answers so far.
  Result<std::vector<init::Question>> questions() const;
  /// REQUIRES: no required question is open.
  Result<Made> make() const;
  /// The name under which an existing file was kept; empty when there was none.
  Result<std::string> write(const Made& made) const;

  /// The file that is or would be written.
  const std::string& file() const { return file_; }
  const init::Facts& facts() const { return facts_; }
  /// "Django, 3 releases, 2 services": what was seen, for people.
  std::string seen() const;

 private:
  Beginning(BeginRequest request, init::Facts facts);
  Result<init::Draft> draft() const;

  BeginRequest request_;
  init::Facts facts_;
  std::string file_, base_file_, base_;  // base_: the text of base_file_, when an overlay lies over it
  init::Answers answers_;
};

}  // namespace backout::app

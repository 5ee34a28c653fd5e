// backout.yaml -> Site. Unknown and duplicate keys are refused with line, column and the nearest right key; keys that
// begin with x- are the user's own. Reading has no effects. Thread-safe.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "model/site.h"

namespace backout::config {

enum class Severity { kError, kWarning };

/// One finding, printed as "file:line:column: error: message".
struct Finding {
  Severity severity = Severity::kError;
  int line = 0, column = 0;  // from 1; 0 when about the whole file
  std::string message;
  std::string next;
  std::string file;  // the file it stands in: an overlay has its own name here
};
/// One line, or two with `next` indented below. `file` is used when the finding names none.
std::string render(const std::string& file, const Finding& finding);

struct Loaded {
  Site site;  // meaningful only when no finding is an error
  std::vector<Finding> findings;
  bool ok() const;
};

/// Parses text; `file` is for messages and for relative paths. Never throws; every fault is a finding.
Loaded parse(const std::string& text, const std::string& file);
/// The same for a file and its overlay, both as texts.
Loaded parse(const std::string& text, const std::string& over, const std::string& file, const std::string& environment);
/// backout.<environment>.yaml beside `file`.
std::string overlay_file(const std::string& file, const std::string& environment);
/// Reads `file`, and over it backout.<environment>.yaml beside it when `environment` is not empty: maps merge, lists
/// and values replace, an empty value takes the key away. kNotFound, kDenied, kInvalid with all errors in the message.
Result<Site> load(const std::string& file, const std::string& environment = "");
/// As load, with every finding (warnings too): what `backout lint` shows.
Result<Loaded> inspect(const std::string& file, const std::string& environment = "");

/// docs/configuration.md, made from the table of keys.
std::string reference();
/// docs/backout.schema.json, for editors; or, for what lies over a file, docs/backout.overlay.schema.json, in which
/// nothing is required and every value may be empty.
enum class SchemaOf { kFile, kOverlay };
std::string json_schema(SchemaOf what);

}  // namespace backout::config

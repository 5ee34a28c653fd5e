// Importing: a runbook read from a file, and the draft written where there is none yet. What `backout import` does.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "import/import.h"

namespace backout::app {

struct ImportRequest {
  std::string runbook;            // a file
  std::string directory;          // where backout.yaml is to lie; empty: this one
  std::string file;               // another name for it
  std::vector<std::string> fill;  // NAME=VALUE
  std::vector<std::string> ways;
  std::string site;
  bool print = false;  // nothing will be written, so an existing file is no obstacle
};

struct Import {
  backout::import::Imported imported;
  backout::import::Options options;
  std::string file;                   // that is or would be written
  std::vector<std::string> warnings;  // of lint
};

/// Reads and drafts. kInvalid: what is named is no runbook, or cannot be read; kRefused: backout.yaml is there already.
Result<Import> import_from(const ImportRequest& request);
/// Never over a file that is there: kRefused.
Result<void> write_import(const Import& import);

}  // namespace backout::app

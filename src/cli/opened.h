// Opened: the workspace of a command, or the exit status to leave with.
#pragma once
#include <memory>

#include "app/site/workspace.h"
#include "cli/command.h"
#include "cli/failure.h"

namespace backout::cli {

/// A missing or unreadable configuration is a usage error (2), whatever its code.
inline Result<std::unique_ptr<app::Workspace>> open(const Globals& globals) {
  auto workspace = app::Workspace::open(globals.where);
  if (!workspace && workspace.error().code == Code::kNotFound) workspace.error().code = Code::kInvalid;
  return workspace;
}

/// Prints one JSON document with its version.
void print_json(Json value);
/// The same as text.
std::string as_document(Json value);

}  // namespace backout::cli

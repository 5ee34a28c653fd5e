#include "app/setup/importing.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "config/config.h"
#include "os/file.h"

namespace backout::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGiveOne = "give a Markdown file with the steps of a rollback: backout import RUNBOOK.md";

/// Only a file is opened: a FIFO or a device could block or never end.
Result<std::string> text_of(const std::string& path) {
  const std::string shown = one_line(shortened(path, 200));
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (status.type() == fs::file_type::not_found) return Error{Code::kInvalid, "there is no " + shown, kGiveOne};
  if (status.type() == fs::file_type::directory)
    return Error{Code::kInvalid, shown + " is a directory, not a runbook", "name one file in it"};
  if (status.type() != fs::file_type::regular)
    return Error{Code::kInvalid, shown + " is not a file that can be read whole", kGiveOne};
  const auto size = os::size_of(path);
  if (size && *size > import::kLargestRunbook)
    return Error{Code::kInvalid,
                 fmt::format("{} is not a runbook: it has {}; {} are read at most", shown, bytes_for_people(*size),
                             bytes_for_people(import::kLargestRunbook)),
                 kGiveOne};
  auto text = os::read_file(path, import::kLargestRunbook);
  if (!text) return Error{Code::kInvalid, text.error().message, kGiveOne};
  return text;
}

}  // namespace

Result<Import> import_from(const ImportRequest& request) {
  Import made;
  made.file = request.file.empty() ? "backout.yaml" : request.file;
  if (!made.file.starts_with('/') && !request.directory.empty()) made.file = request.directory + "/" + made.file;
  if (!request.print && os::exists(made.file))
    return Error{Code::kRefused, one_line(made.file) + " is there already, and is left as it is",
                 "see the draft: backout import --print RUNBOOK.md; or write it elsewhere: -f FILE"};
  for (const std::string& each : request.fill) {
    const size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{Code::kInvalid, "--fill takes NAME=VALUE, and got '" + one_line(shortened(each, 60)) + "'",
                   "for example: --fill namespace=shop"};
    made.options.fill[each.substr(0, equals)] = each.substr(equals + 1);
  }
  const std::string text = TRY(text_of(request.runbook));
  made.options.file = fs::path(request.runbook).filename().string();
  made.options.ways = request.ways;
  made.options.site = request.site;
  made.imported = TRY(import::import_runbook(text, made.options));
  for (const config::Finding& finding : config::parse(made.imported.text, made.file).findings)
    made.warnings.push_back(config::render(made.file, finding));
  return made;
}

Result<void> write_import(const Import& import) {
  if (os::exists(import.file))
    return Error{Code::kRefused, one_line(import.file) + " is there by now, and is left as it is", ""};
  return os::write_through(import.file, import.imported.text);
}

}  // namespace backout::app

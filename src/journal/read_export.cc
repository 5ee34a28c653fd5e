#include "journal/read_export.h"

#include <filesystem>
#include <fstream>

namespace backout::journal {

Result<void> each_exported(const std::string& file,
                           const std::function<Result<void>(const Json& header, const Json& body)>& each) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file, failure))
    return Error{Code::kNotFound, file + " is no file that can be read", "make one: backout journal export"};
  std::ifstream in(file, std::ios::binary);
  std::string line;
  bool whole = false;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    const Json value = Json::parse(line, nullptr, false);
    if (value.is_object() && value.contains("events") && value.contains("sites")) {
      whole = true;
      continue;
    }
    if (!value.is_object() || !get(value, "header").is_object() || !get(value, "body").is_object())
      return Error{Code::kCorrupt, fmt::format("{}:{}: this is no line of an export", file, number),
                   "make one: backout journal export"};
    TRY_VOID(each(get(value, "header"), get(value, "body")));
  }
  if (!whole) return Error{Code::kCorrupt, file + " is cut short: its last line, which counts, is missing", ""};
  return {};
}

}  // namespace backout::journal

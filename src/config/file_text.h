// A file of the configuration, read whole.
#pragma once
#include <string>

#include "base/result.h"

namespace backout::config {

/// At most one byte more than kLargestText is read (document.h). kInvalid for a directory, else what errno says.
Result<std::string> file_text(const std::string& file);

}  // namespace backout::config

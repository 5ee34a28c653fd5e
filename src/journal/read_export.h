// Reading an export (`backout journal export`) again. It is another site's word: the chain is not checked here, that is
// what `audit verify` and the script in docs/formats/journal.md are for.
#pragma once
#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace backout::journal {

/// Header and body of each event of the file, in its order. kCorrupt, with the line, for what is no export; kNotFound.
Result<void> each_exported(const std::string& file,
                           const std::function<Result<void>(const Json& header, const Json& body)>& each);

}  // namespace backout::journal

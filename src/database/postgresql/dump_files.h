// The directory of a dump as files: sizes and checksums, made durable and private, compared with a manifest.
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "database/postgresql/manifest.h"

namespace backout::postgresql {

/// Every file of the directory, read from its first byte to its last. kCorrupt when something else than a file lies
/// there.
Result<std::map<std::string, DumpFile>> measure_dump(const std::string& directory);

/// The same bytes as the manifest names, file by file? kCorrupt, naming the first that is not; kNotFound.
Result<void> check_dump(const std::string& directory, const Manifest& manifest);

/// Files 0600, directory 0700, all of it on disk when this returns.
Result<void> settle_dump(const std::string& directory);

/// Gives it its name, durably. REQUIRES: nothing has that name.
Result<void> name_dump(const std::string& from, const std::string& to);

/// Whether a directory holds nothing but what pg_dump writes. An empty one does.
bool looks_like_dump(const std::string& directory);

std::string parent_of(const std::string& path);

/// kNoSpace, saying how much is missing, unless the file system of `directory` has room for `bytes`.
Result<void> require_space(const std::string& directory, uint64_t bytes, std::string_view for_what);

}  // namespace backout::postgresql

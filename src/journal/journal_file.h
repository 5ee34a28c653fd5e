// The file `journal.db`: made whole, and recognised before anything may change it.
//
// It is made under another name and linked into place, so it is absent or complete, whatever is killed and however many
// processes make it at once. A file that is not a journal, or that a newer version wrote, is never opened by SQLite.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace backout::journal {

inline constexpr uint32_t kApplicationId = 0x424B4F54;  // "BKOT", big endian at offset 68
inline constexpr uint32_t kFormat = 1;                  // big endian at offset 60 (user_version), and in table meta

/// Reads the first 100 bytes. kNotFound, kCorrupt (not a journal), kUnsupported (a newer one), kDenied.
Result<void> recognise(const std::string& file);

/// Makes the file, mode 0600. Fine if another process made it meanwhile. kNoSpace, kDenied.
Result<void> make_journal_file(const std::string& file);

}  // namespace backout::journal

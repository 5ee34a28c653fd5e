// "log": a log of the application, a file or a unit's journal, as occurrences: lines that count as errors, and kinds of
// them that the old release never wrote (watch/log/error_lines.h).
//
// Subject {log: path} or {journal: unit}, and {errors?: [expression], ignore?: [expression], templates?: bool}. Read on
// the host by host/log_script.h, through rotation, copytruncate and truncation. The first look learns from what was
// written before the cutover, by the lines' own times: at most kHabitBytes bytes. Lines without any time are the old
// release's when the first look comes within kSoon of the cutover; else nothing is known of the old one.
// Position {"place": {inode, offset} | {cursor, since}, "memory"}.
//
// Blind: the file or the unit is not there, or cannot be read. A part that was lost, or skipped because more than
// kMostOfLog was new, is a remark.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

inline constexpr size_t kHabitBytes = 2U << 20, kMostOfLog = 4U << 20;
inline constexpr Millis kSoon{60'000};

Result<std::unique_ptr<Source>> make_log(const Json& subject, host::Host& host);

}  // namespace backout::watch

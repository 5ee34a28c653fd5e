// Ready: what a way back needs of the database, long before: the checkpoint's copy, its proof, room beside the file.
#pragma once
#include "driver/driver.h"

namespace backout::database {

/// `backout internal sqlite ready`: looks at a checkpoint's copy. Arguments: backup, manifest, manifest_sha256?,
/// prove?. {there, readable, size, taken_at, bytes: "same" | "size-alone" | what is wrong, proved_at?, proof?: what is
/// wrong}. Without `prove` a copy of more than kReadAtOnce is not read, only its size compared. With it the copy is
/// restored to a scratch file and every table compared with the manifest.
inline constexpr uint64_t kReadAtOnce = 256U << 20;
Result<Json> look_at_checkpoint_copy(const Json& args);

/// Pure. `seen`: what observe() returned; `copy`: what look_at_checkpoint_copy said, or why it could not.
driver::Readiness readiness_of(const driver::Offering& offering, const Json& seen, const Result<Json>& copy);

}  // namespace backout::database

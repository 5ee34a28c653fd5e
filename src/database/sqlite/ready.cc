#include "database/sqlite/ready.h"

#include <unistd.h>

#include "base/text.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/files.h"
#include "database/sqlite/rung.h"
#include "os/file.h"

namespace backout::database {
namespace {

using driver::Need;

Finding finding(std::string id, Severity severity, std::string what, std::string next, Json evidence = Json::object()) {
  return {std::move(id), severity, "", "", std::move(what), std::move(next), std::move(evidence)};
}

/// When the copy was last restored and compared; empty: never, or it was another one.
std::string proved_at(const std::string& backup, const Manifest& manifest) {
  const auto text = os::read_file(backup + ".verified.json", 1 << 20);
  const auto record = text ? parse_json(*text) : Result<Json>(text.error());
  return record && get_string(*record, "sha256") == manifest.sha256 ? get_string(*record, "verified_at") : "";
}

// A new checkpoint would bring back what runs now, not the release that this one is of.
std::string put_back(const std::string& file) {
  return "put " + shell_quoted(file) +
         " back from a copy of the state directory, or go back to another release: backout releases, then backout plan "
         "VERSION";
}

/// `needed`: the way back restores this copy, so that its faults are in the way.
Finding judge_copy(const Json& copy, bool needed) {
  const Severity bad = needed ? Severity::kRed : Severity::kWarning;
  const std::string path = get_string(copy, "backup");
  const std::string note = needed ? "" : "; the way back as it is now does not need it";
  if (!get_bool(copy, "there"))
    return finding("backup", bad, "the checkpoint's copy of the database is gone: " + path + note, put_back(path));
  const std::string manifest = get_string(copy, "manifest", path);
  if (!get_bool(copy, "readable"))
    return finding("backup", bad, "the checkpoint's copy cannot be read: " + get_string(copy, "why") + note,
                   get_bool(copy, "damaged") ? put_back(manifest) : "see who may: ls -l " + shell_quoted(path));
  const std::string bytes = get_string(copy, "bytes"), proof = get_string(copy, "proof");
  if (bytes != "same" && bytes != "size-alone")
    return finding("backup", bad, "the checkpoint's copy is damaged: " + bytes + note, put_back(path));
  if (!proof.empty()) return finding("backup", bad, "the copy does not restore: " + proof + note, put_back(path));
  const std::string proved = get_string(copy, "proved_at");
  Finding found = finding("backup", Severity::kOk, "", "", copy);
  found.what = fmt::format("{} of {}, {}", bytes_for_people(static_cast<uint64_t>(get_int(copy, "size"))),
                           get_string(copy, "taken_at"),
                           proved.empty() ? "never restored" : "restored and matched its manifest at " + proved);
  if (bytes == "size-alone") found.what += "; of its bytes only the number was looked at";
  if (proved.empty()) {
    found.severity = Severity::kWarning;
    found.next = "prove it: backout ready --prove";
  }
  return found;
}

}  // namespace

Result<Json> look_at_checkpoint_copy(const Json& args) {
  const std::string path = get_string(args, "backup"), manifest_path = get_string(args, "manifest");
  if (!path.starts_with('/') || !manifest_path.starts_with('/'))
    return Error{Code::kInvalid, "'backup' and 'manifest' must be absolute paths", ""};
  Json seen = {{"backup", path}, {"there", os::exists(path) && os::exists(manifest_path)}, {"readable", false}};
  if (!get_bool(seen, "there")) return seen;
  const auto manifest = load_manifest(manifest_path, get_string(args, "manifest_sha256"));
  if (!manifest || access(path.c_str(), R_OK) != 0) {
    seen["why"] = manifest ? errno_error(path).message : manifest.error().message;
    seen["manifest"] = manifest_path;
    seen["damaged"] = !manifest && manifest.error().code != Code::kDenied;
    return seen;
  }
  seen["readable"] = true;
  seen["size"] = manifest->size;
  seen["taken_at"] = manifest->taken_at;
  const bool prove = get_bool(args, "prove");
  const uint64_t size = TRY(os::size_of(path));
  if (size > kReadAtOnce && !prove && size == manifest->size) {
    seen["bytes"] = "size-alone";
  } else {
    const auto same = check_bytes(path, *manifest);
    seen["bytes"] = same ? "same" : same.error().message;
  }
  if (prove && get_string(seen, "bytes") == "same") {
    const Verification found = TRY(verify_backup(path, *manifest, {}));
    if (found.faults.empty()) TRY_VOID(record_verified(path, *manifest));
    if (!found.faults.empty()) seen["proof"] = join(found.faults, "; ");
  }
  seen["proved_at"] = proved_at(path, *manifest);
  return seen;
}

driver::Readiness readiness_of(const driver::Offering& offering, const Json& seen, const Result<Json>& copy) {
  driver::Readiness readiness;
  if (!get_bool(seen, "exists")) {
    readiness.findings.push_back(finding("database", Severity::kRed,
                                         "there is no database at " + get_string(seen, "file"),
                                         "put the file back, or correct database: sqlite: file: in backout.yaml"));
    return readiness;
  }
  const auto comparison = decide_rung(offering.saved, seen);
  const bool restores = comparison && comparison->rung == schema::Rung::kRestore;
  const auto size = static_cast<uint64_t>(std::max<int64_t>(get_int(seen, "size"), 0) + get_int(seen, "wal_bytes"));
  if (!get(offering.saved, "backup").is_null())
    readiness.findings.push_back(
        copy ? judge_copy(*copy, restores)
             : finding("backup", restores ? Severity::kRed : Severity::kWarning,
                       "the checkpoint's copy could not be looked at: " + copy.error().message,
                       copy.error().next.empty() ? put_back(get_string(offering.saved, "backup")) : copy.error().next));
  const std::string file = get_string(seen, "file");
  constexpr uint64_t kMore = 1U << 20;
  readiness.needs = {{Need::Kind::kReadable, file, "for the database"},
                     {Need::Kind::kWritable, offering.run_directory, "to save the database first"},
                     {Need::Kind::kRoom, offering.run_directory, "to save the database first", "", size + kMore, 8}};
  if (!restores) return readiness;
  // Beside the live file, and what the way forward keeps of it.
  const auto copied = static_cast<uint64_t>(copy ? std::max<int64_t>(get_int(*copy, "size"), 0) : 0);
  readiness.needs.push_back({Need::Kind::kWritable, parent_of(file), "to restore the database beside"});
  readiness.needs.push_back(
      {Need::Kind::kRoom, parent_of(file), "to restore the database beside", "", std::max(copied, size) + kMore, 8});
  readiness.needs.push_back(
      {Need::Kind::kRoom, offering.run_directory, "to keep the way forward", "", size + copied + kMore, 8});
  return readiness;
}

}  // namespace backout::database

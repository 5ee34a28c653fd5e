#include "database/postgresql/manifest.h"

#include "base/hash.h"
#include "database/postgresql/verb_args.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr int kFormat = 1;

}  // namespace

uint64_t Manifest::size() const {
  uint64_t all = 0;
  for (const auto& [name, file] : files) all += file.size;
  return all;
}

Json to_json(const Manifest& manifest) {
  Json files = Json::object();
  for (const auto& [name, file] : manifest.files) files[name] = {{"size", file.size}, {"sha256", file.sha256}};
  Json value{{"format", kFormat},
             {"kind", "postgresql"},
             {"source", manifest.source},
             {"taken_at", manifest.taken_at},
             {"server_version", manifest.server_version},
             {"dumped_by", manifest.dumped_by},
             {"system_identifier", manifest.system_identifier},
             {"lsn", manifest.lsn},
             {"snapshot", manifest.snapshot},
             {"database_size", manifest.database_size},
             {"database", to_json(manifest.database)},
             {"roles", to_json(manifest.roles)},
             {"extensions", manifest.extensions},
             {"content", to_json(manifest.content)},
             {"sequences", to_json(manifest.sequences)},
             {"sequences_after", to_json(manifest.sequences_after)},
             {"catalog", manifest.catalog},
             {"files", files},
             {"notes", manifest.notes}};
  if (!manifest.horizon.empty()) value["horizon"] = manifest.horizon;
  if (!manifest.point.empty()) value["point"] = manifest.point;
  return value;
}

Result<Manifest> manifest_from_json(const Json& value) {
  const int64_t format = get_int(value, "format");
  if (get_string(value, "kind") != "postgresql")
    return Error{Code::kCorrupt, "this is not a manifest of a PostgreSQL backup", ""};
  if (format > kFormat)
    return Error{Code::kUnsupported, "the manifest was written by a newer version of backout", "use that version"};
  if (format != kFormat) return Error{Code::kCorrupt, "this is not a manifest of a backup", ""};
  Manifest manifest;
  manifest.source = get_string(value, "source");
  manifest.taken_at = get_string(value, "taken_at");
  manifest.server_version = get_int(value, "server_version");
  manifest.dumped_by = get_string(value, "dumped_by");
  manifest.system_identifier = get_string(value, "system_identifier");
  manifest.lsn = get_string(value, "lsn");
  manifest.snapshot = get_string(value, "snapshot");
  manifest.database_size = static_cast<uint64_t>(get_int(value, "database_size"));
  manifest.database = TRY(database_facts_from_json(get(value, "database")));
  manifest.roles = roles_from_json(get(value, "roles"));
  for (const auto& [name, version] : get(value, "extensions").items())
    if (version.is_string()) manifest.extensions[name] = version.get<std::string>();
  manifest.content = TRY(content_from_json(get(value, "content")));
  manifest.sequences = sequences_from_json(get(value, "sequences"));
  manifest.sequences_after = sequences_from_json(get(value, "sequences_after"));
  manifest.catalog = get(value, "catalog");
  if (get(value, "horizon").is_object()) manifest.horizon = get(value, "horizon");
  if (get(value, "point").is_object()) manifest.point = get(value, "point");
  for (const auto& [name, file] : get(value, "files").items())
    manifest.files[name] = {static_cast<uint64_t>(get_int(file, "size")), get_string(file, "sha256")};
  for (const Json& note : get(value, "notes"))
    if (note.is_string()) manifest.notes.push_back(note.get<std::string>());
  if (manifest.files.empty() && manifest.point.empty()) return Error{Code::kCorrupt, "it names no files", ""};
  return manifest;
}

Result<void> store_manifest(const Manifest& manifest, const std::string& path) {
  return os::write_file_atomic(path, canonical(to_json(manifest)) + "\n", 0600);
}

Result<Manifest> load_manifest(const std::string& path, const std::string& sha256) {
  const std::string text = TRY(os::read_file(path));
  if (!sha256.empty() && sha256_hex(text) != sha256)
    return Error{Code::kCorrupt, "the manifest " + path + " is not the one that the checkpoint recorded",
                 "use an older checkpoint: backout releases"};
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error().with_context("reading the manifest " + path);
  return manifest_from_json(*parsed).with_context("reading the manifest " + path);
}

Result<Manifest> manifest_of(const Json& args) {
  return load_manifest(TRY(need_path(args, "manifest")), get_string(args, "manifest_sha256"));
}

}  // namespace backout::postgresql

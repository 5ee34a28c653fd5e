#include "database/sqlite/verbs.h"

#include <algorithm>

#include "base/text.h"
#include "database/sqlite/archive_verbs.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/keep.h"
#include "database/sqlite/observe.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/ready.h"
#include "database/sqlite/rescue.h"
#include "database/sqlite/rows_out.h"
#include "database/sqlite/sides.h"
#include "database/sqlite/swap.h"
#include "database/sqlite/verb_args.h"
#include "os/file.h"

namespace backout::database {
namespace {

Result<void> store_json(const Json& value, const std::string& path) {
  return os::write_file_atomic(path, canonical(value) + "\n", 0600);
}

Result<Json> run_backup(const Json& args, const Progress& progress) {
  const std::string file = TRY(live_file(args)), path = TRY(need_path(args, "backup")),
                    manifest_path = TRY(need_path(args, "manifest"));
  const Manifest manifest = TRY(backup(file, path, manifest_path, progress));
  int64_t rows = 0;
  for (const auto& [name, content] : manifest.tables) rows += content.rows;
  const Json part = TRY(checkpoint_part(file, path, manifest_path));
  return Json{{"part", part}, {"rows", rows}, {"size", manifest.size}, {"sha256", manifest.sha256}};
}

Result<Json> run_verify_backup(const Json& args, const Progress& progress) {
  const std::string path = TRY(need_path(args, "backup"));
  const Manifest manifest = TRY(manifest_of(args));
  const Verification found = TRY(verify_backup(path, manifest, progress));
  if (!found.faults.empty())
    return Error{Code::kCorrupt, "the backup " + path + " is damaged: " + join(found.faults, "; "),
                 "take a new checkpoint, or use an older one: backout releases"};
  TRY_VOID(record_verified(path, manifest));
  return Json{{"verified", true},
              {"tables", manifest.tables.size()},
              {"rows", found.rows},
              {"dangling", found.dangling},
              {"sha256", manifest.sha256}};
}

Result<Json> run_restore(const Json& args, const Progress& progress) {
  const Manifest manifest = TRY(manifest_of(args));
  const std::string beside = TRY(need_path(args, "beside"));
  TRY_VOID(restore_beside(TRY(need_path(args, "backup")), manifest, beside, progress));
  return Json{{"file", beside}, {"size", manifest.size}, {"tables", manifest.tables.size()}};
}

/// Rows that a migration rewrote must not be taken for rows that users wrote: only a person knows what is right.
Error undecided_columns(const Json& counted) {
  std::vector<std::string> what;
  for (const Json& sentence : get(counted, "rewritten"))
    for (const Json& name : get(counted, "undecided"))
      if (sentence.get<std::string>().starts_with(name.get<std::string>() + ":"))
        what.push_back(sentence.get<std::string>());
  const std::string name = get(counted, "undecided").front().get<std::string>();
  return {
      Code::kRefused, join(what, "; "),
      fmt::format(
          "say in backout.yaml what is right, database: {{sqlite: {{tables: {{{0}: leave}}}}}} for the values of the "
          "checkpoint, or {0}: carry for those of now",
          name)};
}

Result<Json> run_diff(const Json& args, const Progress&) {
  const auto choices = TRY(choices_from_json(get(args, "tables")));
  const Json counted = TRY(count_differences(TRY(need_path(args, "base")), TRY(live_file(args, "live")),
                                             get_string(args, "target"), choices));
  if (const Json& undecided = get(counted, "undecided"); get_bool(args, "refuse_undecided") && !undecided.empty())
    return undecided_columns(counted);
  if (args.contains("result")) TRY_VOID(store_json(counted, TRY(need_path(args, "result"))));
  return counted;
}

/// What a finished rescue wrote down, if it is still true of both files.
Result<Json> finished_rescue(const Json& args) {
  const std::string record = TRY(need_path(args, "record"));
  const Json written = TRY(parse_json(TRY(os::read_file(record))));
  if (get(written, "args") != args) return Error{Code::kConflict, "the record is of another rescue", ""};
  const Json& evidence = get(written, "evidence");
  if (TRY(page_digest_of(TRY(need_path(args, "target")), Open::kWrite)).hex() != get_string(evidence, "new_digest"))
    return Error{Code::kConflict, "the restored file is not what the rescue left", ""};
  if (TRY(page_digest_of(TRY(live_file(args, "live")), Open::kQuery)).hex() != get_string(evidence, "live_digest"))
    return Error{Code::kConflict, "the live database was written to since the rescue", ""};
  return evidence;
}

Result<Json> run_rescue(const Json& args, const Progress& progress) {
  if (auto done = finished_rescue(args)) return done;
  const std::string record = TRY(need_path(args, "record"));
  TRY_VOID(os::remove_file(record));
  const std::string base = TRY(need_path(args, "base"));
  RescueJob job;
  job.base = base;
  job.live = TRY(live_file(args, "live"));
  job.target = TRY(need_path(args, "target"));
  job.pristine = get_string(args, "pristine", base);
  job.choices = TRY(choices_from_json(get(args, "tables")));
  job.conflicts = TRY(need_path(args, "conflicts"));
  job.archive = TRY(need_path(args, "archive"));
  const Json evidence = TRY(rescue(job, progress));
  TRY_VOID(store_json({{"args", args},
                       {"evidence", evidence},
                       {"new_digest", get(evidence, "new_digest")},
                       {"live_digest", get(evidence, "live_digest")}},
                      record));
  return evidence;
}

Result<Json> run_swap(const Json& args, const Progress& progress) {
  const std::string record = TRY(need_path(args, "record"));
  const Json written = TRY(parse_json(TRY(os::read_file(record))).with_context(record));
  SwapJob job;
  job.file = TRY(live_file(args));
  job.incoming = TRY(need_path(args, "incoming"));
  job.keep = TRY(need_path(args, "keep"));
  job.marker = TRY(need_path(args, "marker"));
  job.expected_live = get_string(written, "live_digest");
  job.expected_incoming = get_string(written, "new_digest");
  if (!get(args, "scripted").is_object()) return swap(job, progress);
  TRY_VOID(check_scripted(args, job.expected_live));
  job.expected_live.clear();
  const Json evidence = TRY(swap(job, progress));
  TRY_VOID(dress_as_before(job.file, get(args, "scripted")));
  return evidence;
}

Result<Json> run_swap_back(const Json& args, const Progress& progress) {
  SwapBackJob job;
  job.file = TRY(live_file(args));
  job.keep = TRY(need_path(args, "keep"));
  job.aside = TRY(need_path(args, "aside"));
  job.marker = TRY(need_path(args, "marker"));
  return swap_back(job, progress);
}

Result<Json> run_keep(const Json& args, const Progress& progress) {
  const std::string base = TRY(need_path(args, "base"));
  KeepJob job;
  job.file = TRY(live_file(args));
  job.kept = TRY(need_path(args, "kept"));
  job.base = base;
  job.pristine = get_string(args, "pristine", base);
  job.record = TRY(need_path(args, "record"));
  job.marker = TRY(need_path(args, "marker"));
  job.directory = TRY(need_path(args, "directory"));
  job.choices = TRY(choices_from_json(get(args, "tables")));
  if (args.contains("kept_manifest"))
    job.kept_digest = TRY(load_manifest(TRY(need_path(args, "kept_manifest")))).digest;
  return keep(job, progress);
}

/// Files that a run made beside the live one, when the run is abandoned. Nothing else can be removed by it.
Result<Json> run_discard(const Json& args, const Progress&) {
  const std::string path = TRY(need_path(args, "path"));
  if (name_in_path(path).find(".backout-") == std::string::npos)
    return Error{Code::kInvalid, path + " was not made by backout", ""};
  remove_database(path);
  remove_database(path + ".partial");
  TRY_VOID(os::sync_directory(parent_of(path)));
  return Json{{"removed", path}};
}

Result<Json> run_observe(const Json& args, const Progress&) {
  return observe(TRY(need_path(args, "file")), get(args, "books_of"));
}

Result<Json> run_look(const Json& args, const Progress&) { return look_at(TRY(need(args, "verb")), get(args, "args")); }

struct VerbEntry {
  std::string_view name;
  Result<Json> (*run)(const Json& args, const Progress& progress);
};
constexpr VerbEntry kVerbs[] = {
    {"backup", run_backup},
    {"verify-backup", run_verify_backup},
    {"restore", run_restore},
    {"diff", run_diff},
    {"export", export_rows},
    {"apply", apply_rows},
    {"rescue", run_rescue},
    {"swap", run_swap},
    {"swap-back", run_swap_back},
    {"keep", run_keep},
    {"discard", run_discard},
    {"observe", run_observe},
    {"load", run_load},
    {"put-back", run_put_back},
    {"look", run_look},
    {"ready", [](const Json& args, const Progress&) { return look_at_checkpoint_copy(args); }}};

Result<Json> look_at_backup(const Json& args) {
  const auto manifest = manifest_of(args);
  if (!manifest) return sight(false, manifest.error().message);
  const std::string path = TRY(need_path(args, "backup"));
  const auto bytes = check_bytes(path, *manifest);
  if (!bytes) return sight(false, bytes.error().message);
  const std::string manifest_path = TRY(need_path(args, "manifest"));
  const Json part = TRY(checkpoint_part(get_string(args, "file"), path, manifest_path));
  return sight(true, "the backup has the bytes that its manifest names", {{"part", part}});
}

Result<Json> look_at_verified(const Json& args) {
  const std::string path = TRY(need_path(args, "backup"));
  const auto manifest = manifest_of(args);
  if (!manifest) return sight(false, manifest.error().message);
  const auto record = os::read_file(path + ".verified.json");
  const auto parsed = record ? parse_json(*record) : Result<Json>(record.error());
  if (!parsed || get_string(*parsed, "sha256") != manifest->sha256)
    return sight(false, "it was not restored and compared yet");
  return sight_of(check_bytes(path, *manifest), "restored and compared before, and its bytes are the same");
}

Result<Json> look_at_restored(const Json& args) {
  const std::string beside = TRY(need_path(args, "beside"));
  const auto manifest = manifest_of(args);
  if (!manifest) return sight(false, manifest.error().message);
  if (!os::exists(beside)) return sight(false, "there is no " + beside);
  const auto digest = page_digest_of(beside, Open::kWrite);
  if (!digest) return sight(false, digest.error().message);
  return sight(digest->hex() == manifest->digest, digest->hex() == manifest->digest
                                                      ? "it has the content of the backup"
                                                      : "its content is not that of the backup");
}

Result<Json> look_at_result(const Json& args) {
  const auto text = os::read_file(TRY(need_path(args, "result")));
  const auto parsed = text ? parse_json(*text) : Result<Json>(text.error());
  if (!parsed) return sight(false, parsed.error().message);
  return sight(true, "counted", *parsed);
}

Result<Json> look_at_rescue(const Json& args) {
  const auto done = finished_rescue(args);
  return done ? sight(true, "the rescued file and the live one are as the rescue left them", *done)
              : sight(false, done.error().message);
}

Result<Json> look_at_swap_verb(const Json& args, Content wanted) {
  const auto seen = TRY(look_at_swap(TRY(live_file(args)), TRY(need_path(args, "marker"))));
  return sight(seen.content == wanted, seen.why);
}

Result<Json> look_at_kept(const Json& args) {
  const std::string directory = TRY(need_path(args, "directory"));
  const auto text = os::read_file(directory + "/part.json");
  const auto part = text ? parse_json(*text) : Result<Json>(text.error());
  if (!part) return sight(false, part.error().message);
  const auto base = load_manifest(get_string(*part, "base_manifest")),
             kept = load_manifest(get_string(*part, "manifest"), get_string(*part, "manifest_sha256"));
  if (!base || !kept) return sight(false, base ? kept.error().message : base.error().message);
  if (const auto bytes = check_bytes(get_string(*part, "base"), *base); !bytes)
    return sight(false, bytes.error().message);
  if (const auto bytes = check_bytes(get_string(*part, "backup"), *kept); !bytes)
    return sight(false, bytes.error().message);
  return sight(true, "what the way forward needs is there, and has the bytes that its manifests name",
               {{"part", *part}});
}

Result<Json> look_at_schema(const Json& args) {
  const Json seen = TRY(schema_of(TRY(live_file(args))));
  const bool same = get_string(seen, "schema_hash") == TRY(need(args, "schema_hash"));
  return sight(same,
               same ? "the database has the schema of the checkpoint"
                    : "the database does not have the schema of the checkpoint",
               {{"schema_hash", get(seen, "schema_hash")}});
}

}  // namespace

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : kVerbs) names.emplace_back(verb.name);
  return names;
}

Result<Json> run_verb(const std::string& verb, const Json& args, const Progress& progress) {
  const auto* found =
      std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const VerbEntry& entry) { return entry.name == verb; });
  if (found == std::end(kVerbs))
    return Error{Code::kInvalid, "there is no verb '" + verb + "'", "verbs: " + join(verb_names(), ", ")};
  return found->run(args, progress).with_context(verb);
}

Result<Json> look_at(const std::string& verb, const Json& args) {
  if (verb == "backup") return look_at_backup(args);
  if (verb == "load") return look_at_load(args);
  if (verb == "script") return look_at_script(args);
  if (verb == "put-back") return look_at_put_back(args);
  if (verb == "verify-backup") return look_at_verified(args);
  if (verb == "restore") return look_at_restored(args);
  if (verb == "diff") return look_at_result(args);
  if (verb == "rescue") return look_at_rescue(args);
  if (verb == "swap") return look_at_swap_verb(args, Content::kNew);
  if (verb == "swap-back") return look_at_swap_verb(args, Content::kOld);
  if (verb == "keep") return look_at_kept(args);
  if (verb == "discard") return sight(!os::exists(TRY(need_path(args, "path"))), "looked for the file");
  if (verb == "schema-is") return look_at_schema(args);
  return Error{Code::kInvalid, "there is nothing to look at for '" + verb + "'", ""};
}

}  // namespace backout::database

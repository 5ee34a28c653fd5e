#include "database/sqlite/backup.h"

#include "base/clock.h"
#include "base/text.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/read_schema.h"
#include "os/file.h"

namespace backout::database {
namespace {

constexpr int kPagesAtOnce = 16384;

/// Copies `from`'s open snapshot into the empty database `to`.
Result<void> copy_pages(Connection& from, Connection& to, const Progress& progress) {
  sqlite3_backup* copying = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
  if (copying == nullptr) return to.error(sqlite3_errcode(to.raw()), "starting the copy");
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(copying, kPagesAtOnce);
    const int all = sqlite3_backup_pagecount(copying);
    if (code == SQLITE_OK && progress)
      progress("copied " + std::to_string(all - sqlite3_backup_remaining(copying)) + " of " + std::to_string(all) +
               " pages");
  }
  const int finished = sqlite3_backup_finish(copying);
  if (code != SQLITE_DONE) return to.error(code, "copying");
  if (finished != SQLITE_OK) return to.error(finished, "ending the copy");
  return {};
}

std::vector<std::string> damaged_blocks(const Manifest& expected, const Manifest& found) {
  std::vector<std::string> places;
  const size_t all = std::max(expected.blocks.size(), found.blocks.size());
  for (size_t i = 0; i < all; ++i) {
    if (i < expected.blocks.size() && i < found.blocks.size() && expected.blocks[i] == found.blocks[i]) continue;
    const size_t end = std::min((i + 1) * kManifestBlock, static_cast<size_t>(std::max(expected.size, found.size)));
    places.push_back("bytes " + std::to_string(i * kManifestBlock) + " to " + std::to_string(end - 1));
    if (places.size() == 4 && i + 1 < all) {
      places.push_back("...");
      break;
    }
  }
  return places;
}

/// What is wrong inside of the scratch copy: SQLite's own check, then every table against the manifest.
Result<void> check_inside(const std::string& scratch, const Manifest& manifest, Verification& out,
                          const Progress& progress) {
  auto copy = TRY(Connection::open(scratch, Open::kWrite));
  if (progress) progress("checking the integrity of the restored copy");
  auto check = TRY(copy.prepare("PRAGMA integrity_check(5)"));
  while (TRY(check.step()))
    if (check.text(0) != "ok") out.faults.push_back("integrity check: " + one_line(check.text(0)));
  const auto schema = TRY(read_schema(copy));
  if (schema != manifest.schema) out.faults.push_back("the schema is not the one in the manifest");
  if (progress) progress("comparing every table with the manifest");
  for (const auto& [name, expected] : manifest.tables) {
    const schema::Table* table = find_table(schema, name);
    const auto found =
        table == nullptr ? Result<TableContent>(Error{Code::kNotFound, "missing", ""}) : read_content(copy, *table);
    if (!found) {
      out.faults.push_back("table " + name + ": " + found.error().message);
    } else if (found->rows != expected.rows) {
      out.faults.push_back("table " + name + ": " + counted(found->rows, "row") + ", the manifest says " +
                           std::to_string(expected.rows));
    } else if (found->hash != expected.hash) {
      out.faults.push_back("table " + name + ": the content of its rows is not what the manifest says");
    } else {
      out.rows += expected.rows;
    }
  }
  if (TRY(read_sequences(copy)) != manifest.sequences)
    out.faults.push_back("sqlite_sequence is not what the manifest says");
  auto dangling = TRY(copy.prepare("PRAGMA foreign_key_check"));
  while (TRY(dangling.step())) ++out.dangling;
  return {};
}

}  // namespace

Result<void> make_self_contained(const std::string& path) {
  auto copy = TRY(Connection::open(path, Open::kWrite));
  const std::string mode = TRY(copy.text("PRAGMA journal_mode=DELETE"));
  if (mode != "delete") return Error{Code::kInternal, path + ": journal mode stays '" + mode + "'", ""};
  return {};
}

Result<void> save_copy(const std::string& file, const std::string& to, const Progress& progress) {
  const std::string partial = to + ".partial";
  remove_database(partial);
  Cleanup cleanup([&] { remove_database(partial); });
  {
    auto live = TRY(Connection::open(file, Open::kQuery));
    TRY_VOID(live.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
    const int64_t pages = TRY(live.integer("PRAGMA page_count")), page_size = TRY(live.integer("PRAGMA page_size"));
    TRY_VOID(require_space(parent_of(to), static_cast<uint64_t>(pages * page_size), "keeping a copy of " + file));
    auto copy = TRY(Connection::open(partial, Open::kCreate));
    TRY_VOID(copy_pages(live, copy, progress));
  }
  TRY_VOID(make_self_contained(partial));
  TRY_VOID(sync_file(partial));
  TRY_VOID(rename_file(partial, to));
  cleanup.dismiss();
  return {};
}

Result<Manifest> backup(const std::string& file, const std::string& backup, const std::string& manifest_path,
                        const Progress& progress) {
  if (auto there = load_manifest(manifest_path); there && check_bytes(backup, *there)) return there;
  TRY_VOID(os::remove_file(manifest_path));
  const std::string partial = backup + ".partial";
  remove_database(partial);
  Cleanup cleanup([&] { remove_database(partial); });

  Manifest manifest{.source = file, .taken_at = to_iso(system_clock().wall())};
  {
    auto live = TRY(Connection::open(file, Open::kQuery));
    TRY_VOID(live.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
    const int64_t pages = TRY(live.integer("PRAGMA page_count")), page_size = TRY(live.integer("PRAGMA page_size"));
    TRY_VOID(require_space(parent_of(backup), static_cast<uint64_t>(pages * page_size), "a backup of " + file));
    manifest.journal_mode = TRY(live.text("PRAGMA journal_mode"));
    {
      auto copy = TRY(Connection::open(partial, Open::kCreate));
      TRY_VOID(copy_pages(live, copy, progress));
    }
    if (progress) progress("counting and hashing " + counted(pages, "page"));
    manifest.schema = TRY(read_schema(live));
    manifest.tables = TRY(read_content(live, manifest.schema));
    manifest.sequences = TRY(read_sequences(live));
    TRY_VOID(live.exec("COMMIT"));
  }
  TRY_VOID(make_self_contained(partial));
  TRY_VOID(sync_file(partial));
  TRY_VOID(measure_file(partial, manifest));
  manifest.digest = TRY(page_digest_of(partial, Open::kFixed)).hex();
  TRY_VOID(rename_file(partial, backup));
  cleanup.dismiss();
  TRY_VOID(store_manifest(manifest, manifest_path));
  return manifest;
}

Result<void> check_bytes(const std::string& file, const Manifest& manifest) {
  Manifest found;
  TRY_VOID(measure_file(file, found));
  if (found.sha256 == manifest.sha256 && found.size == manifest.size) return {};
  std::string what = file + ": ";
  if (found.size != manifest.size)
    what += std::to_string(found.size) + " bytes, the manifest says " + std::to_string(manifest.size) + "; ";
  return Error{Code::kCorrupt, what + "damaged at " + join(damaged_blocks(manifest, found), ", "),
               "use an older checkpoint: backout releases"};
}

Result<Verification> verify_backup(const std::string& backup, const Manifest& manifest, const Progress& progress) {
  Verification out;
  if (const auto bytes = check_bytes(backup, manifest); !bytes) {
    if (bytes.error().code != Code::kCorrupt) return bytes.error();
    out.faults.push_back(bytes.error().message);
  }
  const std::string scratch = backup + ".scratch";
  TRY_VOID(require_space(parent_of(backup), manifest.size, "a test restore of " + backup));
  remove_database(scratch);
  const Cleanup cleanup([&] { remove_database(scratch); });
  TRY_VOID(copy_file(backup, scratch, progress));
  if (const auto inside = check_inside(scratch, manifest, out, progress); !inside) {
    if (inside.error().code != Code::kCorrupt && out.faults.empty()) return inside.error();
    out.faults.push_back("restored copy: " + inside.error().message);
  }
  return out;
}

Result<void> record_verified(const std::string& backup, const Manifest& manifest) {
  const Json record{{"sha256", manifest.sha256}, {"verified_at", to_iso(system_clock().wall())}};
  return os::write_file_atomic(backup + ".verified.json", canonical(record) + "\n", 0600);
}

Result<void> restore_beside(const std::string& backup, const Manifest& manifest, const std::string& beside,
                            const Progress& progress) {
  if (os::exists(beside) && check_bytes(beside, manifest)) return {};
  TRY_VOID(require_space(parent_of(beside), manifest.size, "restoring beside"));
  const std::string partial = beside + ".partial";
  remove_database(partial);
  Cleanup cleanup([&] { remove_database(partial); });
  TRY_VOID(copy_file(backup, partial, progress));
  if (auto copied = check_bytes(partial, manifest); !copied) {
    TRY_VOID(check_bytes(backup, manifest).with_context("the backup"));
    return std::move(copied).with_context("the backup is whole, its copy is not");
  }
  Verification inside;
  TRY_VOID(check_inside(partial, manifest, inside, progress));
  if (!inside.faults.empty())
    return Error{Code::kCorrupt, backup + " does not restore: " + join(inside.faults, "; "),
                 "use an older checkpoint: backout releases"};
  TRY_VOID(sync_file(partial));
  remove_database(beside);
  TRY_VOID(rename_file(partial, beside));
  cleanup.dismiss();
  return {};
}

}  // namespace backout::database

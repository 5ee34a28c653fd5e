#include "database/postgresql/load.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "database/archive/pg_archive.h"
#include "database/archive/stream.h"
#include "database/archive/trailer.h"
#include "database/postgresql/backup.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/owners_in_public.h"
#include "database/postgresql/programs.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/script.h"
#include "os/file.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {
namespace {

struct Loading {
  Server server;
  std::string archive, sha256, taken_at, beside, like, maintenance, programs;
  BackupJob backup;  // of what was loaded
};

struct Poured {
  archive::Kind kind = archive::Kind::kUnknown;
  archive::Packing packing = archive::Packing::kNone;
  std::string sha256;
  std::vector<std::string> complaints;
};

Result<Loading> loading_from(const Json& args) {
  Loading job;
  job.server = TRY(server_of(args));
  job.archive = TRY(need_path(args, "archive"));
  job.sha256 = TRY(need(args, "sha256"));
  job.taken_at = get_string(args, "taken_at");
  job.beside = TRY(need_our_database(args, "beside"));
  job.like = TRY(need(args, "like"));
  job.maintenance = get_string(args, "maintenance");
  job.programs = get_string(args, "programs");
  job.backup.server = job.server;
  job.backup.directory = TRY(need_path(args, "directory"));
  job.backup.manifest = TRY(need_path(args, "manifest"));
  job.backup.programs = job.programs;
  return job;
}

/// What pg_restore complained of, as far as it does no harm; kCorrupt for anything else.
Result<std::vector<std::string>> complaints_of(const os::ProcessResult& ran) {
  std::vector<std::string> harmless;
  for (const std::string& line : split(ran.err, '\n')) {
    if (line.find("error:") == std::string::npos) continue;
    if (!is_harmless(line)) return program_error(ran, "pg_restore");
    harmless.push_back(one_line(line));
  }
  if (!ran.ok() && harmless.empty()) return program_error(ran, "pg_restore");
  return harmless;
}

/// A program that is missing or too old says nothing of the archive.
Result<Program> program_for(const std::string& name, int server_version, const Loading& job) {
  auto program = find_program(name, server_version, job.programs);
  if (!program) program.error().code = Code::kUnavailable;
  return program;
}

/// pg_restore of the archive: by its name, or, packed as it lies there, through its standard input.
std::vector<std::string> restore_command(const Loading& job, const Program& program, const std::string& connection,
                                         archive::Packing packing) {
  const std::vector<std::string> options = {"--no-password", "--no-subscriptions", "--dbname=" + connection};
  std::vector<std::string> argv = {program.path};
  if (packing != archive::Packing::kNone)
    argv = {"sh",
            "-c",
            "unpack=$1 archive=$2; shift 2\n\"$unpack\" -dcq -- \"$archive\" | \"$@\"",
            "sh",
            std::string(archive::name_of(packing)),
            job.archive,
            program.path};
  argv.insert(argv.end(), options.begin(), options.end());
  if (packing == archive::Packing::kNone) argv.push_back(job.archive);
  return argv;
}

Result<void> pour_archive(const Loading& job, const std::string& database, int server_version, Poured& poured) {
  const Program program = TRY(program_for("pg_restore", server_version, job));
  const std::string connection = TRY(connection_argument(job.server, database));
  const auto ran = TRY(run_program(restore_command(job, program, connection, poured.packing), "backout load", {}));
  auto complaints = complaints_of(ran);
  if (!complaints && complaints.error().code == Code::kInternal) complaints.error().code = Code::kCorrupt;
  poured.complaints = TRY(std::move(complaints).with_context(job.archive + " does not restore"));
  return {};
}

/// From its first byte to its last: SQL text is run on the way, the others are only measured.
Result<void> read_archive(const Loading& job, const std::string& database, Poured& poured) {
  auto into = TRY(Connection::open(job.server, database));
  TRY_VOID(into.exec("SET search_path = public, pg_catalog"));
  ScriptRunner script(into);
  archive::TarWalk tar;
  std::optional<archive::Kind> kind;
  std::string head;
  const auto hand_on = [&](std::string_view bytes) -> Result<void> {
    if (*kind == archive::Kind::kPgTar) return tar.take(bytes);
    return *kind == archive::Kind::kPgSql || *kind == archive::Kind::kSql ? script.take(bytes) : Result<void>();
  };
  const auto streamed = TRY(archive::stream(job.archive, {}, [&](std::string_view bytes) -> Result<void> {
    if (kind) return hand_on(bytes);
    head += bytes;
    if (head.size() < archive::kHead) return {};
    kind = archive::kind_of(head);
    return hand_on(std::exchange(head, {}));
  }));
  if (!kind) {
    kind = archive::kind_of(head);
    TRY_VOID(hand_on(std::exchange(head, {})));
  }
  poured.kind = *kind;
  poured.sha256 = streamed.sha256;
  poured.packing = streamed.packed;
  if (*kind == archive::Kind::kPgTar) TRY_VOID(tar.finish());
  if (*kind == archive::Kind::kEmpty) return Error{Code::kCorrupt, "there is nothing in it", ""};
  if (*kind == archive::Kind::kPgSql || *kind == archive::Kind::kSql) {
    TRY_VOID(script.finish());
    if (const std::string fault = archive::fault_of_end(*kind, streamed.head, streamed.tail); !fault.empty())
      return Error{Code::kCorrupt, fault, ""};
    poured.complaints = script.complaints();
  } else if (!archive::is_postgresql(*kind)) {
    return Error{Code::kUnsupported,
                 fmt::format("it is a {}, and the site's database is PostgreSQL", archive::name_of(*kind)), ""};
  }
  return {};
}

/// Who may own objects in an archive is not known before it is restored: each role that ours may act as is let in.
Result<std::vector<Role>> possible_owners(Connection& connection) {
  const Rows rows = TRY(connection.query(
      "SELECT r.rolname FROM pg_roles r WHERE r.rolname <> current_user AND pg_has_role(current_user, r.oid, 'MEMBER') "
      "AND r.rolname NOT LIKE 'pg\\_%' AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) ORDER BY "
      "1"));
  std::vector<Role> roles;
  for (int i = 0; i < rows.count(); ++i) roles.push_back({.name = rows.text(i, 0), .owns = true});
  return roles;
}

Result<Poured> pour_into(const Loading& job, const std::string& database, int server_version) {
  Poured poured;
  if (std::filesystem::is_directory(job.archive)) {
    poured.kind = archive::Kind::kPgDirectory;
    poured.sha256 = TRY(archive::sha256_of_directory(job.archive));
  } else {
    TRY_VOID(read_archive(job, database, poured).with_context(job.archive));
  }
  if (poured.sha256 != job.sha256)
    return Error{Code::kConflict, job.archive + " is not the file that was chosen: its bytes have changed",
                 "plan the rollback again"};
  if (poured.kind == archive::Kind::kPgCustom || poured.kind == archive::Kind::kPgTar ||
      poured.kind == archive::Kind::kPgDirectory)
    TRY_VOID(pour_archive(job, database, server_version, poured));
  return poured;
}

Result<Poured> load_into(Loading& job, Connection& connection, const std::string& draft, const Progress& progress) {
  const DatabaseFacts facts = TRY(read_database_facts(connection, job.like));
  TRY(program_for("pg_dump", connection.server_version(), job));
  TRY_VOID(require_room_on_server(
      connection, static_cast<uint64_t>(TRY(connection.integer("SELECT pg_database_size($1::name)", {job.like})))));
  TRY_VOID(create_empty(connection, draft, facts));
  if (progress) progress("restoring " + one_line(job.archive) + " into " + draft);
  const std::vector<Role> owners = TRY(possible_owners(connection));
  auto restored = TRY(Connection::open(job.server, draft));
  const LetIn let_in = TRY(let_owners_in(restored, owners));
  Poured poured = TRY(pour_into(job, draft, connection.server_version()));
  TRY_VOID(put_owners_out(restored, let_in, to_json(schema::postgresql::Catalog{})));
  job.backup.database = draft;
  job.backup.as = DumpedAs{job.archive, job.taken_at, facts};
  const Manifest made = TRY(back_up(job.backup, progress));
  if (made.content.tables.empty()) {
    TRY_VOID(os::remove_file(job.backup.manifest));
    return Error{Code::kCorrupt, "there is no table in " + job.archive, ""};
  }
  return poured;
}

}  // namespace

Result<Json> run_load(const Json& args, const Progress& progress) {
  Loading job = TRY(loading_from(args));
  const BootTime began = system_clock().boot();
  Poured poured;
  auto there = load_manifest(job.backup.manifest);
  if (!there || there->source != job.archive || !check_dump(job.backup.directory, *there)) {
    auto connection = TRY(open_maintenance_for(job.server, job.maintenance, job.beside));
    TRY_VOID(drop_unfinished(connection, job.beside));
    const std::string draft = unfinished_name(job.beside);
    auto loaded = load_into(job, connection, draft, progress);
    auto dropped = drop_database(connection, draft);
    if (!loaded) return dropped ? loaded.error() : std::move(loaded).error().followed_by(dropped.error());
    TRY_VOID(dropped ? Result<void>() : Result<void>(dropped.error()));
    poured = std::move(*loaded);
    there = load_manifest(job.backup.manifest);
  }
  const Manifest manifest = TRY(std::move(there));
  const Json part = TRY(checkpoint_part(manifest, job.backup.directory, job.backup.manifest));
  Json evidence{{"part", part},
                {"tables", manifest.content.tables.size()},
                {"rows", manifest.content.rows()},
                {"size", manifest.size()},
                {"notes", manifest.notes},
                {"took_ms", (system_clock().boot() - began).count()}};
  if (poured.kind != archive::Kind::kUnknown) {  // not when it was there already
    evidence["kind"] = archive::name_of(poured.kind);
    evidence["complaints"] = poured.complaints;
  }
  return evidence;
}

Result<Json> look_at_load(const Json& args) {
  const auto manifest = load_manifest(TRY(need_path(args, "manifest")));
  if (!manifest) return sight(false, manifest.error().message);
  return sight_of(check_dump(TRY(need_path(args, "directory")), *manifest),
                  "it is loaded, and has the files that its manifest names");
}

}  // namespace backout::postgresql

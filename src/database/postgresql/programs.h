// pg_dump, pg_restore and psql: which one fits the server, how it is called, what its words mean.
//
// A connection string goes into argv, so it must hold no password; the environment (PGPASSWORD, PGPASSFILE, PGSSLMODE)
// is inherited. Exit status 0 is no evidence of anything: callers compare with the manifest.
#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/connection.h"
#include "os/process.h"

namespace backout::postgresql {

struct Program {
  std::string path;
  std::string version;  // "pg_dump (PostgreSQL) 15.20"
  int major = 0;        // 15
};

/// The one of the server's own major version where Debian's and PGDG's packages put them, else the one on PATH.
/// `directory` not empty: only there. kNotFound; kUnsupported when it is older than `server_version` (150020).
Result<Program> find_program(const std::string& name, int server_version, const std::string& directory);

/// What --dbname takes: the server's connection string with this database in it.
Result<std::string> connection_argument(const Server& server, const std::string& database);

/// `session`: the application_name that its sessions show.
Result<os::ProcessResult> run_program(std::vector<std::string> argv, const std::string& session, std::stop_token stop);

/// What pg_dump or pg_restore complained of. Full disks, missing rights, locks and broken files get their own codes;
/// else kInternal.
Error program_error(const os::ProcessResult& result, const std::string& program);

}  // namespace backout::postgresql

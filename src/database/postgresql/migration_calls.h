// MigrationCalls: runs a team's migrator against one database, here, with the code of the release that brought the
// migrations.
//
// Which database is said in its environment alone: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, and what
// backout.yaml says with {database} and {url} filled in. Whether the tool heeds it is not believed: see
// only_the_copy().
#pragma once
#include <string>

#include "database/postgresql/connection.h"
#include "database/postgresql/migration_tool.h"
#include "os/process.h"

namespace backout::postgresql {

class MigrationCalls {
 public:
  /// `migrations`: {"tool", "how", "release", "previous"?, "directory"?, "environment"?, "user"?, "timeout_ms"?}.
  /// `connection` tells how the server is reached.
  static Result<MigrationCalls> of(const Json& migrations, const Connection& connection);

  const MigrationTool& tool() const { return *tool_; }
  const Json& how() const { return how_; }
  const std::string& directory() const { return directory_; }
  /// What the sessions of the tool are called at the server, unless it says otherwise itself. No other has it.
  const std::string& application() const { return application_; }
  /// Of the release that comes back; empty: it lies nowhere by itself.
  const std::string& previous() const { return previous_; }

  enum class May { kLook, kWrite };
  Result<os::ProcessResult> run(const Argv& argv, const std::string& database, May may,
                                std::stop_token stop = {}) const;
  /// The tool's own list of `database`. kFailed words are the tool's.
  Result<Listed> list(const std::string& database) const;
  /// Last lines of what it printed, for an error: one line, without what could be a password.
  std::string complaint(const os::ProcessResult& result) const;

 private:
  const MigrationTool* tool_ = nullptr;
  Json how_, environment_;
  std::string directory_, previous_, user_;
  Millis timeout_{600'000};
  std::string host_, port_, role_, password_, application_;
};

}  // namespace backout::postgresql

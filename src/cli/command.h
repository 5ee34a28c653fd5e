// Commands: one file each (cmd_<name>.cc). A command returns its exit status, prints its result on stdout and what went
// wrong on stderr; it never calls exit().
#pragma once
#include <string>
#include <vector>

#include "app/history/resolving.h"
#include "app/site/workspace.h"

namespace backout::cli {

struct Globals {
  app::Where where;
  bool json = false;  // -o json
  bool no_color = false;
  bool quiet = false;    // -q: only what went wrong, and the last line
  bool verbose = false;  // -v: the output of every command
};

struct PlanOptions {
  std::string version, rung, to_time;
  bool code_only = false, db_only = false, forward = false;
};
struct RollbackOptions {
  PlanOptions plan;
  std::string reason, plan_id;
  bool yes = false, pick = false;
};
struct DeployOptions {
  std::string version, commit, timeout = "1h";
  std::vector<std::string> command;
};

struct VerifyOptions {
  std::string version;
  std::vector<std::string> answer;  // STEP, yes or no
  std::string as, note;             // of an answer
  bool ask = false;
};

struct RescueOptions {
  std::string path, version;
  bool yes = false, dry_run = false;
};

struct ReportOptions {
  std::string incident, format = "md", out;
  bool for_public = false;
};
struct WatchOptions {
  std::string span, every;
};
struct DecideOptions {
  std::vector<std::string> facts;  // NAME=VALUE
  std::string journal;             // with `replay`; empty: this site's own
  bool explain = false, ask = true, replay = false;
};

struct InitOptions {
  std::string answers;              // a file
  std::vector<std::string> answer;  // KEY=VALUE
  std::string root;                 // hidden: where /etc and /proc are, in tests
  bool yes = false, force = false, print = false;
};

int init(const Globals& globals, const InitOptions& options);
struct ImportOptions {
  std::string runbook, site;
  std::vector<std::string> fill, ways;  // NAME=VALUE; parts of titles
  bool print = false;
};
int import_runbook(const Globals& globals, const ImportOptions& options);
struct LintOptions {
  std::string file;
  bool schema = false, overlay_schema = false;
};
int lint(const Globals& globals, const LintOptions& options);
int deploy(const Globals& globals, const DeployOptions& options);
int checkpoint(const Globals& globals);
int record(const Globals& globals, const std::string& version, const std::string& commit);
int good(const Globals& globals, const std::string& version, const std::string& why);
int bad(const Globals& globals, const std::string& version, const std::string& why);
int note(const Globals& globals, const std::string& text, const std::string& file, const std::string& section);
int releases(const Globals& globals);
int sites(const Globals& globals);
int resolve(const Globals& globals, const std::string& release, const app::Cause& given);
int status(const Globals& globals);
int log(const Globals& globals, const std::string& run, const std::string& step);
int log_of_what_broke(const Globals& globals);
int ready(const Globals& globals, bool prove);
int try_migration(const Globals& globals, const std::string& file);
int verify(const Globals& globals, const VerifyOptions& options);
int tick(const Globals& globals);
int watch(const Globals& globals, const WatchOptions& options);
int decide(const Globals& globals, const DecideOptions& options);
int report_problem(const Globals& globals, const std::string& text, bool severe);
int plan(const Globals& globals, const PlanOptions& options);
int rollback(const Globals& globals, const RollbackOptions& options);
int resume(const Globals& globals, const std::string& run);
int abort_run(const Globals& globals, const std::string& run);
int retry(const Globals& globals, const std::string& run);
int backups_list(const Globals& globals);
int backups_check(const Globals& globals);
int backups_take(const Globals& globals);
int rescue_count(const Globals& globals, const RescueOptions& options);
int rescue_export(const Globals& globals, const RescueOptions& options);
int rescue_apply(const Globals& globals, const RescueOptions& options);
int report(const Globals& globals, const ReportOptions& options);
int audit_verify(const Globals& globals);
int journal_export(const Globals& globals);
/// `backout internal complete WHAT`: words for a shell, one a line.
int complete(const Globals& globals, const std::string& what);
int internal(const Globals& globals, const std::vector<std::string>& arguments);

}  // namespace backout::cli

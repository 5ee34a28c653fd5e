// The command line: what can be said, in one place. CLI11 is included here and nowhere else.
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/failure.h"

namespace {

using namespace backout::cli;

struct Line {
  Globals globals;
  PlanOptions plan;
  RollbackOptions rollback;
  DeployOptions deploy;
  backout::app::Cause cause;
  VerifyOptions verify;
  RescueOptions rescue;
  WatchOptions watch;
  ReportOptions report;
  DecideOptions decide;
  bool severe = false;
  std::string output = "text", file, name, why, commit, text, run, step, section, server;
  InitOptions init;
  ImportOptions import_from;
  LintOptions lint;
  std::vector<std::string> rest;
  bool prove = false;
  std::string try_file;
  bool broke = false;
  std::function<int()> chosen;
};

/// What CLI11 knows of a command, for completion. Hidden commands and options are left out.
CommandWords described(const CLI::App& app) {
  CommandWords command{.name = app.get_name(), .doc = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    Word word{.takes = option->get_type_name(), .choices = {}};
    if (const size_t colon = word.takes.find(":{"); colon != std::string::npos) {
      word.choices = backout::split(word.takes.substr(colon + 2, word.takes.size() - colon - 3), ',');
      word.takes.resize(colon);
    }
    if (word.takes == "TEXT") word.takes = option->get_single_name();  // CLI11's own word for anything
    if (option->nonpositional() && !option->get_group().empty()) {
      OptionWords words{
          .doc = option->get_description(), .has_value = option->get_items_expected_min() > 0, .value = word};
      for (const std::string& name : option->get_snames()) words.names.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) words.names.push_back("--" + name);
      command.options.push_back(std::move(words));
    } else if (option->get_positional()) {
      word.takes = option->get_name(true);
      command.positionals.push_back(std::move(word));
    }
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    command.commands.push_back(described(*child));
  return command;
}

void add_plan_options(CLI::App* command, PlanOptions& plan) {
  command->add_option("version", plan.version, "where to go; without it the last known-good release");
  command->add_flag("--code-only", plan.code_only, "leave the database alone");
  command->add_flag("--db-only", plan.db_only, "leave the code alone");
  command
      ->add_option("--rung", plan.rung,
                   "what becomes of the database: leave, step-down or restore (default: the first that works)")
      ->check(CLI::IsMember({"leave", "step-down", "restore"}))
      ->type_name("RUNG");
  command
      ->add_option("--to-time", plan.to_time,
                   "the database as it was at a moment, by pgBackRest: 'YYYY-MM-DD HH:MM:SS+ZZ'")
      ->type_name("TIME");
  command->add_flag("--forward", plan.forward, "the way forward again, after a rollback");
}

void add_globals(CLI::App& app, Line& line) {
  app.add_option("-f", line.globals.where.file, "configuration file (default: backout.yaml)")->type_name("FILE");
  app.add_option("-C", line.globals.where.directory, "look for it there")->type_name("DIR");
  app.add_option("-e", line.globals.where.environment, "environment: backout.<ENV>.yaml lies over it")
      ->type_name("ENV");
  app.add_option("--state", line.globals.where.state, "where the journal lives")->type_name("DIR");
  app.add_option("-o", line.output, "text or json")->check(CLI::IsMember({"text", "json"}))->type_name("FORM");
  app.add_flag("--no-color", line.globals.no_color, "no colours (as NO_COLOR)");
  app.add_flag("-q", line.globals.quiet, "say less");
  app.add_flag("-v", line.globals.verbose, "say more: the output of every command");
}

CLI::App* add(CLI::App& app, const char* name, const char* what, Line& line, std::function<int()> action) {
  CLI::App* command = app.add_subcommand(name, what);
  command->fallthrough();
  command->callback([&line, action = std::move(action)] { line.chosen = action; });
  return command;
}

void add_release_commands(CLI::App& app, Line& line) {
  auto* deploy_command = add(app, "deploy", "checkpoint, run your deploy command, record the release, check it", line,
                             [&] { return deploy(line.globals, line.deploy); });
  deploy_command->add_option("--version", line.deploy.version, "the name of the release")->type_name("V");
  deploy_command->add_option("--commit", line.deploy.commit, "its git commit, where no tag of that name tells")
      ->type_name("SHA");
  deploy_command->add_option("--timeout", line.deploy.timeout, "how long the command may take (default 1h)");
  deploy_command->add_option("command", line.deploy.command, "-- and your deploy command");
  add(app, "checkpoint", "save what is needed to come back to what runs now", line,
      [&] { return checkpoint(line.globals); });
  auto* record_command = add(app, "record", "tell the journal which release runs now", line,
                             [&] { return record(line.globals, line.name, line.commit); });
  record_command->add_option("version", line.name)->required();
  record_command->add_option("--commit", line.commit, "its git commit");
  for (const bool is_good : {true, false}) {
    auto* mark =
        add(app, is_good ? "good" : "bad", is_good ? "mark a release known-good" : "mark a release bad", line,
            [&line, is_good] {
              return is_good ? good(line.globals, line.name, line.why) : bad(line.globals, line.name, line.why);
            });
    mark->add_option("version", line.name, "without it the current release");
    mark->add_option("--reason", line.why, "why");
  }
  add(app, "releases", "what was deployed here, and what may be gone back to", line,
      [&] { return releases(line.globals); });
  add(app, "sites", "every site of this journal: what runs, what is good, the last rollback", line,
      [&] { return sites(line.globals); });
  auto* resolve_command = add(app, "resolve", "why a release failed: then it may be deployed again", line,
                              [&] { return resolve(line.globals, line.name, line.cause); });
  resolve_command->add_option("release", line.name, "a release, or the incident that left it")->required();
  resolve_command->add_option("--cause", line.cause.cause, "what failed, and why");
  resolve_command->add_option("--fix", line.cause.fix, "what was done about it");
  resolve_command->add_option("--missed", line.cause.missed, "why testing did not catch it");
  resolve_command->add_option("--prevent", line.cause.prevent, "what will catch it next time");
  add(app, "status", "what is going on", line, [&] { return status(line.globals); });
  auto* log_command = add(app, "log", "what happened", line, [&] {
    return line.broke ? log_of_what_broke(line.globals) : log(line.globals, line.run, line.step);
  });
  log_command->add_flag("--broke", line.broke,
                        "what broke: every rollback of every site, its first bad sign and its cause");
  log_command->add_option("run", line.run, "a run or an incident; without it everything");
  log_command->add_option("--step", line.step, "one step, with its output");
  auto* verify_command = add(app, "verify", "look now whether the release serves", line,
                             [&] { return verify(line.globals, line.verify); });
  verify_command->add_option("version", line.verify.version, "without it the current release");
  verify_command->add_flag("--ask", line.verify.ask, "ask the manual checks too, and record who answered");
  verify_command->add_option("--answer", line.verify.answer, "answer what a run asks: yes or no")
      ->type_name("STEP yes|no")
      ->expected(2);
  verify_command->add_option("--as", line.verify.as, "who answers (default: you)")->type_name("NAME");
  verify_command->add_option("--note", line.verify.note, "what was seen")->type_name("TEXT");
  add(app, "tick", "timer work: the next look of a watch, or verify; mark known-good what has baked", line,
      [&] { return tick(line.globals); });
  auto* watch_command = add(app, "watch", "follow the release: look again and again until the watch is over", line,
                            [&] { return watch(line.globals, line.watch); });
  watch_command->add_option("--for", line.watch.span, "begin one of that length (default: watch.heightened)")
      ->type_name("SPAN");
  watch_command->add_option("--every", line.watch.every, "the time between looks (default 30s)")->type_name("SPAN");
  auto* decide_command = add(app, "decide", "what to do about the release that serves, and why", line,
                             [&] { return decide(line.globals, line.decide); });
  decide_command
      ->add_option("--fact", line.decide.facts,
                   "what no signal can tell, as hotfix=20m or users=60%; kept while this release serves")
      ->type_name("NAME=VALUE");
  decide_command->add_flag("--explain", line.decide.explain, "every step, fact and rule");
  decide_command->add_flag("!--no-questions", line.decide.ask, "ask nothing, also on a terminal");
  auto* replay_option =
      decide_command
          ->add_option(
              "--replay", line.decide.journal,
              "decide past verdicts again by today's rules: of that journal, or export of one; without it this site's")
          ->type_name("JOURNAL")
          ->expected(0, 1);
  decide_command->callback([&line, replay_option] {
    line.chosen = [&line, replay_option] {
      line.decide.replay = replay_option->count() > 0;
      return decide(line.globals, line.decide);
    };
  });
  auto* problem_command = add(app, "report-problem", "a person says that something is wrong", line,
                              [&] { return report_problem(line.globals, line.text, line.severe); });
  problem_command->add_option("text", line.text, "what is seen")->required();
  problem_command->add_flag("--down", line.severe, "nobody can work");
  auto* note_command = add(app, "note", "a person's word for the record", line,
                           [&] { return note(line.globals, line.text, line.file, line.section); });
  note_command->add_option("text", line.text)->required();
  note_command->add_option("--file", line.file, "evidence to keep");
  note_command
      ->add_option("--section", line.section,
                   "it is that section of the report: impact, root-cause, lessons, actions, public")
      ->type_name("NAME");
}

void add_run_commands(CLI::App& app, Line& line) {
  auto* ready_command = add(app, "ready", "can we go back now: to what, how long, what would be lost", line, [&] {
    return line.try_file.empty() ? ready(line.globals, line.prove) : try_migration(line.globals, line.try_file);
  });
  ready_command->add_flag("--prove", line.prove,
                          "take the slow looks, too: restore the backup, read and build the code");
  ready_command
      ->add_option("--try", line.try_file,
                   "instead: try a migration on a copy of the database, and say what a rollback of it would do")
      ->type_name("FILE.sql");
  add_plan_options(add(app, "plan", "what a rollback would do; changes nothing", line,
                       [&] { return plan(line.globals, line.plan); }),
                   line.plan);
  auto* rollback_command = add(app, "rollback", "take the site back to known good", line,
                               [&] { return rollback(line.globals, line.rollback); });
  add_plan_options(rollback_command, line.rollback.plan);
  rollback_command->add_option("--reason", line.rollback.reason, "why; goes into the record");
  rollback_command->add_option("--plan", line.rollback.plan_id, "run exactly this plan")->type_name("ID");
  rollback_command->add_flag("--pick", line.rollback.pick, "choose from a list");
  rollback_command->add_flag("--yes", line.rollback.yes, "do not ask");
  struct Again {
    const char* name;
    const char* what;
    int (*action)(const Globals&, const std::string&);
  };
  for (const Again& again : {Again{"resume", "carry on an interrupted run", resume},
                             Again{"abort", "put everything back, until the door is open", abort_run},
                             Again{"retry", "try failed steps again", retry}})
    add(app, again.name, again.what, line, [&line, action = again.action] {
      return action(line.globals, line.run);
    })->add_option("run", line.run, "a run or an incident; without it the unfinished one");
  auto* report_command =
      add(app, "report", "the incident record", line, [&] { return report(line.globals, line.report); });
  report_command->add_option("incident", line.report.incident, "without it the newest");
  report_command->add_option("--format", line.report.format, "md, html or json")->type_name("FORM");
  report_command->add_flag("--public", line.report.for_public,
                           "the form for everybody: no hosts, people, commands, reasons");
  report_command->add_option("--out", line.report.out, "write it there; what people wrote into it stays")
      ->type_name("FILE");
}

void add_init(CLI::App& app, Line& line) {
  auto* command = add(app, "init", "look at a project and its host, and write backout.yaml", line,
                      [&] { return init(line.globals, line.init); });
  command->add_option("--answer", line.init.answer, "KEY=VALUE, for what cannot be seen; may be said several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--answers", line.init.answers, "a file of KEY: VALUE lines")->type_name("FILE");
  command->add_flag("--yes", line.init.yes, "take every default");
  command->add_flag("--force", line.init.force, "replace an existing file, and keep a copy beside it");
  command->add_flag("--print", line.init.print, "print the file instead of writing it");
  command->add_option("--host-root", line.init.root)->group("");
}

void add_import(CLI::App& app, Line& line) {
  auto* command = add(app, "import", "read a rollback runbook in Markdown, and draft backout.yaml from it", line,
                      [&] { return import_runbook(line.globals, line.import_from); });
  command->add_option("runbook", line.import_from.runbook, "a Markdown file; nothing of it is run")
      ->required()
      ->type_name("FILE");
  command->add_option("--fill", line.import_from.fill, "NAME=VALUE for a placeholder; may be said several times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--way", line.import_from.ways,
                   "of several ways to one end, the one whose title contains this; may be said several times")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--site", line.import_from.site, "the site's name (default: from the title)")->type_name("NAME");
  command->add_flag("--print", line.import_from.print, "print the draft instead of writing it");
}

void add_rescue(CLI::App& app, Line& line) {
  CLI::App* rescue = app.add_subcommand("rescue", "rows that users wrote since a checkpoint, by themselves")
                         ->require_subcommand(1)
                         ->fallthrough();
  add(*rescue, "count", "how many were inserted, changed and deleted, exactly", line, [&] {
    return rescue_count(line.globals, line.rescue);
  })->add_option("version", line.rescue.version, "of its checkpoint; without it the last known-good release");
  auto* out = add(*rescue, "export", "write them to files, with both sides", line,
                  [&] { return rescue_export(line.globals, line.rescue); });
  out->add_option("directory", line.rescue.path, "a directory that is not there yet")->required()->type_name("DIR");
  out->add_option("version", line.rescue.version, "of its checkpoint; without it the last known-good release");
  auto* in = add(*rescue, "apply", "rows of an export, of conflicts or of an archive into the live database", line,
                 [&] { return rescue_apply(line.globals, line.rescue); });
  in->add_option("file", line.rescue.path, "a file of rows, or the directory of an export")->required();
  in->add_flag("--dry-run", line.rescue.dry_run, "say what would come of it, and change nothing");
  in->add_flag("--yes", line.rescue.yes, "do not ask");
}

void add_upkeep_commands(CLI::App& app, Line& line) {
  auto* lint_command = add(app, "lint", "check backout.yaml", line, [&] { return lint(line.globals, line.lint); });
  lint_command->add_option("file", line.lint.file);
  lint_command->add_flag("--schema", line.lint.schema, "print the JSON Schema of backout.yaml, for editors");
  lint_command->add_flag("--overlay-schema", line.lint.overlay_schema, "print that of an overlay");
  CLI::App* backups = app.add_subcommand("backups", "backups of the database: which there are, and which are whole")
                          ->require_subcommand(0, 1)
                          ->fallthrough();
  backups->callback([&line, backups] {
    if (backups->get_subcommands().empty()) line.chosen = [&line] { return backups_list(line.globals); };
  });
  add(*backups, "list", "what is there, and what the last test said", line, [&] { return backups_list(line.globals); });
  add(*backups, "check", "test every one now: read it to its end, restore it beside", line,
      [&] { return backups_check(line.globals); });
  add(*backups, "take", "make one now, and test it", line, [&] { return backups_take(line.globals); });
  add_rescue(app, line);
  CLI::App* audit = app.add_subcommand("audit", "check the journal")->require_subcommand(1)->fallthrough();
  add(*audit, "verify", "walk every hash chain", line, [&] { return audit_verify(line.globals); });
  CLI::App* journal = app.add_subcommand("journal", "the record itself")->require_subcommand(1)->fallthrough();
  add(*journal, "export", "one event per line as JSON", line, [&] { return journal_export(line.globals); });
  add(app, "completion", "print a completion script: bash, zsh or fish", line,
      [&app, &line] {
        CommandWords program = described(app);
        program.name = "backout";
        return completion(program, line.name);
      })
      ->add_option("shell", line.name)
      ->required();
  auto* internal_command = add(app, "internal", "", line, [&] { return internal(line.globals, line.rest); });
  internal_command->group("")->add_option("rest", line.rest);
}

/// The word where a command was expected, when it is none: the first that is neither an option nor the value of one.
std::string word_that_is_no_command(const CLI::App& app, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("-")) {
      const CLI::Option* option = app.get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_min() > 0) ++i;
      continue;
    }
    const auto named = app.get_subcommands([&](const CLI::App* each) { return each->get_name() == word; });
    return named.empty() ? word : "";
  }
  return "";
}

int fail_unknown(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    names.push_back(command->get_name());
  const auto near = backout::nearest(word, names);
  const std::string shown = backout::shortened(backout::one_line(word), 60);
  return fail({backout::Code::kInvalid, "there is no command '" + shown + "'",
               near ? "did you mean: backout " + *near : "see what there is: backout --help"});
}

}  // namespace

int main(int argc, char** argv) {
  Line line;
  CLI::App app("backout takes a broken production release back to known good.\n");
  app.require_subcommand(1);
  app.set_version_flag("--version", "backout " BACKOUT_VERSION);
  app.footer(
      "Exit status: 0 done and verified; 1 failed, nothing changed or all put back; 2 usage or configuration;\n"
      "3 refused or not possible; 4 interrupted or Unknown, resume needed; 5 changed but not verified.");
  add_globals(app, line);
  add_init(app, line);
  add_import(app, line);
  add_release_commands(app, line);
  add_run_commands(app, line);
  add_upkeep_commands(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string unknown = error.get_exit_code() == 0 ? "" : word_that_is_no_command(app, argc, argv);
    if (!unknown.empty()) return fail_unknown(app, unknown);
    return app.exit(error) == 0 ? 0 : 2;
  }
  line.globals.json = line.output == "json";
  return line.chosen();
}

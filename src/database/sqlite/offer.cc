#include "database/sqlite/offer.h"

#include "base/text.h"
#include "database/sqlite/files.h"
#include "database/sqlite/rung.h"

namespace backout::database {
namespace {

/// "shop.sqlite3" from any path: what step ids may hold.
std::string subject_name(const std::string& file) {
  std::string name;
  for (const char c : schema::lowered(name_in_path(file))) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    name += plain ? c : '-';
  }
  return name.empty() ? "database" : name;
}

/// Rates of a slow disk; a step that takes longer hangs.
Millis time_for(const Json& seen) { return Millis(120'000 + get_int(seen, "size") / 2'000); }

class Offer {
 public:
  Offer(const driver::Offering& offering, const Json& seen)
      : offering_(offering),
        seen_(seen),
        file_(get_string(seen, "file", get_string(offering.subject, "file"))),
        name_(subject_name(file_)),
        host_(offering.hosts.front()) {}

  void save(const std::string& what, const std::string& word) {
    const std::string backup = in_run(what + ".sqlite"), manifest = in_run(what + ".manifest.json");
    add(word, Phase::kPrepare, "save " + file_,
        {"backup", {{"file", file_}, {"backup", backup}, {"manifest", manifest}}});
    add("verify-" + word, Phase::kPrepare, "restore that copy to a scratch file and compare every table",
        {"verify-backup", {{"backup", backup}, {"manifest", manifest}}}, {word});
  }

  Result<void> restore() {
    Json saved = offering_.saved;
    const Json& archive = get(saved, "archive");
    if (archive.is_object()) load(saved);
    const Json script = archive.is_object() ? get(offering_.subject, "restore_script") : Json();
    const std::string pristine = get_string(saved, "backup"), base = get_string(saved, "base", pristine);
    if (pristine.empty())
      return Error{Code::kNotFound, "the checkpoint names no copy of the database",
                   "use an older one: backout releases"};
    if (get_string(seen_, "encoding", "UTF-8") != "UTF-8")
      return Error{Code::kUnsupported,
                   file_ + " stores text as " + get_string(seen_, "encoding") +
                       ": its rows cannot be carried over by this version",
                   "roll back the code alone, or restore by hand"};
    const std::string beside = file_ + ".backout-" + run_name() + ".new",
                      kept = file_ + ".backout-" + run_name() + ".old",
                      aside = file_ + ".backout-" + run_name() + ".undone", record = in_run("rescue.json"),
                      marker = in_run("swap.json");
    const Json tables =
        get(offering_.subject, "tables").is_object() ? get(offering_.subject, "tables") : Json::object();
    const Json manifest{{"backup", pristine},
                        {"manifest", get_string(saved, "manifest")},
                        {"manifest_sha256", get_string(saved, "manifest_sha256")}};

    Json restore_args = manifest;
    restore_args["beside"] = beside;
    add("restore", Phase::kPrepare,
        "restore the copy of " + get_string(saved, "taken_at", "the checkpoint") +
            " beside the live file, checked against its manifest",
        {"restore", restore_args},
        archive.is_object() ? std::vector<std::string>{"save", "load"} : std::vector<std::string>{"save"},
        Verb{"discard", {{"path", beside}}});
    add("count", Phase::kPrepare, "count the rows written since",
        {"diff",
         {{"base", base},
          {"live", file_},
          {"target", beside},
          {"tables", tables},
          {"refuse_undecided", true},
          {"result", in_run("count.json")}}},
        {"restore"});
    add("rescue", Phase::kLastRows,
        "carry the rows written since into the restored file, and prove it by a second comparison",
        {"rescue",
         {{"base", base},
          {"live", file_},
          {"target", beside},
          {"pristine", pristine},
          {"tables", tables},
          {"record", record},
          {"conflicts", in_run("conflicts.jsonl")},
          {"archive", in_run("archive.jsonl")}}});
    Json swap_args{{"file", file_}, {"incoming", beside}, {"keep", kept}, {"record", record}, {"marker", marker}};
    Json keep_args{{"file", file_},
                   {"kept", kept},
                   {"base", base},
                   {"pristine", pristine},
                   {"record", record},
                   {"marker", marker},
                   {"directory", in_run("forward")},
                   {"tables", tables}};
    if (script.is_object()) run_script(script, archive, manifest, swap_args, keep_args);
    add("swap", Phase::kSwitch, "the restored file takes the place of " + file_ + "; the old one is kept",
        {"swap", swap_args},
        script.is_object() ? std::vector<std::string>{"restore-script"} : std::vector<std::string>{},
        Verb{"swap-back", {{"file", file_}, {"keep", get(swap_args, "keep")}, {"aside", aside}, {"marker", marker}}});
    look("schema-is", "the database has the schema of the checkpoint",
         {{"file", file_}, {"schema_hash", get_string(saved, "schema_hash")}});
    add("keep", Phase::kSettle, "keep what the way forward needs: the replaced database and what was swapped in",
        {"keep", keep_args});
    return {};
  }

  /// A team's own backup becomes a copy of ours first, which everything else starts from.
  void load(Json& saved) {
    const Json archive = get(saved, "archive");
    saved["backup"] = in_run("archive.sqlite");
    saved["manifest"] = in_run("archive.manifest.json");
    saved.erase("manifest_sha256");
    saved.erase("base");
    add("load", Phase::kPrepare,
        "load the backup " + one_line(get_string(archive, "name")) + " (" + get_string(archive, "kind") +
            "), checked to its end",
        {"load",
         {{"archive", get(archive, "path")},
          {"sha256", get(archive, "sha256")},
          {"taken_at", get_string(saved, "taken_at")},
          {"backup", saved["backup"]},
          {"manifest", saved["manifest"]}}});
  }

  /// The team's own command overwrites the live file: behind a second save, and looked at afterwards. The rows that
  /// users wrote come by the swap behind it.
  void run_script(const Json& script, const Json& archive, const Json& manifest, Json& swap_args, Json& keep_args) {
    const std::string last = in_run("last.sqlite"), last_manifest = in_run("last.manifest.json"),
                      own = file_ + ".backout-" + run_name();
    add("save-last", Phase::kLastRows, "save " + file_ + " again, as users left it",
        {"backup", {{"file", file_}, {"backup", last}, {"manifest", last_manifest}}});
    add("verify-save-last", Phase::kLastRows, "restore that copy to a scratch file and compare every table",
        {"verify-backup", {{"backup", last}, {"manifest", last_manifest}}}, {"save-last"});
    const Json before{{"backup", last},
                      {"manifest", last_manifest},
                      {"mode", get(seen_, "mode")},
                      {"owner", get(seen_, "owner")},
                      {"group", get(seen_, "group")}};
    Step& step = push("restore-script", Phase::kSwitch, StepKind::kEffect,
                      "your command restores " + one_line(get_string(archive, "name")) + " over " + file_,
                      {"script", {{"run", with_file(script, archive)}, {"file", file_}, {"wanted", manifest}}});
    step.timeout = Millis(get_int(script, "timeout_ms", 3'600'000));
    step.undo = Action{.driver = "sqlite",
                       .verb = "put-back",
                       .args = {{"file", file_},
                                {"before", before},
                                {"incoming", own + ".saved"},
                                {"keep", own + ".scripted-undone"},
                                {"marker", in_run("put-back.json")}}};
    swap_args["keep"] = own + ".scripted";
    swap_args["scripted"] = before;
    swap_args["wanted"] = manifest;
    keep_args["kept"] = last;
    keep_args["kept_manifest"] = last_manifest;
  }

  std::vector<Step> take() { return std::move(steps_); }

 private:
  struct Verb {
    std::string name;
    Json args;
  };

  /// "{file}" in a word is the backup; in text for a shell it is a variable, so that its name is data.
  Json with_file(Json run, const Json& archive) const {
    const std::string path = get_string(archive, "path");
    Json& argv = run["argv"];
    const bool shell = argv.size() == 3 && (argv[0] == "/bin/sh" || argv[0] == "sh") && argv[1] == "-c";
    for (Json& word : argv)
      if (word.is_string()) word = replaced(word.get<std::string>(), "{file}", shell ? "\"$BACKOUT_FILE\"" : path);
    run["env"]["BACKOUT_FILE"] = path;
    run["env"]["BACKOUT_DATABASE"] = file_;
    return run;
  }

  std::string in_run(const std::string& name) const { return offering_.run_directory + "/" + name_ + "." + name; }
  std::string run_name() const { return name_in_path(offering_.run_directory); }
  StepId id_of(const std::string& word) const { return StepId(word + "-" + name_); }

  Step& push(const std::string& word, Phase phase, StepKind kind, std::string title, Verb verb) {
    Step step{.id = id_of(word), .phase = phase, .kind = kind, .title = std::move(title), .hosts = {host_}};
    step.action = {.driver = "sqlite", .verb = std::move(verb.name), .args = std::move(verb.args)};
    step.has_probe = true;
    step.repeatable = true;
    step.on_unknown = OnUnknown::kRerun;
    step.timeout = time_for(seen_);
    steps_.push_back(std::move(step));
    return steps_.back();
  }

  void add(const std::string& word, Phase phase, std::string title, Verb verb,
           const std::vector<std::string>& needs = {}, std::optional<Verb> undo = std::nullopt) {
    Step& step = push(word, phase, StepKind::kEffect, std::move(title), std::move(verb));
    for (const auto& need : needs) step.needs.push_back(id_of(need));
    if (undo) step.undo = Action{.driver = "sqlite", .verb = undo->name, .args = undo->args};
  }

  void look(const std::string& word, std::string title, Json args) {
    push(word, Phase::kCheck, StepKind::kLook, std::move(title), {word, std::move(args)});
  }

  const driver::Offering& offering_;
  const Json& seen_;
  std::string file_, name_, host_;
  std::vector<Step> steps_;
};

}  // namespace

Result<std::vector<Step>> offer_sqlite(const driver::Offering& offering) {
  if (offering.hosts.size() != 1)
    return Error{Code::kUnsupported, "an SQLite file lives on one host", "name one host for the database"};
  const auto found = offering.seen.find(offering.hosts.front());
  const Json& seen = found == offering.seen.end() ? get({}, "") : found->second;
  Offer offer(offering, seen);
  switch (offering.kind) {
    case RunKind::kDeploy:
    case RunKind::kCheckpoint:
      if (!get_bool(seen, "exists"))
        return Error{Code::kNotFound, "there is no database at " + get_string(offering.subject, "file"),
                     "correct database: sqlite: file: in backout.yaml"};
      offer.save("backup", "backup");
      break;
    case RunKind::kRollback:
    case RunKind::kForward: {
      const auto comparison = TRY(decide_rung(offering.saved, seen, get_string(offering.subject, "rung")));
      offer.save("save", "save");
      if (comparison.rung == schema::Rung::kRestore) TRY_VOID(offer.restore());
      break;
    }
  }
  return offer.take();
}

}  // namespace backout::database

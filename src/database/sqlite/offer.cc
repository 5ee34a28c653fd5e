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
    const Json& saved = offering_.saved;
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
        {"restore", restore_args}, {"save"}, Verb{"discard", {{"path", beside}}});
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
    add("swap", Phase::kSwitch, "the restored file takes the place of " + file_ + "; the old one is kept",
        {"swap", {{"file", file_}, {"incoming", beside}, {"keep", kept}, {"record", record}, {"marker", marker}}}, {},
        Verb{"swap-back", {{"file", file_}, {"keep", kept}, {"aside", aside}, {"marker", marker}}});
    look("schema-is", "the database has the schema of the checkpoint",
         {{"file", file_}, {"schema_hash", get_string(saved, "schema_hash")}});
    add("keep", Phase::kSettle, "keep what the way forward needs: the replaced database and what was swapped in",
        {"keep",
         {{"file", file_},
          {"kept", kept},
          {"base", base},
          {"pristine", pristine},
          {"record", record},
          {"marker", marker},
          {"directory", in_run("forward")},
          {"tables", tables}}});
    return {};
  }

  std::vector<Step> take() { return std::move(steps_); }

 private:
  struct Verb {
    std::string name;
    Json args;
  };

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
      const auto comparison = TRY(decide_rung(offering.saved, seen));
      offer.save("save", "save");
      if (comparison.rung == schema::Rung::kRestore) TRY_VOID(offer.restore());
      break;
    }
  }
  return offer.take();
}

}  // namespace backout::database

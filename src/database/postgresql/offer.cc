#include "database/postgresql/offer.h"

#include "base/text.h"
#include "database/postgresql/names.h"
#include "database/postgresql/rung.h"
#include "schema/postgresql/renames.h"

namespace backout::postgresql {
namespace {

/// "shop" from any name: what step ids may hold.
std::string subject_name(const std::string& database) {
  std::string name;
  for (const char c : database) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    name += plain ? c : '-';
  }
  return name.empty() ? "database" : name;
}

/// Rates of a slow disk; a step that takes longer hangs.
Millis time_for(const Json& seen) { return Millis(120'000 + get_int(seen, "size") / 1'000); }

/// A whole cluster is restored, its log played, and a database dumped out of it.
Millis time_for_side(const Json& seen) { return Millis(3'600'000 + get_int(seen, "cluster_size") / 300); }

struct Deed {
  std::string verb;
  Json args;
};

class Offer {
 public:
  Offer(const driver::Offering& offering, const Json& seen)
      : offering_(offering),
        seen_(seen),
        database_(get_string(seen, "database", get_string(offering.subject, "database"))),
        name_(subject_name(database_)),
        host_(offering.hosts.front()) {}

  /// A dump of the live database beside the journal; for a checkpoint it proves itself in a scratch database.
  void save(const std::string& word, bool proved) {
    const std::string backup = in_run(word + ".dump"), manifest = in_run(word + ".manifest.json");
    Json deed{{"directory", backup}, {"manifest", manifest}, {"jobs", get(offering_.subject, "jobs")}};
    if (offering_.subject.contains("migrations")) deed["migrations"] = get(offering_.subject, "migrations");
    // What a run saves is for the run itself, and always a dump; only a checkpoint may be the team's own backup.
    const Json repository = proved ? get(offering_.subject, "pgbackrest") : Json();
    const bool dumps = get_bool(repository, "dump", true);
    const bool follow = proved && get_string(offering_.subject, "capture") == "slot";
    if (repository.is_object()) deed["pgbackrest"] = repository;
    if (follow) deed["capture"] = "slot";
    const std::string what = "save " + database_ + ": " +
                             (dumps ? "dump it, with what it holds counted in the same moment"
                                    : "count what it holds, and note the place in the log that pgBackRest archives");
    add(word, Phase::kPrepare, what + (follow ? ", and begin to follow what is written" : ""), {"backup", deed}, {},
        follow ? std::optional(Deed{"drop-slots", Json::object()}) : std::nullopt);
    if (proved && !dumps)
      add("verify-" + word, Phase::kPrepare,
          get_string(repository, "verify", "restore") == "archive"
              ? "look whether the log up to that place is in the archive"
              : "restore that place by pgBackRest into a cluster beside, and compare every table",
          {"prove-point", {{"manifest", manifest}, {"pgbackrest", repository}, {"side", beside("side")}}}, {word},
          Deed{"discard-side", {{"pgbackrest", repository}, {"side", beside("side")}}});
    else if (proved)
      add("verify-" + word, Phase::kPrepare, "restore that dump into a scratch database and compare every table",
          {"verify-backup", {{"backup", backup}, {"manifest", manifest}, {"scratch", beside("test")}}}, {word});
  }

  Result<void> restore() {
    Json saved = offering_.saved;
    std::string before;
    if (get(saved, "archive").is_object()) {
      load(saved);
      before = "load";
    } else if (by_point(saved)) {
      TRY_VOID(recover(saved));
      before = "recover";
    }
    const std::string kept = get_string(saved, "template"), dump = get_string(saved, "backup");
    if (kept.empty() && dump.empty())
      return Error{Code::kNotFound, "the checkpoint names no dump of the database",
                   "use an older one: backout releases"};
    const std::string incoming = beside("new");
    const Json source = kept.empty() ? Json{{"backup", dump},
                                            {"manifest", get_string(saved, "manifest")},
                                            {"manifest_sha256", get_string(saved, "manifest_sha256")}}
                                     : Json{{"template", kept}};
    const std::string from = kept.empty() ? "restore the dump of " + get_string(saved, "taken_at", "the checkpoint")
                                          : "copy the kept database " + one_line(kept);
    add("restore", Phase::kPrepare, from + " beside the live database, and compare it",
        {"restore",
         {{"source", source}, {"beside", incoming}, {"like", database_}, {"jobs", get(offering_.subject, "jobs")}}},
        before.empty() ? std::vector<std::string>{} : std::vector<std::string>{before},
        Deed{"discard", {{"database", incoming}}});
    const auto names = TRY(renames_to(saved));
    Json rows{{"live", database_},
              {"target", incoming},
              {"tables", map_of("tables")},
              {"fill", map_of("fill")},
              {"renamed", to_json(names)}};
    if (get(saved, "known").is_string()) rows["known"] = get(saved, "known");
    Json count = rows;
    count["refuse_undecided"] = true;
    count["result"] = in_run("count.json");
    add("count", Phase::kPrepare, "count the rows written since", {"diff", count}, {"restore"});
    rows["record"] = in_run("rescue.json");
    rows["conflicts"] = in_run("conflicts.jsonl");
    rows["archive"] = in_run("archive.jsonl");
    add("rescue", Phase::kLastRows,
        "carry the rows written since into the restored database, and prove it by a second comparison",
        {"rescue", rows});
    swap("restored", {{"rescue", rows}});
    const std::string hash = TRY(schema_hash_of(saved));
    push("schema-is", Phase::kCheck, StepKind::kLook, "the database has the schema of the checkpoint",
         {"schema-is", {{"schema_hash", hash}}});
    keep(to_json(inverse(names)));
    return {};
  }

  /// What came with the release is undone on a copy, which is swapped in. REQUIRES: save().
  Result<void> step_down() {
    const Json& downs = get(seen_, "downs");
    const std::string incoming = beside("new"), scratch = beside("try");
    Json against = Json::object();
    for (const char* key : {"backup", "manifest", "manifest_sha256", "habits"})
      if (offering_.saved.contains(key)) against[key] = get(offering_.saved, key);
    const Json common{{"against", against},
                      {"migrations", get(offering_.subject, "migrations")},
                      {"noted", get(downs, "noted")},
                      {"downs", get(downs, "downs")},
                      {"accept_loss", get_string(offering_.subject, "rung") == "step-down"}};
    const std::string count = counted(static_cast<int64_t>(get(downs, "downs").size()), "migration");
    Json trial = common;
    trial["save"] = {{"backup", in_run("save.dump")}, {"manifest", in_run("save.manifest.json")}};
    trial["scratch"] = scratch;
    trial["then"] = beside("then");
    trial["result"] = in_run("trial.json");
    add("try-down", Phase::kPrepare, "undo " + count + " on a copy with the saved rows, and compare every row",
        {"try-down", trial}, {"save"}, Deed{"discard", {{"database", scratch}}});
    Json deed = common;
    deed["incoming"] = incoming;
    deed["trial"] = in_run("trial.json");
    deed["record"] = in_run("rescue.json");
    deed["archive"] = in_run("archive.jsonl");
    add("step-down", Phase::kLastRows, "copy " + database_ + ", undo " + count + " on the copy, and compare every row",
        {"step-down", deed}, {}, Deed{"discard", {{"database", incoming}, {"reopen", database_}}});
    swap("stepped down", {{"rescue", {{"record", in_run("rescue.json")}}}, {"step_down", deed}});
    push("stepped-down", Phase::kCheck, StepKind::kLook,
         "the database has the schema and the applied migrations of before the release",
         {"stepped-down", {{"record", in_run("rescue.json")}, {"migrations", get(offering_.subject, "migrations")}}});
    keep(to_json(inverse(TRY(renames_to(offering_.saved)))));
    return {};
  }

  /// A team's own backup becomes a dump of ours first, which everything else starts from.
  void load(Json& saved) {
    const Json archive = get(saved, "archive");
    const std::string beside_it = beside("archive");
    saved["backup"] = in_run("archive.dump");
    saved["manifest"] = in_run("archive.manifest.json");
    saved.erase("manifest_sha256");
    add("load", Phase::kPrepare,
        "load the backup " + one_line(get_string(archive, "name")) + " (" + get_string(archive, "kind") +
            ") into a database of its own, and dump that",
        {"load",
         {{"archive", get(archive, "path")},
          {"sha256", get(archive, "sha256")},
          {"taken_at", get_string(saved, "taken_at")},
          {"beside", beside_it},
          {"like", database_},
          {"directory", saved["backup"]},
          {"manifest", saved["manifest"]}}},
        {}, Deed{"discard", {{"database", beside_it}}});
  }

  /// The team's own backup becomes a dump of ours first, too: out of a cluster that is restored beside up to the point.
  Result<void> recover(Json& saved) {
    const Json& repository = get(offering_.subject, "pgbackrest");
    if (!repository.is_object())
      return Error{Code::kNotFound,
                   "the checkpoint is a place in the log that pgBackRest archived, and backout.yaml names no stanza",
                   "say it: database: {postgresql: {pgbackrest: {stanza: ...}}}"};
    const Json point = get(saved, "point");
    Json target = Json::object(),
         args{{"pgbackrest", repository}, {"side", beside("side")}, {"jobs", get(offering_.subject, "jobs")}};
    for (const char* key : {"lsn", "timeline"})
      if (point.contains(key)) target[key] = get(point, key);
    if (point.contains("to_time"))
      target = {{"time", get(point, "to_time")}};
    else
      args["against"] = {{"manifest", get_string(saved, "manifest")},
                         {"manifest_sha256", get_string(saved, "manifest_sha256")}};
    args["target"] = target;
    saved["backup"] = args["directory"] = in_run("point.dump");
    saved["manifest"] = args["manifest"] = in_run("point.manifest.json");
    saved.erase("manifest_sha256");
    const std::string what = point.contains("to_time") ? get_string(point, "to_time") : get_string(saved, "taken_at");
    add("recover", Phase::kPrepare,
        "restore the stanza " + one_line(get_string(repository, "stanza")) + " up to " + one_line(what) +
            " into a cluster beside, and dump " + database_ + " out of it",
        {"recover", args}, {}, Deed{"discard-side", {{"pgbackrest", repository}, {"side", beside("side")}}});
    return {};
  }

  std::vector<Step> take() { return std::move(steps_); }

 private:
  /// A moment of its own, or a checkpoint that has no dump.
  static bool by_point(const Json& saved) {
    const Json& point = get(saved, "point");
    return point.contains("to_time") ||
           (point.is_object() && get_string(saved, "template").empty() && get_string(saved, "backup").empty());
  }
  std::string in_run(const std::string& name) const { return offering_.run_directory + "/" + name_ + "." + name; }
  /// "shop__backout_R7_new": whole in the name of the run, shortened in the name of the database.
  std::string beside(const std::string& word) const {
    const std::string run = offering_.run_directory.substr(offering_.run_directory.rfind('/') + 1);
    return name_beside(database_, run, word);
  }
  Json map_of(const char* key) const {
    const Json& map = get(offering_.subject, key);
    return map.is_object() ? map : Json::object();
  }
  /// `of` says what rows were brought in by.
  void swap(const std::string& what, const Json& of) {
    Json ways{{"keep", beside("old")}, {"marker", in_run("swap.json")}};
    for (const char* key : {"poolers", "pool"})
      if (offering_.subject.contains(key)) ways[key] = get(offering_.subject, key);
    Json args = ways, back = ways;
    args.update(of);
    args["incoming"] = beside("new");
    args["catalog"] = in_run("catalog.json");
    back["aside"] = beside("undone");
    add("swap", Phase::kSwitch,
        "the " + what + " database takes the name " + database_ + "; the old one is kept, closed", {"swap", args}, {},
        Deed{"swap-back", back});
  }
  void keep(const Json& renamed_back) {
    add("keep", Phase::kSettle, "keep what the way forward needs: the replaced database",
        {"keep",
         {{"keep", beside("old")},
          {"marker", in_run("swap.json")},
          {"catalog", in_run("catalog.json")},
          {"rescue_record", in_run("rescue.json")},
          {"renamed", renamed_back},
          {"part", in_run("part.json")}}});
  }
  /// What the restored database calls otherwise than the live one: known from the run before when that is the one that
  /// was replaced then, else the names of the checkpoint and of now within one database.
  Result<schema::postgresql::Renames> renames_to(const Json& saved) const {
    if (get(saved, "renamed").is_object()) return schema::postgresql::renames_from_json(get(saved, "renamed"));
    // Of an archive the numbers are lost; the checkpoint that it stands in for may have them.
    const char* before = saved.contains("names") ? "names" : "catalog";
    return schema::postgresql::renames(TRY(schema::postgresql::catalog_from_json(get(saved, before))),
                                       TRY(schema::postgresql::catalog_from_json(get(seen_, "schema"))));
  }
  StepId id_of(const std::string& word) const { return StepId(word + "-" + name_); }

  Step& push(const std::string& word, Phase phase, StepKind kind, std::string title, Deed deed) {
    Step step{.id = id_of(word), .phase = phase, .kind = kind, .title = std::move(title), .hosts = {host_}};
    for (const char* key : {"server", "maintenance", "secrets"})
      if (offering_.subject.contains(key)) deed.args[key] = get(offering_.subject, key);
    if (!deed.args.contains("database")) deed.args["database"] = database_;
    step.action = {.driver = "postgresql", .verb = std::move(deed.verb), .args = std::move(deed.args)};
    step.has_probe = true;
    step.repeatable = true;
    step.on_unknown = OnUnknown::kRerun;
    step.timeout = time_for(seen_);
    if (step.action.verb == "recover" || step.action.verb == "prove-point") step.timeout = time_for_side(seen_);
    if (const int64_t wait = get_int(get(step.action.args, "pgbackrest"), "archive_wait_ms"); wait > 0)
      step.timeout += Millis(2 * wait);
    steps_.push_back(std::move(step));
    return steps_.back();
  }

  void add(const std::string& word, Phase phase, std::string title, Deed deed,
           const std::vector<std::string>& needs = {}, std::optional<Deed> undo = std::nullopt) {
    Step& step = push(word, phase, StepKind::kEffect, std::move(title), std::move(deed));
    for (const auto& need : needs) step.needs.push_back(id_of(need));
    if (!undo) return;
    Json args = undo->args;
    for (const char* key : {"server", "maintenance", "secrets", "database"})
      if (step.action.args.contains(key) && !args.contains(key)) args[key] = step.action.args[key];
    step.undo = Action{.driver = "postgresql", .verb = undo->verb, .args = std::move(args)};
  }

  const driver::Offering& offering_;
  const Json& seen_;
  std::string database_, name_, host_;
  std::vector<Step> steps_;
};

}  // namespace

Result<std::vector<Step>> offer_postgresql(const driver::Offering& offering) {
  if (offering.hosts.size() != 1)
    return Error{Code::kUnsupported, "a PostgreSQL database is reached from one place", ""};
  const auto found = offering.seen.find(offering.hosts.front());
  const Json& seen = found == offering.seen.end() ? get({}, "") : found->second;
  Offer offer(offering, seen);
  switch (offering.kind) {
    case RunKind::kDeploy:
    case RunKind::kCheckpoint: offer.save("backup", true); break;
    case RunKind::kRollback:
    case RunKind::kForward: {
      const auto comparison = TRY(decide_rung(offering.saved, seen, get_string(offering.subject, "rung")));
      offer.save("save", false);
      switch (comparison.rung) {
        case schema::Rung::kLeave: break;
        case schema::Rung::kStepDown: TRY_VOID(offer.step_down()); break;
        case schema::Rung::kRestore: TRY_VOID(offer.restore()); break;
      }
      break;
    }
  }
  return offer.take();
}

}  // namespace backout::postgresql

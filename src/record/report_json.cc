// Report -> JSON, version 1: docs/formats/report.md.
#include "record/report.h"

namespace backout::record {
namespace {

template <class List, class Each>
Json array_of(const List& list, Each each) {
  Json array = Json::array();
  for (const auto& item : list) array.push_back(each(item));
  return array;
}

Json json_of(const Moment& moment) {
  Json value = {{"what", moment.what}, {"at_ms", to_millis(moment.at)}, {"detail", moment.detail}};
  if (moment.since_before) value["since_before_ms"] = moment.since_before->count();
  return value;
}

Json json_of(const CommandLine& command) {
  Json value = {{"step", command.step},
                {"host", command.host},
                {"purpose", command.purpose},
                {"argv", command.argv},
                {"cwd", command.cwd},
                {"user", command.user},
                {"started_at_ms", to_millis(command.started_at)},
                {"ended", command.ended}};
  if (!command.started) value["started"] = false;
  if (!command.ended || !command.started) return value;
  if (command.exit_status) value["exit_status"] = *command.exit_status;
  value["signal"] = command.signal;
  value["timed_out"] = command.timed_out;
  value["truncated"] = command.truncated;
  value["took_ms"] = command.took.count();
  value["out_tail"] = command.out_tail;
  value["err_tail"] = command.err_tail;
  return value;
}

Json json_of(const StepLine& step) {
  return {{"step", step.step}, {"title", step.title},         {"phase", step.phase},
          {"host", step.host}, {"purpose", step.purpose},     {"outcome", name_of(step.kind)},
          {"why", step.why},   {"at_ms", to_millis(step.at)}, {"took_ms", step.took.count()}};
}

Json json_of(const Unknown& unknown) {
  Json value = json_of(unknown.step);
  value["resolved"] = unknown.resolved;
  return value;
}

Json json_of(const TableRows& table) {
  return {{"table", table.table},
          {"inserted", table.inserted},
          {"updated", table.updated},
          {"deleted", table.deleted},
          {"carried", table.carried}};
}

Json json_of(const Interruption& one) { return {{"at_ms", to_millis(one.at)}, {"what", one.what}}; }
Json json_of(const Answered& one) {
  Json value = {{"at_ms", to_millis(one.at)}, {"question", one.question}, {"answer", one.answer}, {"by", one.by}};
  if (!one.role.empty()) value["role"] = one.role;
  if (!one.note.empty()) value["note"] = one.note;
  if (one.waited) value["waited_ms"] = one.waited->count();
  return value;
}
Json json_of(const NoteLine& note) {
  return {{"at_ms", to_millis(note.at)}, {"text", note.text}, {"by", note.by}, {"file", note.file}};
}
Json json_of(const Beside& one) { return {{"incident", one.incident.str()}, {"why", one.why}}; }
Json json_of(const FollowUp& item) {
  return {{"within_ms", item.within.count()}, {"due_at_ms", to_millis(item.due)}, {"text", item.text}};
}

}  // namespace

Json to_json(const Report& report) {
  const auto plain = [](const auto& item) { return json_of(item); };
  return {{"version", 1},
          {"run", report.run.str()},
          {"incident", report.incident.str()},
          {"site", report.site.str()},
          {"kind", name_of(report.kind)},
          {"plan", report.plan.str()},
          {"from", {{"version", report.from.str()}, {"commit", report.from_commit}}},
          {"to", {{"version", report.to.str()}, {"commit", report.to_commit}}},
          {"reason", report.reason},
          {"by", report.by},
          {"result", report.result},
          {"why", report.why},
          {"exit", report.exit},
          {"turned", report.turned},
          {"started_at_ms", to_millis(report.started_at)},
          {"ended_at_ms", to_millis(report.ended_at)},
          {"total_ms", report.total.count()},
          {"outage_ms", report.outage.count()},
          {"door_closed", report.door_closed},
          {"outside_since_ms", report.outside_since ? Json(to_millis(*report.outside_since)) : Json()},
          {"clock", array_of(report.clock, plain)},
          {"impact", report.impact},
          {"decided", report.decided},
          {"steps", array_of(report.steps, plain)},
          {"checks", array_of(report.checks, plain)},
          {"commands", array_of(report.commands, plain)},
          {"rows", array_of(report.rows, plain)},
          {"conflicts", report.conflicts},
          {"conflict_count", report.conflict_count},
          {"residue", report.residue},
          {"unknowns", array_of(report.unknowns, plain)},
          {"interruptions", array_of(report.interruptions, plain)},
          {"questions", array_of(report.questions, plain)},
          {"notes", array_of(report.notes, plain)},
          {"changes", report.changes},
          {"beside", array_of(report.beside, plain)},
          {"resolution", report.resolution ? to_json(*report.resolution) : Json()},
          {"next_time", to_json(report.next_time)},
          {"follow_ups", array_of(report.follow_ups, plain)},
          {"people", report.people},
          {"watches", array_of(report.watches, [](const WatchSummary& each) { return to_json(each); })}};
}

}  // namespace backout::record

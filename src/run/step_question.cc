// The part of StepRunner that asks a person: here, or wherever somebody answers with `backout verify --answer`. Such an
// answer comes by the journal; one that came while nobody waited counts when the run is taken up.
#include "base/text.h"
#include "run/question.h"
#include "run/step_job.h"

namespace backout::run {
namespace {

Asker::Answer answer_in(const Json& body) {
  return {get_bool(body, "yes"), get_string(body, "answer"), get_string(body, "by"), get_string(body, "note")};
}

Outcome outcome_of(const std::string& question, const Asker::Answer& answer) {
  Outcome outcome{answer.yes ? OutcomeKind::kApplied : OutcomeKind::kFailed,
                  one_line(fmt::format("'{}' answered '{}' by {}{}", question, answer.words, answer.by,
                                       answer.note.empty() ? "" : ": " + answer.note))};
  outcome.evidence = {{"by", answer.by}, {"yes", answer.yes}, {"note", answer.note}};
  return outcome;
}

}  // namespace

Result<Outcome> StepRunner::ask(const Job& job, std::stop_token stop) {
  const Json& args = job.action.args;
  const std::string step = job.step.id.str(), question = get_string(args, "question"), role = get_string(args, "role");
  const std::vector<Event> before = TRY(context_.journal.read(context_.site, 0, context_.run));
  for (const Question& each : open_questions(before))
    if (each.step == step && each.answer)
      return finish(job, outcome_of(question, answer_in(*each.answer)), nullptr, nullptr);

  Json body = {{"step", step}, {"question", question}, {"role", role}};
  const Millis within(get_int(args, "within_ms"));
  if (within > Millis(0)) body["within_ms"] = within.count();
  TRY_VOID(ledger_.append({{EventType::kQuestionAsked, body}}));
  if (within > Millis(0))
    says(job, fmt::format("waiting for an answer for {}: here, or by: backout verify --answer {} yes|no",
                          for_people(within), step));
  int64_t heard = before.empty() ? 0 : before.back().seq;
  bool by_journal = false;
  const BootTime end = context_.clock.boot() + within;
  const auto elsewhere = [&]() -> Result<std::optional<Asker::Answer>> {
    if (stop.stop_requested()) return Error{Code::kCancelled, "stopped while waiting for an answer", ""};
    for (const Event& event : TRY(context_.journal.read(context_.site, heard, context_.run))) {
      heard = event.seq;
      if (event.type != EventType::kQuestionAnswered || get_string(event.body, "step") != step) continue;
      by_journal = true;
      return std::optional(answer_in(event.body));
    }
    if (within > Millis(0) && context_.clock.boot() >= end)
      return Error{Code::kTimedOut, "nobody answered within " + for_people(within), ""};
    return std::optional<Asker::Answer>();
  };
  const auto answer = context_.asker.ask_or_hear(question, role, elsewhere, within > Millis(0));
  if (!answer) {
    if (answer.error().code == Code::kCancelled) return answer.error();
    const bool late = answer.error().code == Code::kTimedOut;
    const bool fails = late && get_string(args, "otherwise") == "fail";
    const std::string why = one_line(answer.error().message);
    return finish(job,
                  {fails ? OutcomeKind::kFailed : OutcomeKind::kUnknown,
                   late ? "'" + one_line(question) + "': " + why : "nobody could be asked: " + why},
                  nullptr, nullptr);
  }
  if (!by_journal) {
    body["answer"] = answer->words;
    body["yes"] = answer->yes;
    body["by"] = answer->by;
    body["note"] = answer->note;
    TRY_VOID(ledger_.append({{EventType::kQuestionAnswered, std::move(body)}}));
  }
  return finish(job, outcome_of(question, *answer), nullptr, nullptr);
}

}  // namespace backout::run

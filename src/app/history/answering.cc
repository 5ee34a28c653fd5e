#include "app/history/answering.h"

#include "app/history/runs.h"
#include "base/text.h"

namespace backout::app {
namespace {

Json body_of(const std::string& step, const std::string& question, const std::string& role,
             const run::Asker::Answer& given) {
  return {{"step", step},
          {"question", question},
          {"role", role},
          {"answer", sanitised(given.words)},
          {"yes", given.yes},
          {"by", one_line(given.by)},
          {"note", sanitised(given.note)}};
}

}  // namespace

Result<std::vector<run::Question>> questions(const Workspace& workspace) {
  const auto run = TRY(unfinished(workspace));
  if (!run) return std::vector<run::Question>();
  return run::open_questions(TRY(workspace.journal().read(workspace.site().id, 0, run->id)));
}

Result<run::Question> answer(const Workspace& workspace, const std::string& step, const run::Asker::Answer& given) {
  const auto run = TRY(unfinished(workspace));
  const std::vector<run::Question> open = TRY(questions(workspace));
  std::vector<std::string> steps;
  for (const run::Question& each : open) {
    if (!each.answer) steps.push_back(each.step);
    if (each.step != step) continue;
    if (each.answer)
      return Error{Code::kConflict,
                   fmt::format("'{}' was answered '{}' by {}", one_line(each.question),
                               one_line(get_string(*each.answer, "answer")), one_line(get_string(*each.answer, "by"))),
                   "look: backout status"};
    TRY(workspace.journal().append(
        workspace.site().id, 0,
        {{EventType::kQuestionAnswered, body_of(step, each.question, each.role, given), run->id}}));
    return each;
  }
  return Error{Code::kNotFound, "nothing is asked by '" + one_line(step) + "'",
               steps.empty() ? "no run waits for an answer; outside a run: backout verify --ask"
                             : "these wait for an answer: " + join(steps, ", ")};
}

Result<run::Asker::Answer> sign_off(const Workspace& workspace, const Step& step, const Version& version,
                                    run::Asker& asker) {
  const std::string question = get_string(step.action.args, "question"), role = get_string(step.action.args, "role");
  const run::Asker::Answer given = TRY(asker.ask(question, role));
  RunId about;
  for (const journal::RunRow& row : TRY(workspace.journal().runs(workspace.site().id, 20)))
    if (!row.incident.empty()) {
      if (!row.open() && row.to == version) about = row.id;
      break;
    }
  Json body = body_of(step.id.str(), question, role, given);
  body["version"] = version.str();
  TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kQuestionAnswered, std::move(body), about}}));
  return given;
}

}  // namespace backout::app

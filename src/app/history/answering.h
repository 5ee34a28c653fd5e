// Answering: the questions of a run from another terminal, and sign-offs outside runs.
#pragma once
#include "app/site/workspace.h"
#include "run/progress.h"
#include "run/question.h"

namespace backout::app {

/// What the unfinished run of the site asks; empty when there is none.
Result<std::vector<run::Question>> questions(const Workspace& workspace);

/// Answers the question of `step`. Durable when it returns; a waiting run hears it within a second, a stopped one when
/// it is taken up. kNotFound, naming what is asked, when that is not; kConflict when it was answered already.
Result<run::Question> answer(const Workspace& workspace, const std::string& step, const run::Asker::Answer& given);

/// Asks a manual check outside a run and records who answered. It is kept with the newest incident when that run put
/// `version` in place.
Result<run::Asker::Answer> sign_off(const Workspace& workspace, const Step& step, const Version& version,
                                    run::Asker& asker);

}  // namespace backout::app

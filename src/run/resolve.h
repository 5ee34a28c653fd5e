// Resolve: a planned action made concrete for one host of one run. Pure.
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "model/step.h"

namespace backout::run {

/// In every string of the arguments: "{host}" -> the host's name, "{run}" -> the run's id, "{runs}" -> where runs keep
/// files. Any object {"evidence_of": "step"} -> that step's evidence, merged with the object's other members; kInternal
/// when that step has none. Texts from evidence are not expanded again: they are data.
Result<Action> resolved(const Action& action, const std::string& host, const std::string& run, const std::string& runs,
                        const std::map<std::string, Json>& evidence);
/// The text form alone, for subjects that are looked at outside a run.
Json with_host(const Json& value, const std::string& host);

}  // namespace backout::run

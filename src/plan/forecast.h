// Forecast: how long a plan will take, from how long its steps took before. Pure; shown beside the contract, never
// hashed.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "model/plan.h"

namespace backout::plan {

/// Durations of earlier runs by step id, newest first.
using Durations = std::map<std::string, std::vector<Millis>>;

/// Of a step of the phase close: nobody is kept out by it. Its driver says so by `users_stay` in the action: a service
/// whose sockets go on listening.
bool users_stay(const Step& step);

/// Per step the median of earlier runs, else a default by kind (an effect 2 s, a look 1 s, a question 60 s, a record
/// 0). total: the longest path through phases and needs; outage: the same from the first step of close to the last of
/// open, where one of close keeps users out.
Forecast forecast(const std::vector<Step>& steps, const Durations& earlier);

}  // namespace backout::plan

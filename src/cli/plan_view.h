// PlanView: a plan as text, the answer first. Pure.
#pragma once
#include <string>

#include "model/plan.h"

namespace backout::cli {

std::string view_of(const Plan& plan);
/// "about 55 s, outage about 6 s"
std::string view_of(const Forecast& forecast);
/// "3 rows to carry over", or what else is known about rows; empty when nothing is.
std::string rows_view(const Forecast& forecast);

}  // namespace backout::cli

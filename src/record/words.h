// What every written form of a report says alike, as plain text: each form escapes it for itself.
#pragma once
#include "record/report.h"

namespace backout::record {

/// "2026-03-01 14:02:11 UTC"
std::string stamp(WallTime at);
/// How long users were outside, or since when they are.
std::string outage_of(const Report& report);
/// "Rolled back and verified: v2 -> v1."
std::string headline_of(const Report& report);
/// "door closed", or "services run": a line of the clock.
std::string words_of_door(const Event& event);
/// Whether a line of the clock is where users were kept out, by the door or by services that were stopped; or came
/// back.
bool users_leave(const Moment& moment);
bool users_return(const Moment& moment);
/// Name and value of what stands at the top.
std::vector<std::pair<std::string, std::string>> facts_of(const Report& report);
std::vector<std::string> unknowns_of(const Report& report);
std::vector<std::string> interruptions_of(const Report& report);
std::vector<std::string> questions_of(const Report& report);
std::vector<std::string> notes_of(const Report& report);
/// Incidents opened beside this one.
std::vector<std::string> beside_of(const Report& report);
/// The root-cause questions, each with its answer; none for a run that left nothing behind to explain.
std::vector<std::pair<std::string, std::string>> cause_of(const Report& report);

/// A command line for reading: a script that a driver composed is named by its size and hash. The whole is in the JSON
/// form.
std::vector<std::string> concise(std::vector<std::string> argv);
/// Without the last line when it is the command's own report: that is told in words elsewhere.
std::string without_evidence(const std::string& out);
/// "exit status 0, 12 s"
std::string ending_of(const CommandLine& command);

}  // namespace backout::record

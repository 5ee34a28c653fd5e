// What is known of logs from before: how far each was read, and the kinds of lines that the release before wrote. A
// look outside a run goes on from there.
#pragma once
#include "app/site/workspace.h"
#include "plan/compose.h"

namespace backout::app {

/// By "<step> <host>" of a scan: {position, kinds?}. From the newest watch, else from the newest run that marked it.
Result<std::map<std::string, Json>> log_memory(const Workspace& workspace);
std::string memory_key(const Step& scan, const std::string& host);

/// Is it a scan of a log?
bool is_scan(const Step& step);
/// A scan's action for a look outside a run.
Action remembering(Action scan, const std::string& key, const std::map<std::string, Json>& memory);

/// Logs are read when all else was looked at: what the looks stir up is in them.
void scan_last(std::vector<plan::Offered>& offers);

}  // namespace backout::app

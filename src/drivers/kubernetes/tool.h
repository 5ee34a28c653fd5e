// `backout internal kubernetes VERB`: what a run does to a cluster, each as a process of its own (driver/tool.h), so
// that it can be killed at any instant and run again. Each looks first, and does only what is still to be done.
//
//   save, restore   saved_objects.h
//   undo            args {workloads, to: {NAME: identity}, wait_ms}: every workload to the revision with that template
//   helm-rollback   args {helm, to_revision, wait_ms}
//
// An API server that does not answer is asked again for `wait_ms`. When that is over, undo and helm-rollback end well
// and say {"lost": WHY}: whether it was done is for a look to tell, now or when the run is taken up again.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

namespace backout::drivers::kubernetes {

int run_kubernetes_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backout::drivers::kubernetes

// `backout internal kubernetes VERB`: what a run does to a cluster, each as a process of its own (driver/tool.h), so
// that it can be killed at any instant and run again. Each looks first, and does only what is still to be done.
//
//   save            saved_objects.h
//   undo            args {workloads, to: {NAME: identity}, config_file?, wait_ms}: all is looked at; then ConfigMaps
//   and
//                   Secrets become what the file says; then every workload goes to the revision with that template;
//                   then pods that are older than what they read are restarted
//   helm-rollback   args {helm, to_revision, workloads, newest?, begun_file?, undo?, config_file?, wait_ms}: the same
//   by
//                   Helm. Refused when the release has a revision that is neither the plan's (`newest`) nor by a helm
//                   of this run (`begun_file`); as an undo nothing, when none was begun
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

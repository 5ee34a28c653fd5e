// "kubernetes": workloads of a cluster taken back by kubectl, several as one unit, with their ConfigMaps and Secrets;
// or the Helm release that they belong to.
//
// Subject: {namespace, context?, kubeconfig?, program?, workloads: ["deployment/web"], config_maps?, secrets?, wait_ms,
// helm?, helm_program?}. Asked and told from this machine.
// observe: {current: {NAME: hash, cluster}, cluster: {context, server}, workloads: {NAME: {hash, images, digests, ...,
// paused, revisions}}, versions: [tags, newest first], helm?}. A checkpoint's part is {workloads: {NAME: identity},
// cluster, helm?: {revision, ...}, config?: {file, objects}}.
//
// note            look    what runs now: templates, images, image digests of ready pods
// save            effect  ConfigMaps and Secrets into a file; saved_objects.h
// undo            effect  every workload at its revision; see tool.h. With `config_file`, what was saved there is put
//                         back first, and pods that are older than what they read are restarted
// helm-rollback   effect  the same by Helm
// stands          look    every rollout is at its end: each wanted pod is ready and of the newest template (of `to`,
//                         where it is said, with the image digests that ran before), and no other pod is left. With
//                         {version, recorded: {NAME: identity}}: the images are those of that release. Its evidence is
//                         what is recorded of a release that a deploy or a rollback brought
//
// Promises: a revision is found by its pod template and never by "the one before"; what is verified is what ready pods
// run; a paused Deployment, a missing revision, a known tag that was moved are said and not worked around.
#pragma once
#include <memory>
#include <string>

#include "driver/driver.h"

namespace backout::drivers {

/// `self`: the path of this program, which is its own tool (drivers/kubernetes/tool.h).
std::unique_ptr<driver::Driver> make_kubernetes_driver(std::string self);

}  // namespace backout::drivers

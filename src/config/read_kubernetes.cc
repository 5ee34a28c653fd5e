// code.kubernetes: the workloads of a cluster that are one release.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/read.h"

namespace backout::config {

void read_kubernetes(const Reading& reading, const Node& node, CodeConfig& code) {
  const Node* kubernetes = node.find("kubernetes");
  if (kubernetes == nullptr) {
    if (code.layout == "kubernetes")
      reading.findings.error(node.place, "layout: kubernetes without the workloads",
                             "for example: kubernetes: {namespace: shop, workloads: [deployment/web]}");
    return;
  }
  if (!kubernetes->is_map()) return;
  if (code.layout != "kubernetes")
    reading.findings.error(kubernetes->place, "code.kubernetes is for layout: kubernetes",
                           "with another layout no cluster is told anything; take it out");
  require(reading, *kubernetes, "code.kubernetes", "namespace");
  require(reading, *kubernetes, "code.kubernetes", "workloads");
  code.kubernetes = {{"namespace", text_at(*kubernetes, "namespace")},
                     {"wait_ms", span_at(*kubernetes, "wait", Millis(300'000)).count()}};
  for (const char* list : {"workloads", "config_maps", "secrets"})
    for (const Node& item : items_at(*kubernetes, list))
      if (item.is_text()) code.kubernetes[list].push_back(item.text);
  for (const char* word : {"context", "helm", "program", "helm_program"})
    if (const std::string text = text_at(*kubernetes, word); !text.empty()) code.kubernetes[word] = text;
  if (const std::string file = path_at(reading, *kubernetes, "kubeconfig"); !file.empty())
    code.kubernetes["kubeconfig"] = file;
  if (const Node* workloads = kubernetes->find("workloads"); workloads != nullptr && workloads->is_list())
    for (const Node& item : workloads->items) {
      const std::string kind = item.is_text() ? item.text.substr(0, item.text.find('/')) : "";
      static constexpr std::string_view kKinds[] = {"deployment", "statefulset", "daemonset"};
      if (std::find(std::begin(kKinds), std::end(kKinds), kind) == std::end(kKinds) ||
          item.text.size() < kind.size() + 2)
        reading.findings.error(item.place, "'" + shortened(item.text, 60) + "' is no workload",
                               "write KIND/NAME with deployment, statefulset or daemonset, such as deployment/web");
    }
  for (const char* other : {"source", "build", "config", "keep_builds", "binary"})
    if (code.layout == "kubernetes" && node.find(other) != nullptr)
      reading.findings.error(node.entry(other)->place,
                             fmt::format("code.{} says nothing with layout: kubernetes", other),
                             "images come from a registry, and settings from config_maps and secrets; take it out");
}

}  // namespace backout::config

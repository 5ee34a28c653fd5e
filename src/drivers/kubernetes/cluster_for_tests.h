// A stand-in of a cluster (tests/support/cluster) with a real kubectl, for as long as the tests of one fixture run.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "conformance/places.h"
#include "drivers/kubernetes/look.h"
#include "os/file.h"
#include "os/http.h"
#include "os/process.h"
#include "support/python_server.h"

namespace backout::drivers::kubernetes {

inline std::string kubectl_here() {
  const char* given = std::getenv("BACKOUT_KUBECTL");
  return given == nullptr ? "kubectl" : given;
}

class TestCluster {
 public:
  TestCluster() : server_(script().c_str()) {
    std::ofstream(scratch / "kubeconfig") << get("/stand-in/kubeconfig");
    // kubectl keeps what it has learnt of a server in a cache below HOME.
    ::setenv("HOME", scratch.path().c_str(), 1);
  }

  const std::string& url() const { return server_.url(); }
  std::string get(const std::string& path) const {
    const auto answer = os::http({.url = server_.url() + path, .timeout = Millis(5'000)});
    return answer ? answer->body : "";
  }
  void post(const std::string& path, const Json& body) const {
    const auto done = os::http({.method = "POST", .url = server_.url() + path, .body = body.dump()});
    EXPECT_TRUE(done && done->status == 200) << path;
  }
  void fault(const Json& fault) const { post("/stand-in/fault", fault); }

  /// As a person would: for making the world, and as an oracle.
  os::ProcessResult kubectl(std::vector<std::string> words, const std::string& in = "") const {
    words.insert(words.begin(), {kubectl_here(), "--kubeconfig=" + kubeconfig(), "-n", "shop"});
    auto done = os::run_process({.argv = words, .stdin_text = in});
    EXPECT_TRUE(done.has_value());
    return done ? *done : os::ProcessResult{.exit_status = 127};
  }
  void apply(const Json& object) const { post("/stand-in/apply", object); }
  Json workload_object(const std::string& kind, const std::string& name, const std::string& tag,
                       const Json& more = Json::object()) const {
    Json spec = {{"selector", {{"matchLabels", {{"app", name}}}}},
                 {"template",
                  {{"metadata", {{"labels", {{"app", name}}}}},
                   {"spec",
                    {{"containers",
                      Json::array({{{"name", name},
                                    {"image", "example.test/" + name + ":" + tag},
                                    {"envFrom", Json::array({{{"configMapRef", {{"name", "settings"}}}}})}}})}}}}}};
    if (kind != "DaemonSet") spec["replicas"] = 2;
    spec.update(more);
    return {{"apiVersion", "apps/v1"},
            {"kind", kind},
            {"metadata", {{"name", name}, {"namespace", "shop"}}},
            {"spec", spec}};
  }
  void workload(const std::string& kind, const std::string& name, const std::string& tag,
                const Json& more = Json::object()) const {
    apply(workload_object(kind, name, tag, more));
  }

  /// The oracle: each of the app's pods that is not ending is ready and runs the tag, by the pods alone.
  bool runs(const std::string& app, const std::string& tag) const {
    const auto pods = parse_json(get("/api/v1/namespaces/shop/pods?labelSelector=app%3D" + app));
    if (!pods || (*pods)["items"].empty()) return false;
    for (const Json& pod : (*pods)["items"]) {
      if (pod["spec"]["containers"][0]["image"] != "example.test/" + app + ":" + tag) return false;
      if (pod["metadata"].contains("deletionTimestamp")) return false;
      if (backout::get(pod["status"], "containerStatuses").empty() || !pod["status"]["containerStatuses"][0]["ready"])
        return false;
    }
    return (*pods)["items"].size() == 2;
  }
  bool comes_to_run(const std::string& app, const std::string& tag) const {
    for (int look = 0; look < 400; ++look) {
      if (runs(app, tag)) return true;
      std::this_thread::sleep_for(Millis(10));
    }
    return false;
  }

  std::string kubeconfig() const { return scratch / "kubeconfig"; }
  Json args(const std::vector<std::string>& workloads) const {
    return {{"namespace", "shop"},       {"context", "admin"},     {"kubeconfig", kubeconfig()},
            {"program", kubectl_here()}, {"workloads", workloads}, {"wait_ms", 20'000}};
  }

  conformance::ScratchDirectory scratch;

 private:
  static std::string script() {
    return "import runpy, sys; sys.argv = ['api.py', '0', '0.005']; runpy.run_path('" BACKOUT_SOURCE_DIR
           "/tests/support/cluster/api.py', run_name='__main__')";
  }
  testing_support::PythonServer server_;
};

}  // namespace backout::drivers::kubernetes

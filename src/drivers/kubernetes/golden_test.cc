// The parsers, on what a real kubectl printed: tests/golden/kubernetes.
#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/kubernetes/helm.h"
#include "drivers/kubernetes/kubectl.h"
#include "drivers/kubernetes/workload.h"
#include "os/file.h"

namespace backout::drivers::kubernetes {
namespace {

const WorkloadName kWeb{"deployment", "web"};
const Cluster kShop{.kube_namespace = "shop"};

std::string golden(const std::string& name) {
  const auto text = os::read_file(BACKOUT_SOURCE_DIR "/tests/golden/kubernetes/" + name);
  EXPECT_TRUE(text.has_value()) << name;
  return text.value_or("");
}
Json golden_json(const std::string& name) { return *parse_json(golden(name)); }

/// ReplicaSets and pods are two transcripts; the driver asks for both at once.
Json both(Json list, const Json& more) {
  for (const Json& each : more["items"]) list["items"].push_back(each);
  return list;
}

/// The ReplicaSet that the controller makes for a template: the transcript of them is older than the broken image.
Json replica_set_for(const Json& deployment, const std::string& hash, const std::string& uid, int revision) {
  Json made = golden_json("06-get-replicasets-json.stdout")["items"][0];
  made["metadata"]["labels"]["pod-template-hash"] = hash;
  made["metadata"]["uid"] = uid;
  made["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = std::to_string(revision);
  made["spec"]["template"] = deployment["spec"]["template"];
  made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = hash;
  return made;
}

struct Failed {
  Json deployment = golden_json("14-get-deployment-json-failed.stdout");
  Json owned = both(golden_json("06-get-replicasets-json.stdout"), golden_json("15-get-pods-json-failed.stdout"));
  Failed() {
    owned["items"].push_back(replica_set_for(deployment, "69d5f9f457", "d077e904-b736-426c-ab16-9e31fb611e56", 5));
  }
};

TEST(KubernetesGolden, EveryComplaintHasItsMeaning) {
  const struct {
    const char* file;
    Code code;
    const char* says;
  } kCases[] = {
      {"10-undo-missing-revision.stderr", Code::kNotFound, "unable to find specified revision 99"},
      {"20-undo-while-paused.stderr", Code::kRefused, "cannot rollback a paused deployment"},
      {"22-not-found.stderr", Code::kNotFound, "deployments.apps \"nope\" not found"},
      {"23-forbidden.stderr", Code::kDenied, "User \"nobody\" cannot get resource"},
      {"24-unreachable.stderr", Code::kUnavailable, "The connection to the server 127.0.0.1:1 was refused"},
      {"29-vs-patch-conflict.stderr", Code::kConflict, "the server rejected our request"},
      {"13-rollout-status-deadline.stderr", Code::kInternal, "exceeded its progress deadline"},
  };
  for (const auto& c : kCases) {
    const Error error = trouble_of(golden(c.file), kShop);
    EXPECT_EQ(error.code, c.code) << c.file << ": " << error.message;
    EXPECT_NE(error.message.find(c.says), std::string::npos) << c.file << ": " << error.message;
    EXPECT_FALSE(error.next.empty()) << c.file;
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
  EXPECT_EQ(trouble_of("Error in configuration: context was not found for specified context: nix\n", kShop).code,
            Code::kInvalid);
  EXPECT_EQ(trouble_of("error: context \"nix\" does not exist\n", kShop).code, Code::kInvalid);
  EXPECT_EQ(trouble_of("Error from server (InternalError): etcdserver: no leader\n", kShop).code, Code::kUnavailable);
  EXPECT_EQ(trouble_of("", kShop).code, Code::kInternal);
}

TEST(KubernetesGolden, ADeploymentAtItsEndIsKnownByTheHashOfItsTemplate) {
  const auto web =
      parse_workload(kWeb, golden_json("05-get-deployment-json.stdout"), golden_json("06-get-replicasets-json.stdout"));
  ASSERT_TRUE(web.has_value()) << web.error().message;
  EXPECT_EQ(web->hash, "757d8f76df");
  EXPECT_EQ(web->replicas, 3);
  EXPECT_FALSE(web->paused);
  ASSERT_EQ(web->revisions.size(), 2U);
  EXPECT_EQ(web->revisions[0].number, 1);
  EXPECT_EQ(web->revisions[0].images.at("web"), "example.test/web:v1");
  EXPECT_EQ(web->revisions[1].cause, "release v2");
  EXPECT_EQ(selector_of(golden_json("05-get-deployment-json.stdout")), "app=web");
  // No pod was listed: the controller's word alone proves nothing.
  EXPECT_NE(lack_of(*web).why.find("0 of 3 pods"), std::string::npos) << lack_of(*web).why;
  const auto by_tag = identity_by_tag(*web, "1");
  ASSERT_TRUE(by_tag.has_value());
  EXPECT_EQ(by_tag->hash, "5cf4849656");
  EXPECT_EQ(identity_by_tag(*web, "v3").error().code, Code::kNotFound);
}

TEST(KubernetesGolden, AnImageThatCannotBePulledIsSaidWithThePod) {
  const Failed failed;
  const auto web = parse_workload(kWeb, failed.deployment, failed.owned);
  ASSERT_TRUE(web.has_value()) << web.error().message;
  EXPECT_EQ(web->hash, "69d5f9f457");
  const Lack lack = lack_of(*web);
  EXPECT_TRUE(lack.final) << "its progress deadline is over";
  EXPECT_NE(lack.why.find("0 of 3 pods of revision 69d5f9f457 are ready"), std::string::npos) << lack.why;
  EXPECT_NE(lack.why.find("progress deadline"), std::string::npos) << lack.why;
  const Identity identity = identity_of(*web);
  EXPECT_FALSE(identity.whole);
  EXPECT_TRUE(identity.digests.empty()) << "no pod of it is ready";
}

TEST(KubernetesGolden, OldPodsThatAreReadyDoNotProveTheNewTemplate) {
  // Three ready pods of v2 beside a broken one: the deployment that was taken back to v2 would be proved by them, that
  // to v1 not.
  Failed failed;
  failed.deployment["spec"]["template"] = golden_json("05-get-deployment-json.stdout")["spec"]["template"];
  failed.deployment["status"]["conditions"] = Json::array();
  Json pods = Json::array();
  for (const Json& each : failed.owned["items"])
    if (each["kind"] != "Pod" || each["metadata"]["labels"]["pod-template-hash"] != "69d5f9f457") pods.push_back(each);
  failed.owned["items"] = pods;
  auto web = parse_workload(kWeb, failed.deployment, failed.owned);
  ASSERT_TRUE(web.has_value());
  Identity v2 = identity_of(*web);
  EXPECT_TRUE(v2.whole) << lack_of(*web).why;
  EXPECT_EQ(v2.hash, "757d8f76df");
  EXPECT_EQ(v2.digests.at("web"), std::set<std::string>{"example.test/web:v2"});
  EXPECT_EQ(lack_of(*web, v2).why, "");
  web->pods[0].image_ids["istio-proxy"] = "sha256:one";  // injected: another one tomorrow
  EXPECT_EQ(identity_of(*web).digests.count("istio-proxy"), 0U);
  const Identity v1{.hash = "5cf4849656", .images = {{"web", "example.test/web:v1"}}};
  EXPECT_NE(lack_of(*web, v1).why, "");
  v2.digests["web"] = {"sha256:another"};
  EXPECT_NE(lack_of(*web, v2).why.find("the tag example.test/web:v2 has been moved"), std::string::npos)
      << lack_of(*web, v2).why;
  const auto again = identity_from_json(to_json(v2));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(canonical(to_json(*again)), canonical(to_json(v2)));
}

TEST(KubernetesGolden, AnythingElseThanObjectsIsNoAnswer) {
  for (const char* text : {"{}", "[]", "null", R"({"spec": 1})", R"({"spec": {"template": []}})"}) {
    const auto web = parse_workload(kWeb, *parse_json(text), golden_json("06-get-replicasets-json.stdout"));
    EXPECT_FALSE(web.has_value()) << text;
  }
  EXPECT_FALSE(parse_workload(kWeb, golden_json("05-get-deployment-json.stdout"), Json::object()).has_value());
  for (const char* text : {"web", "pod/web", "deployment/", "deployment/-x", "deployment/We b", ""})
    EXPECT_EQ(workload_name(text).error().code, Code::kInvalid) << text;
  EXPECT_EQ(workload_name("sts/queue")->str(), "statefulset/queue");
}

// As `helm history -o json` prints it (helm 3; its documentation has the same fields).
constexpr const char* kHistory = R"([
 {"revision":1,"updated":"2024-03-01T10:00:00.1Z","status":"superseded","chart":"shop-1.0.0","app_version":"1.0","description":"Install complete"},
 {"revision":2,"updated":"2024-03-02T10:00:00.1Z","status":"superseded","chart":"shop-1.1.0","app_version":"1.1","description":"Upgrade complete"},
 {"revision":3,"updated":"2024-03-03T10:00:00.1Z","status":"deployed","chart":"shop-1.0.0","app_version":"1.0","description":"Rollback to 1"}])";

TEST(KubernetesGolden, ANumberOfAnotherTypeIsNoAnswerAndADaemonSetWithoutItsNumberOfPodsIsNotAtItsEnd) {
  const auto object = [](const Json& replicas, const Json& scheduled) {
    Json made = {{"metadata", {{"uid", "u"}, {"generation", 1}}},
                 {"spec", {{"template", {{"spec", Json::object()}}}}},
                 {"status", {{"observedGeneration", 1}}}};
    if (!replicas.is_null()) made["spec"]["replicas"] = replicas;
    if (!scheduled.is_null()) made["status"]["desiredNumberScheduled"] = scheduled;
    return made;
  };
  const Json none = {{"items", Json::array()}};
  for (const Json& wrong : {Json("2"), Json(-1), Json(1.5), Json(Json::array({2})), Json(18446744073709551615U)}) {
    EXPECT_FALSE(parse_workload({"deployment", "web"}, object(wrong, {}), none).has_value()) << wrong;
    EXPECT_FALSE(parse_workload({"daemonset", "web"}, object({}, wrong), none).has_value()) << wrong;
  }
  EXPECT_TRUE(parse_workload({"deployment", "web"}, object(2, {}), none).has_value());
  EXPECT_TRUE(parse_workload({"daemonset", "web"}, object({}, 0), none)->observed);
  EXPECT_FALSE(parse_workload({"daemonset", "web"}, object({}, {}), none)->observed);
}

TEST(HelmHistory, ARollbackIsKnownByWhatItWentBackTo) {
  const auto history = parse_history(kHistory);
  ASSERT_TRUE(history.has_value());
  EXPECT_EQ(deployed_in(*history)->number, 3);
  EXPECT_EQ(origin_of(*history, 3), 1);
  EXPECT_EQ(lack_in(*history, 1), "");
  EXPECT_NE(lack_in(*history, 2), "");
  auto pending = *history;
  pending.push_back({.number = 4, .status = "pending-upgrade", .description = "Preparing upgrade"});
  EXPECT_NE(lack_in(pending, 1).find("pending-upgrade"), std::string::npos);
  for (const char* text : {"", "{}", "[{}]", "[{\"revision\": \"x\", \"status\": \"deployed\"}]"})
    EXPECT_EQ(parse_history(text).error().code, Code::kCorrupt) << text;
}

TEST(HelmHistory, ItsComplaintsHaveTheirMeaning) {
  const Helm helm{.release = "shop"};
  EXPECT_EQ(helm_trouble_of("Error: release: not found\n", helm, kShop).code, Code::kNotFound);
  EXPECT_EQ(helm_trouble_of("Error: release has no 9 version\n", helm, kShop).code, Code::kNotFound);
  EXPECT_EQ(helm_trouble_of("Error: another operation (install/upgrade/rollback) is in progress\n", helm, kShop).code,
            Code::kRefused);
  EXPECT_EQ(helm_trouble_of("Error: Kubernetes cluster unreachable: Get \"https://x\": dial tcp\n", helm, kShop).code,
            Code::kUnavailable);
  EXPECT_EQ(helm_trouble_of("Error: timed out waiting for the condition\n", helm, kShop).code, Code::kTimedOut);
}

}  // namespace
}  // namespace backout::drivers::kubernetes

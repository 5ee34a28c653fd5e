// The fuzz targets of tests/fuzz that read what tools answer, run in every test: a corpus, and mutations of it.
#include <gtest/gtest.h>

#include "fuzz/driver_readers.h"
#include "fuzz/mutations.h"

namespace backout::drivers {
namespace {

using fuzz::run;

TEST(DriverReadersFuzz, Haproxy) {
  run("haproxy", fuzz_haproxy,
      {"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
       "srv_time_since_last_change\n3 app 1 blue 127.0.0.1 0 1 0 100 0\n3 app 2 green 127.0.0.1 2 0 100 0 1\n\n--\n"
       "# pxname,svname,qcur,status,weight\napp,blue,0,MAINT,0\napp,green,0,UP 1/2,100\n\n",
       "1\n# be_id srv_name srv_admin_state srv_uweight srv_iweight\n3 green 0 100 1\n\n--\n# "
       "status,a,b,c,svname\nUP,1\n",
       "Can't find backend.\n\n--\nNo such proxy.\n", "admin\n\n", "Permission denied\n"});
}

TEST(DriverReadersFuzz, Upstream) {
  run("upstream", fuzz_upstream,
      {"# blue: 90 %\nserver h:1 weight=9 max_fails=3;\nserver h:2;\n", "server h:2 down; server h:1 backup;",
       "# configuration file /etc/nginx/nginx.conf:\npid /run/nginx.pid;\nevents { }\nhttp { server h:1; }\n"});
}

TEST(DriverReadersFuzz, Alb) {
  run("alb", fuzz_alb,
      {R"({"Listeners":[{"DefaultActions":[{"Type":"authenticate-oidc","Order":1,"AuthenticateOidcConfig":{"Issuer":"i","ClientSecret":"s"}},{"Type":"forward","Order":2,"ForwardConfig":{"TargetGroups":[{"TargetGroupArn":"arn:aws:b","Weight":90},{"TargetGroupArn":"arn:aws:g","Weight":10}],"TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":3600}}}]}]})",
       R"({"Rules":[{"Actions":[{"Type":"forward","TargetGroupArn":"arn:aws:b","ForwardConfig":"none"}]}]})",
       R"({"TargetHealthDescriptions":[{"Target":{"Id":"i-1","Port":80},"TargetHealth":{"State":"unhealthy","Reason":"Target.Timeout"}}]})",
       R"({"UserId":"A:b","Account":"1","Arn":"arn:aws:sts::123456789012:assumed-role/deploy/me"})",
       R"({"EvaluationResults":[{"EvalDecision":"implicitDeny","MissingContextValues":["aws:SourceIp"]}]})",
       "\nAn error occurred (AccessDenied) when calling the ModifyListener operation: no\n"});
}

TEST(DriverReadersFuzz, Istio) {
  run("istio", fuzz_istio,
      {R"({"metadata":{"resourceVersion":"7"},"spec":{"http":[{"name":"web","route":[{"destination":{"host":"web","subset":"blue"},"weight":90},{"destination":{"host":"web","subset":"green"},"weight":10}]}]}})",
       R"({"metadata":{"resourceVersion":"8"},"spec":{"http":[{"route":[{"destination":{"subset":"blue"}}]},{"name":"web","route":[{"destination":{"subset":"green"},"weight":0},{"destination":{"subset":"blue"},"weight":100}]}]}})"});
}

TEST(DriverReadersFuzz, Workload) {
  const std::string pod_template =
      R"({"metadata":{"labels":{"app":"web"},"annotations":{"kubectl.kubernetes.io/restartedAt":"x"}},"spec":{"containers":[{"name":"web","image":"r/web:v1","envFrom":[{"configMapRef":{"name":"settings"}}]}],"volumes":[{"secret":{"secretName":"keys"}}]}})";
  run("workload", fuzz_workload,
      {R"({"object":{"metadata":{"uid":"u","generation":2},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]},"strategy":{"type":"RollingUpdate"},"template":)" +
           pod_template +
           R"(},"status":{"observedGeneration":2,"conditions":[{"type":"Progressing","reason":"NewReplicaSetAvailable"}]}},"owned":{"items":[{"kind":"ReplicaSet","metadata":{"uid":"r","labels":{"pod-template-hash":"aa"},"annotations":{"deployment.kubernetes.io/revision":"2"},"ownerReferences":[{"uid":"u"}]},"spec":{"template":)" +
           pod_template +
           R"(}},{"kind":"Pod","metadata":{"name":"web-1","ownerReferences":[{"uid":"r"}],"creationTimestamp":"2026-11-22T10:00:00Z"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"web","imageID":"r/web@sha256:00"}]}}]}})",
       R"({"object":{"metadata":{"uid":"u"},"spec":{"template":)" + pod_template +
           R"(},"status":{"updateRevision":"web-1","desiredNumberScheduled":2}},"owned":{"items":[{"kind":"ControllerRevision","revision":3,"metadata":{"name":"web-1","labels":{"controller-revision-hash":"web-1"},"ownerReferences":[{"uid":"u"}]},"data":{"spec":{"template":)" +
           pod_template +
           R"(}}},{"kind":"Pod","metadata":{"name":"w","labels":{"controller-revision-hash":"web-1"},"ownerReferences":[{"uid":"u"}]},"status":{"containerStatuses":[{"name":"web","state":{"waiting":{"reason":"ImagePullBackOff","message":"no"}}}]}}]}})",
       "Error from server (NotFound): deployments.apps \"web\" not found\n"});
}

TEST(DriverReadersFuzz, Helm) {
  run("helm", fuzz_helm,
      {R"([{"revision":1,"updated":"2026-11-22T10:00:00.123456789+01:00","status":"superseded","chart":"shop-1.0.0","app_version":"v1","description":"Install complete"},{"revision":2,"updated":"2026-11-22T11:00:00Z","status":"superseded","chart":"shop-1.1.0","app_version":"v2","description":"Upgrade complete"},{"revision":3,"updated":"2026-11-22T12:00:00Z","status":"deployed","chart":"shop-1.0.0","app_version":"v1","description":"Rollback to 1"}])",
       R"([{"revision":1,"status":"pending-upgrade","description":"Preparing upgrade"}])",
       R"([{"newest":2,"to":1},{"newest":3,"to":1}])",
       "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n"});
}

TEST(DriverReadersFuzz, Coolify) {
  run("coolify", fuzz_coolify,
      {R"({"uuid":"app-1","name":"shop","status":"running:healthy","git_branch":"main","git_commit_sha":"HEAD","build_pack":"nixpacks","settings":{"is_auto_deploy_enabled":true}})",
       R"({"count":1,"deployments":[{"deployment_uuid":"d1","commit":"0123456789abcdef","status":"finished","created_at":"2026-11-22T10:00:00Z","is_webhook":true,"pull_request_id":0,"resource_uuid":"app-1","message":"queued"}]})",
       R"([{"deployment_uuid":"d2","commit":"HEAD","status":"in_progress"}])", R"({"message":"Unauthenticated."})",
       R"({"version":"v1","commit":"0123456"})"});
}

TEST(DriverReadersFuzz, Compose) {
  run("compose", fuzz_compose,
      {R"({"service":"web","image":"sha256:199aa71e10213be5878874faf02780441d66113f2dd7408df37cf61a50cacd95","ref":"app:v1","state":"running","health":"healthy","restarts":0,"started":"2026-11-22T07:23:59.9314975Z","exit":0,"oneoff":"False","name":"/p_web_1","tool":"1.29.2","config":"aa11","published":{"80/tcp":[{"HostPort":"8080"}]},"exposed":{"5432/tcp":{}}})",
       R"({"service":"job","image":"sha256:f8351860511bc943eb8fc4fe3d13228c3a6997b74b7c858ce4dd8cb089e9d96c","ref":"app:v2","state":"exited","health":"","restarts":0,"started":"2026-11-22T07:23:59Z","exit":0,"oneoff":"False","name":"/p-job-1","tool":"2.29.1"})"
       "\n"
       R"({"service":"web","image":"sha256:199aa71e10213be5878874faf02780441d66113f2dd7408df37cf61a50cacd95","ref":"app:v1","state":"running","health":"unhealthy","restarts":3,"started":"2026-11-22T07:23:59Z","exit":0})"});
}

TEST(DriverReadersFuzz, Recap) {
  run("recap", fuzz_recap,
      {"PLAY [all] ***\n\nPLAY RECAP *****\nweb-1 : ok=5 changed=2 unreachable=0 failed=0 skipped=0 rescued=0 "
       "ignored=0\n"
       "web-2                      : ok=3    changed=1    unreachable=0    failed=1\n",
       "\x1b[0;32mPLAY RECAP ***\x1b[0m\r\n\x1b[0;31mweb-2\x1b[0m : \x1b[0;32mok=1\x1b[0m changed=0 unreachable=1 "
       "failed=0\r\nweb-1 : ok=1 changed=0 unreachable=0 failed=0\r\n"});
}

TEST(DriverReadersFuzz, Deployers) {
  run("deployers", fuzz_deployers,
      {R"({"kind":"Application","spec":{"syncPolicy":{"automated":{"prune":true,"enabled":false}},"suspend":true}})",
       "running always 0\n", "exited on-failure 3 boot\n", "jobs 1\nparked 0\nsaved x\nend\n", "absent 1\nend\n",
       "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nDropInPaths=\n",
       "Error: No such container: watchtower\n", "here https://10.0.0.1:6443"});
}

TEST(DriverReadersFuzz, Keepers) {
  run("keepers", fuzz_keepers,
      {R"([{"pid":7,"name":"web","pm_id":0,"pm2_env":{"status":"online","restart_time":1,"unstable_restarts":0,"pm_uptime":1763733800000,"pm_cwd":"/srv","pm_exec_path":"/srv/a.js","exec_mode":"cluster_mode","pm_err_log_path":"/e","pm_out_log_path":"/o"}}])",
       "web                              RUNNING   pid 17, uptime 0:01:02\nweb:web_01 FATAL Exited too quickly\n",
       "2026-11-21 14:50:00,442 INFO exited: web (exit status 1; not expected)\n2026-11-21 14:50:01,442 INFO spawned: "
       "'web' with pid 18\n"});
}

}  // namespace
}  // namespace backout::drivers

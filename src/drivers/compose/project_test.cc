// What docker prints, as a state of a project: lines taken from docker 20.10 with docker-compose 1.29; those of the
// plugin as its documentation and sources have them.
#include "drivers/compose/project.h"

#include <gtest/gtest.h>

namespace backout::drivers::compose {
namespace {

constexpr const char* kV1 = "sha256:199aa71e10213be5878874faf02780441d66113f2dd7408df37cf61a50cacd95";
constexpr const char* kV2 = "sha256:f8351860511bc943eb8fc4fe3d13228c3a6997b74b7c858ce4dd8cb089e9d96c";

const std::string kHealthy =
    R"({"service":"web","image":"sha256:199aa71e10213be5878874faf02780441d66113f2dd7408df37cf61a50cacd95","ref":"app:v1","state":"running","health":"healthy","restarts":0,"started":"2026-11-22T07:23:59.9314975Z","exit":0,"oneoff":"False","name":"/p_web_1","tool":"1.29.2"})";
const std::string kPlain =
    R"({"service":"worker","image":"sha256:f8351860511bc943eb8fc4fe3d13228c3a6997b74b7c858ce4dd8cb089e9d96c","ref":"app:v2","state":"running","health":"","restarts":0,"started":"2026-11-22T07:23:59Z","exit":0,"oneoff":"False","name":"/p-worker-1","tool":"2.29.1"})";
const std::string kExited =
    R"({"service":"worker","image":"sha256:f8351860511bc943eb8fc4fe3d13228c3a6997b74b7c858ce4dd8cb089e9d96c","ref":"app:v2","state":"exited","health":"","restarts":0,"started":"2026-11-22T07:23:59Z","exit":137,"oneoff":"False","name":"/p-worker-1","tool":"2.29.1"})";

Container container(const std::string& line) {
  const auto made = container_from(line);
  EXPECT_TRUE(made) << line;
  return made ? *made : Container();
}

/// A second later than they were started.
Wanted wanted(std::vector<Image> images, Millis after = Millis(10'000)) {
  Wanted wanted;
  wanted.images = std::move(images);
  wanted.now = time_from("2026-11-22T07:23:59Z") + after;
  return wanted;
}

TEST(ComposeProject, a_line_of_docker_inspect) {
  const Container web = container(kHealthy);
  EXPECT_EQ(web.service, "web");
  EXPECT_EQ(web.image, kV1);
  EXPECT_EQ(web.ref, "app:v1");
  EXPECT_EQ(web.health, "healthy");
  EXPECT_EQ(to_iso(web.started), to_iso(time_from("2026-11-22T07:23:59.931Z")));
  EXPECT_TRUE(web.running());
  EXPECT_FALSE(web.oneoff);
}

TEST(ComposeProject, what_is_no_such_line_is_an_error) {
  for (const char* bad :
       {"", "{}", "[]", "Error: No such object: 1", R"({"service":"web","image":"app","state":"running"})",
        R"({"service":"web","image":"sha256:12","state":"running"})"})
    EXPECT_FALSE(container_from(bad)) << bad;
  EXPECT_EQ(time_from("0001-01-01T00:00:00Z"), WallTime{});
  EXPECT_EQ(time_from("yesterday"), WallTime{});
}

TEST(ComposeProject, all_as_wanted) {
  const std::vector<Container> both = {container(kHealthy), container(kPlain)};
  EXPECT_EQ(fault_of(both, wanted({{"web", kV1, "app:v1"}, {"worker", kV2, "app:v2"}})).why, "");
}

TEST(ComposeProject, nothing_known_is_never_good) {
  EXPECT_EQ(fault_of({}, wanted({})).why, "no service is known that should run");
  EXPECT_EQ(fault_of({}, wanted({{"web", kV1, "app:v1"}})).why, "web does not run: it has no container");
  EXPECT_EQ(fault_of({container(kHealthy)}, wanted({{"web", "", "app:v9"}})).why, "app:v9 of web is no image here");
}

TEST(ComposeProject, another_image_under_the_same_tag) {
  EXPECT_EQ(fault_of({container(kHealthy)}, wanted({{"web", kV2, "app:v1"}})).why,
            "web runs app:v1 (199aa71e1021) and not f8351860511b: the tag moved, or the container is another's");
  Wanted by_name = wanted({{"web", "", "app:v1"}});
  by_name.tags["app:v1"] = kV2;
  EXPECT_FALSE(fault_of({container(kHealthy)}, by_name).why.empty());
}

TEST(ComposeProject, an_old_container_beside_the_new_one) {
  Container left = container(kHealthy);
  left.image = kV2;
  EXPECT_FALSE(fault_of({container(kHealthy), left}, wanted({{"web", kV1, "app:v1"}})).why.empty());
  left.state = "exited";
  EXPECT_EQ(fault_of({container(kHealthy), left}, wanted({{"web", kV1, "app:v1"}})).why, "");
}

TEST(ComposeProject, what_does_not_serve) {
  const std::vector<Image> worker = {{"worker", kV2, "app:v2"}};
  const Fault exited = fault_of({container(kExited)}, wanted(worker));
  EXPECT_EQ(exited.why, "worker exited with 137: app:v2 (f8351860511b)");
  EXPECT_TRUE(exited.final);
  EXPECT_EQ(fault_of({container(kPlain)}, wanted(worker, Millis(1000))).why,
            "worker runs for 1.0 s only: app:v2 (f8351860511b)");
  Container again = container(kPlain);
  again.restarts = 3;
  EXPECT_FALSE(fault_of({again}, wanted(worker)).why.empty());
  EXPECT_TRUE(fault_of({again}, wanted(worker, Millis(60'000))).why.empty());
  Container sick = container(kHealthy);
  for (const char* health : {"starting", "unhealthy"}) {
    sick.health = health;
    EXPECT_FALSE(fault_of({sick}, wanted({{"web", kV1, "app:v1"}})).why.empty()) << health;
  }
}

TEST(ComposeProject, every_container_of_a_scaled_service_counts) {
  std::vector<Image> worker = {{"worker", kV2, "app:v2", "", 3}};
  Container second = container(kPlain), third = container(kExited);
  second.name = "/p-worker-2";
  EXPECT_EQ(fault_of({container(kPlain), second}, wanted(worker)).why, "2 of 3 containers of worker are there");
  EXPECT_EQ(fault_of({container(kPlain), second, third}, wanted(worker)).why,
            "worker exited with 137: app:v2 (f8351860511b)");
  worker[0].count = 1;
  EXPECT_FALSE(fault_of({container(kPlain), third}, wanted(worker)).why.empty()) << "whatever is asked for";
  third = second;
  worker[0].count = 3;
  EXPECT_EQ(fault_of({container(kPlain), second, third}, wanted(worker)).why, "");
  EXPECT_EQ(images_of({container(kPlain), container(kExited)}, {})[0].count, 2) << "it shall have both";
}

TEST(ComposeProject, a_job_that_has_ended_is_as_it_should_be) {
  Container job = container(kExited);
  job.service = "migrate";
  job.exit = 0;
  Wanted with = wanted({{"web", kV1, "app:v1"}, {"migrate", kV2, "app:v2"}});
  EXPECT_EQ(fault_of({container(kHealthy), job}, with).why, "");
  EXPECT_EQ(images_of({job}, {})[0].fate, "ends");
  EXPECT_EQ(fault_of({job}, wanted({{"migrate", kV2, "app:v2"}})).why, "none of the project's containers runs");
  job.exit = 1;
  EXPECT_EQ(fault_of({container(kHealthy), job}, with).why, "migrate exited with 1: app:v2 (f8351860511b)");
  job.exit = 0;
  job.restart = "unless-stopped";
  EXPECT_FALSE(fault_of({container(kHealthy), job}, with).why.empty()) << "it should have been started again";
  job.restart = "no";
  job.published = {80};
  EXPECT_FALSE(fault_of({container(kHealthy), job}, with).why.empty()) << "a server";
  job.published.clear();
  with.images[1].fate = "runs";
  EXPECT_FALSE(fault_of({container(kHealthy), job}, with).why.empty()) << "it ran when all was well";
  with.images[1].fate = "ends";
  EXPECT_EQ(fault_of({container(kHealthy), job}, with).why, "");
  job.state = "running";
  EXPECT_EQ(fault_of({container(kHealthy), job}, with).why, "migrate has not ended yet: app:v2 (f8351860511b)");
}

TEST(ComposeProject, what_was_found_down_is_put_back_so) {
  const std::vector<Image> images = images_of({container(kHealthy), container(kExited)}, {});
  EXPECT_EQ(fault_of({container(kHealthy), container(kExited)}, wanted(images)).why, "");
}

TEST(ComposeProject, what_a_container_was_made_from) {
  Container web = container(kHealthy);
  web.config = "aa11";
  std::vector<Image> images = {{"web", kV1, "app:v1", "", 1, "aa11", "1.29.2"}};
  EXPECT_TRUE(unproven({web}, images).empty());
  images[0].by = "1.28.0";
  EXPECT_EQ(unproven({web}, images), std::vector<std::string>{"web"}) << "another Compose counts other things";
  images[0].config.clear();
  EXPECT_EQ(unproven({web}, images), std::vector<std::string>{"web"});
  Given given{"1.29.2", {{"web", "aa11"}}, {}, {}};
  EXPECT_EQ(proof_of({web}, images, {"web"}, given).why, "");
  given.hashes["web"] = "bb22";
  EXPECT_EQ(proof_of({web}, images, {"web"}, given).why,
            "web was made from another environment or compose file than those of the release");
  EXPECT_EQ(proof_of({web}, images, {}, given).why, "") << "a checkpoint has proved it";
  given.by = "2.29.1";
  EXPECT_TRUE(proof_of({web}, images, {"web"}, given).unknown);
  given.would["p_web_1"] = "Running";
  EXPECT_EQ(proof_of({web}, images, {"web"}, given).why, "") << "the plugin would leave it";
  given.would["p_web_1"] = "Recreate";
  EXPECT_FALSE(proof_of({web}, images, {"web"}, given).why.empty());
  given.hashes = {{"worker", "cc"}};
  EXPECT_EQ(proof_of({web}, images, {"web"}, given).why, "web is in none of the compose files");
  given = {"1.29.2", {{"web", "aa11"}}, {{"web", 3}}, {}};
  EXPECT_EQ(proof_of({web}, images, {}, given).why, "1 of 3 containers of web are there, as the compose files ask for");
}

TEST(ComposeProject, which_container_holds_the_database) {
  Container db = container(kPlain);
  db.service = "db";
  EXPECT_TRUE(holds_database(db, "shop", "host=compose:shop/db user=postgres "));
  EXPECT_FALSE(holds_database(db, "shop", "host=compose:shop/db2 user=postgres "));
  EXPECT_FALSE(holds_database(db, "other", "host=compose:shop/db "));
  db.published = {5433};
  EXPECT_TRUE(holds_database(db, "shop", "host=127.0.0.1 port=5433 "));
  EXPECT_TRUE(holds_database(db, "shop", "postgresql://shop@127.0.0.1:5433/shop "));
  EXPECT_FALSE(holds_database(db, "shop", "postgresql://shop@127.0.0.1/shop "));
  db.published = {5432};
  EXPECT_TRUE(holds_database(db, "shop", "postgresql://shop@127.0.0.1/shop "));
  db.published.clear();
  EXPECT_FALSE(holds_database(db, "shop", "service=shop "));
  db.postgresql = true;
  EXPECT_TRUE(holds_database(db, "shop", "service=shop "));
}

TEST(ComposeProject, a_service_that_should_be_gone) {
  Wanted with = wanted({{"web", kV1, "app:v1"}});
  with.gone = {"worker"};
  EXPECT_EQ(fault_of({container(kHealthy), container(kPlain)}, with).why,
            "worker still runs, and this release has no such service");
  EXPECT_EQ(fault_of({container(kHealthy), container(kExited)}, with).why, "");
}

TEST(ComposeProject, images_of_what_runs) {
  Container run = container(kHealthy);
  run.service = "migrate";
  run.oneoff = true;
  const std::vector<Container> all = {container(kExited), container(kHealthy), container(kHealthy), run};
  const std::vector<Image> images = images_of(all, {});
  ASSERT_EQ(images.size(), 2U);
  EXPECT_EQ(images[0], (Image{"web", kV1, "app:v1", "", 2, "", "1.29.2", "runs"}));
  EXPECT_EQ(images[1].fate, "down");
  EXPECT_EQ(images[1].service, "worker");
  EXPECT_EQ(images_of(all, {"web"}).size(), 1U);
}

TEST(ComposeProject, the_digest_of_the_images_own_repository) {
  std::vector<Image> images(3);
  images[0] = {"web", "sha256:aa", "registry.example:5000/shop:v1"};
  images[1] = {"worker", "sha256:aa", "shop:v1"};
  images[2] = {"db", "sha256:bb", "postgres:15"};
  note_digests(images, {"sha256:aa staging/shop@sha256:11 registry.example:5000/shop@sha256:22", "sha256:bb", ""});
  EXPECT_EQ(images[0].digest, "registry.example:5000/shop@sha256:22");
  EXPECT_EQ(images[1].digest, "staging/shop@sha256:11") << "better than none";
  EXPECT_EQ(images[2].digest, "");
}

TEST(ComposeProject, names_of_images) {
  EXPECT_EQ(name_of_ref("shop:v1").tag, "v1");
  EXPECT_EQ(name_of_ref("registry:5000/shop/web:v1").repository, "registry:5000/shop/web");
  EXPECT_EQ(name_of_ref("registry:5000/shop/web").tag, "latest");
  EXPECT_EQ(name_of_ref("shop@" + std::string(kV1)).repository, "");
  EXPECT_EQ(name_of_ref(kV1).repository, "");
  EXPECT_EQ(name_of_ref("199aa71e1021").repository, "");
}

TEST(ComposeProject, which_tool) {
  EXPECT_EQ(tool_for(false, false, "1.29.2"), "");
  EXPECT_EQ(tool_for(true, false, "2.29.1"), "docker-compose");
  EXPECT_EQ(tool_for(false, true, "1.29.2"), "docker compose");
  EXPECT_EQ(tool_for(true, true, "1.29.2"), "docker-compose");
  EXPECT_EQ(tool_for(true, true, "2.29.1"), "docker compose");
  EXPECT_EQ(tool_for(true, true, ""), "docker compose");
}

TEST(ComposeProject, images_in_arguments_are_checked) {
  const std::vector<Image> images = {{"web", kV1, "app:v1", "app@sha256:ab", 2, "ab12", "1.29.2", "runs"},
                                     {"db", "", "postgres:15"}};
  const auto read = images_argument({{"images", to_json(images)}}, "images");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, images);
  for (const Json& bad :
       {Json("text"), Json{{{"service", "a b"}, {"ref", "x"}}}, Json{{{"service", "a"}, {"ref", "$(x)"}}},
        Json{{{"service", "a"}, {"ref", "-v"}}}, Json{{{"service", "a"}, {"ref", "x"}, {"image", "x"}}},
        Json{{{"service", "a"}, {"ref", "x"}, {"config", "$(x)"}}}})
    EXPECT_FALSE(images_argument({{"images", bad}}, "images")) << bad.dump();
}

}  // namespace
}  // namespace backout::drivers::compose

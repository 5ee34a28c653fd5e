// The driver's own way, for tests: what offer() says, done by the tool's verbs one after the other against a real
// server.
#pragma once
#include <filesystem>
#include <functional>

#include "database/postgresql/driver.h"
#include "database/postgresql/testing.h"
#include "database/postgresql/verbs.h"

namespace backout::postgresql {

class PostgresqlVerbs : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = cluster_.database("Shop \"1\"");
    cluster_.run(
        database_,
        "CREATE TABLE client (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE);"
        "CREATE TABLE orders (id bigserial PRIMARY KEY, client bigint NOT NULL REFERENCES client, note text NOT NULL);"
        "INSERT INTO client(email) VALUES ('a@x'), ('b@x'); INSERT INTO orders(client, note) VALUES (1, 'bread'), (2, "
        "'milk')");
    directory_ = cluster_.directory() + "/" + random_hex(6);
    std::filesystem::create_directories(directory_);
    driver_ = make_postgresql_driver("backout");
    subject_ = {{"server", cluster_.server().conninfo},
                {"database", database_},
                {"maintenance", "postgres"},
                {"jobs", 2},
                {"tables", Json::object()},
                {"fill", {{"orders.note", "none"}}}};
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Json verb(const std::string& name, const Json& args) {
    auto done = run_verb(name, args, {});
    EXPECT_TRUE(done) << name << ": " << done.error().message;
    return done ? *done : Json::object();
  }
  std::vector<Step> offered(RunKind kind, const Json& saved, const std::string& run) {
    driver::Offering offering{.kind = kind, .site = SiteId("shop/production")};
    offering.subject = subject_;
    offering.hosts = {"local"};
    offering.seen["local"] = verb("observe", subject_);
    offering.saved = saved;
    offering.run_directory = directory_ + "/" + run;
    std::filesystem::create_directories(offering.run_directory);
    auto steps = driver_->offer(offering);
    EXPECT_TRUE(steps) << steps.error().message;
    return steps ? *steps : std::vector<Step>();
  }
  /// Does the steps in the order of their phases, each looked at before and after. The part that the last one kept.
  Json lived(const std::vector<Step>& steps, const std::function<void(const std::string& verb)>& before = {}) {
    Json part;
    for (const Step& step : steps) {
      if (before) before(step.action.verb);
      if (step.kind == StepKind::kEffect) {
        EXPECT_EQ(get_string(*look_at(step.action.verb, step.action.args), "sight"), "does-not-hold") << step.id.str();
        const Json evidence = verb(step.action.verb, step.action.args);
        if (get(evidence, "part").is_object()) part = get(evidence, "part");
      }
      const auto sight = look_at(step.action.verb, step.action.args);
      EXPECT_TRUE(sight && get_string(*sight, "sight") == "holds")
          << step.id.str() << ": " << (sight ? get_string(*sight, "why") : sight.error().message);
    }
    return part;
  }
  void undo(const std::vector<Step>& steps) {
    for (auto step = steps.rbegin(); step != steps.rend(); ++step)
      if (step->undo) verb(step->undo->verb, step->undo->args);
  }
  void migrate() {
    cluster_.run(database_,
                 "ALTER TABLE client RENAME TO customer; ALTER TABLE customer RENAME email TO mail;"
                 "ALTER TABLE orders DROP note; ALTER TABLE orders ADD channel text NOT NULL DEFAULT 'web';"
                 "INSERT INTO customer(mail) VALUES ('c@x'); INSERT INTO orders(client) VALUES (3); DELETE FROM orders "
                 "WHERE id = 1;"
                 "UPDATE customer SET mail = 'B@x' WHERE id = 2");
  }
  std::string text(const std::string& sql) { return cluster_.text(database_, sql); }

  TestCluster& cluster_ = TestCluster::the();
  std::string database_, directory_;
  std::unique_ptr<driver::Driver> driver_;
  Json subject_;
};

}  // namespace backout::postgresql

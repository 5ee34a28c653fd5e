// Answers, questions and the file itself: whatever is seen, the text parses and lints.
#include "init/outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "init/detect.h"
#include "init/facts_for_tests.h"
#include "init/settle.h"
#include "init/words.h"

namespace backout::init {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Answers answers(const std::vector<std::string>& assignments) {
  Answers all;
  for (const std::string& each : assignments) EXPECT_TRUE(add_answer(all, each)) << each;
  return all;
}
std::vector<std::string> keys(const std::vector<Question>& questions) {
  std::vector<std::string> words;
  for (const Question& question : questions) words.push_back(question.key + (question.required ? "!" : ""));
  return words;
}
std::string file_of(const Facts& facts, const Answers& said = {}) {
  Draft draft = detect(facts);
  EXPECT_TRUE(apply_answers(said, draft));
  return yaml_text(outline(draft, facts));
}
std::vector<std::string> errors(const std::string& text) {
  std::vector<std::string> words;
  for (const config::Finding& finding : config::parse(text, "/srv/shop/backout.yaml").findings)
    if (finding.severity == config::Severity::kError) words.push_back(config::render("f", finding));
  return words;
}

TEST(Settle, OnlyWhatCannotBeSeenIsAsked) {
  Facts facts = facts_for_tests({{"app.py", "Flask(__name__)"}});
  Draft draft = detect(facts);
  EXPECT_THAT(keys(open_questions(draft, {})), ElementsAre("layout!", "service!"));
  const Answers first = answers({"layout=in-place", "service=systemd:shop"});
  ASSERT_TRUE(apply_answers(first, draft));
  EXPECT_THAT(keys(open_questions(draft, first)), ElementsAre("port!", "public_url"));
  const Answers second = answers({"layout=in-place", "service=systemd:shop", "port=8000"});
  ASSERT_TRUE(apply_answers(second, draft));
  EXPECT_THAT(keys(open_questions(draft, second)), ElementsAre("public_url"));
  EXPECT_EQ(draft.base_url.value, "http://127.0.0.1:8000");
}

TEST(Settle, AnswersAreChecked) {
  Answers all;
  EXPECT_THAT(add_answer(all, "nonsense").error().message, HasSubstr("KEY=VALUE"));
  EXPECT_THAT(add_answer(all, "prot=1").error().message, HasSubstr("prot"));
  EXPECT_FALSE(add_answer(all, "port="));
  EXPECT_FALSE(add_answer(all, "site=a\x01"));
  Draft draft;
  EXPECT_FALSE(apply_answers(answers({"port=eight"}), draft));
  EXPECT_FALSE(apply_answers(answers({"site=a b"}), draft));
  EXPECT_FALSE(apply_answers(answers({"check=health"}), draft));
  EXPECT_FALSE(apply_answers(answers({"hosts=a;b"}), draft));
  EXPECT_TRUE(add_answers_of(all, "# a comment\nport: 8000\nservice: 'systemd:a'\nservice=systemd:b\n"));
  EXPECT_EQ(all["service"].size(), 2U);
  EXPECT_THAT(add_answers_of(all, "\nport\n").error().message, HasSubstr("line 2"));
}

TEST(Settle, WhatTheRunningSiteSaysDecidesItsChecks) {
  Draft draft;
  draft.base_url = {"http://127.0.0.1:8000", ""};
  draft.checks = {{.path = "/version", .where = "a", .reports_version = true},
                  {.path = "/health", .where = "b"},
                  {.path = "/status", .where = "c"},
                  {.path = "/ping", .where = "d"}};
  const Ask ask = [](const std::string& url, const std::string&) -> std::optional<Answered> {
    if (url.ends_with("/version")) return Answered{200, "{\"version\": \"v2\"}"};
    if (url.ends_with("/health")) return Answered{200, "all well\n"};
    if (url.ends_with("/status")) return Answered{404, "no"};
    if (url.ends_with("8000/")) return Answered{200, "<title>Shop: summer</title>"};
    return std::nullopt;
  };
  ask_the_site(ask, {"v2"}, draft);
  ASSERT_EQ(draft.checks.size(), 4U);
  EXPECT_TRUE(draft.checks[0].reports_version);
  EXPECT_EQ(draft.checks[1].contains, "all well");
  EXPECT_EQ(draft.checks[2].path, "/ping");
  EXPECT_EQ(draft.checks[3].path, "/");
  EXPECT_EQ(draft.checks[3].contains, "");
  ask_the_site(ask, {"v3"}, draft);
  EXPECT_FALSE(draft.checks[0].reports_version);
}

TEST(Outline, ABuildIsKeptOnlyWhereItIsAllThatTheCommandsMake) {
  Facts facts = facts_for_tests({{"package.json", "{}"}, {"package-lock.json", "{}"}});
  facts.git.root = "/srv/shop";
  facts.tree.emplace_back("node_modules/");
  const std::string kept = file_of(facts, answers({"service=systemd:shop", "port=8000", "build=npm ci"}));
  EXPECT_THAT(kept, HasSubstr("\n  keep_builds: [node_modules]"));
  const std::string more =
      file_of(facts, answers({"service=systemd:shop", "port=8000", "build=npm ci", "build=git describe >VERSION"}));
  EXPECT_THAT(more, HasSubstr("\n  # keep_builds: [node_modules]"));
  EXPECT_THAT(errors(more), IsEmpty());
}

TEST(Outline, SeveralHostsAreAskedEachForItself) {
  Facts facts = facts_for_tests();
  facts.git.root = "/srv/shop";
  const std::string text =
      file_of(facts, answers({"hosts=web-1 one.internal, web-2 two.internal /var/lib/b, deploy@three",
                              "service=systemd:shop", "port=8000"}));
  EXPECT_THAT(text, HasSubstr("web-1: {ssh: one.internal}"));
  EXPECT_THAT(text, HasSubstr("web-2: {ssh: two.internal, root: /var/lib/b}"));
  EXPECT_THAT(text, HasSubstr("three: {ssh: deploy@three}"));
  EXPECT_THAT(text, HasSubstr("base_url: http://{host}:8000"));
  EXPECT_THAT(errors(text), IsEmpty());
}

TEST(Outline, HostileNamesStayData) {
  const std::vector<std::string> names = {"a: b",       "a\nstate: /tmp/evil",
                                          "\"",         "'",
                                          "- x",        "# c",
                                          "&a",         "*a",
                                          "!t",         "%",
                                          "@",          "`",
                                          "{",          "]",
                                          ",",          "~",
                                          "null",       "true",
                                          "? x",        "|",
                                          ">",          "\\",
                                          "\t",         " lead",
                                          "trail ",     "x: # y",
                                          "<<",         "=",
                                          "...",        "---",
                                          "\xc3\xbc",   "\xff",
                                          "\x1b[1m",    "{host}",
                                          "{{version}}"};
  for (const std::string& name : names) {
    Facts facts = facts_for_tests();
    facts.directory = facts.code = "/srv/" + name;
    facts.git.root = facts.directory;
    facts.git.remote = name;
    facts.owner = name;
    facts.has_current = true;
    facts.current = name;
    facts.databases = {{facts.directory + "/" + name + ".db"}};
    facts.dumps = {{facts.directory + "/a.sql"}};
    facts.systemd = {{"/etc/systemd/system/" + name + ".service", "[Service]\nWorkingDirectory=" + facts.directory +
                                                                      "\nExecStart=/x -b :8000\nEnvironmentFile=/etc/" +
                                                                      name + "\n"}};
    facts.supervisor = {
        {"/etc/supervisor/conf.d/x.conf", "[program:" + name + "]\ndirectory=" + facts.directory + "\n"}};
    facts.cron = {{"/etc/cron.d/" + name, "* * * * * root " + facts.directory + "/x\n"}};
    facts.processes = {{.pid = 1, .argv = {name, facts.directory}, .ports = {8000}}};
    facts.unread = {name};
    facts.project["Procfile"] = "web: " + name + "\n";
    Answers said = answers({"layout=releases"});
    if (as_name(name).empty()) said = answers({"layout=releases", "site=s"});
    const std::string text = file_of(facts, said);
    EXPECT_THAT(errors(text), IsEmpty()) << text;
    EXPECT_THAT(text, Not(HasSubstr("\nstate: /tmp/evil"))) << text;
  }
}

TEST(Overlay, SaysOnlyWhatDiffers) {
  Facts facts = facts_for_tests();
  facts.git.root = "/srv/shop";
  const Answers said = answers({"service=systemd:shop", "port=8000", "public_url=https://shop.example.com"});
  const std::string base = file_of(facts, said);
  Draft same = detect(facts);
  ASSERT_TRUE(apply_answers(said, same));
  EXPECT_EQ(overlay_of(outline(same, facts), base, "staging").size(), 1U);
  Draft other = detect(facts);
  ASSERT_TRUE(
      apply_answers(answers({"service=systemd:shop", "port=9000", "public_url=https://staging.example.com"}), other));
  const std::string text = yaml_text(overlay_of(outline(other, facts), base, "staging"));
  EXPECT_THAT(text, HasSubstr("environment: staging"));
  EXPECT_THAT(text, HasSubstr("public_url: https://staging.example.com"));
  EXPECT_THAT(text, Not(HasSubstr("layout")));
  const config::Loaded loaded = config::parse(base, text, "/srv/shop/backout.yaml", "staging");
  EXPECT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.site.environment, "staging");
  EXPECT_EQ(loaded.site.services.front().port, 9000);
}

}  // namespace
}  // namespace backout::init

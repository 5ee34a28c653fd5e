// The search driver against an index in files, and a server that answers as search servers do.
#include "drivers/checks/search.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/text.h"
#include "conformance/conformance.h"
#include "support/python_server.h"

namespace backout::drivers {
namespace {

using ::testing::HasSubstr;

// Its path is what it answers.
constexpr const char* kSearchServer = R"py(
import http.server, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        body = urllib.parse.unquote(self.path[1:]).encode()
        self.send_response(500 if body == b"ill" else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
)py";

struct SearchTest : ::testing::Test {
  conformance::LocalHost local;
  conformance::ScratchDirectory directory;
  std::unique_ptr<driver::Driver> driver = make_search_driver();

  /// Rebuilds four types, one line each; each query counts one.
  Json subject() const {
    Json queries = Json::array();
    for (const char* type : {"post", "comment", "podcast", "course"})
      queries.push_back(
          {{"type", type},
           {"at_least", 1},
           {"run", {{"argv", {"sh", "-c", "ls " + directory.path() + " | grep -c ^" + type + " || :"}}}}});
    return {{"rebuild",
             {{"argv",
               {"sh", "-c",
                "for type in post comment podcast course; do echo indexing $type; : >" + directory.path() +
                    "/$type-1; sleep 0.01; done"}}}},
            {"queries", queries}};
  }
  driver::Offering offering(RunKind kind = RunKind::kRollback) const {
    driver::Offering made;
    made.kind = kind;
    made.from = Version("v2");
    made.to = Version("v1");
    made.subject = subject();
    made.hosts = {"local"};
    return made;
  }
  Sight query(const Json& args) const { return driver->verify({"search", "query", args}, *local.host, {}); }
};

TEST_F(SearchTest, rebuilding_conforms) {
  const std::vector<Step> steps = conformance::offers_well(*driver, offering());
  ASSERT_EQ(steps.size(), 5U);
  const auto whole = [&] {
    for (const char* type : {"post", "comment", "podcast", "course"})
      if (!std::filesystem::exists(directory / type + "-1")) return false;
    return true;
  };
  conformance::conforms(*driver,
                        {.action = steps[0].action,
                         .reset = [&] { ASSERT_EQ(::system(("rm -f " + directory.path() + "/*").c_str()), 0); },
                         .done = whole,
                         .has_probe = false,
                         .kills = 2});
}

TEST_F(SearchTest, each_type_is_a_check_of_its_own_that_names_it) {
  const std::vector<Step> steps = conformance::offers_well(*driver, offering());
  conformance::apply_well(*driver, steps[0].action, *local.host);
  for (size_t i = 1; i < steps.size(); ++i)
    EXPECT_EQ(driver->verify(steps[i].action, *local.host, {}).kind, SightKind::kHolds) << steps[i].id.str();
  std::filesystem::remove(directory / "podcast-1");
  EXPECT_EQ(steps[3].id.str(), "search-podcast");
  const Sight sight = driver->verify(steps[3].action, *local.host, {});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_EQ(sight.why, "search for podcast found 0 results, expected at least 1");
  EXPECT_EQ(driver->verify(steps[1].action, *local.host, {}).kind, SightKind::kHolds);
}

TEST_F(SearchTest, a_rebuild_that_says_it_went_well_is_not_believed) {
  driver::Offering liar = offering();
  liar.subject["rebuild"] = {{"argv", {"true"}}};
  const std::vector<Step> steps = conformance::offers_well(*driver, liar);
  conformance::apply_well(*driver, steps[0].action, *local.host);
  EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kCannotTell);
  for (size_t i = 1; i < steps.size(); ++i)
    EXPECT_EQ(driver->verify(steps[i].action, *local.host, {}).kind, SightKind::kDoesNotHold);
}

/// What the executor does with {"evidence_of": ...}.
struct SearchProof : SearchTest {
  Sight note, rebuilt;
  bool rows = false;
  std::vector<Step> run(const std::string& rebuild) {
    driver::Offering made = offering();
    made.subject["built"] = {{"argv", {"cat", directory / "built"}}};
    made.subject["rebuild"] = {{"argv", {"sh", "-c", rebuild}}};
    for (Json& query : made.subject["queries"])
      if (rows) query["rows"] = {{"argv", {"echo", "1"}}};
    std::vector<Step> steps = conformance::offers_well(*driver, made);
    EXPECT_EQ(steps.size(), 7U);
    EXPECT_EQ(steps[0].id.str(), "note-search");
    EXPECT_EQ(steps[1].needs, std::vector<StepId>{StepId("note-search")});
    EXPECT_EQ(steps[2].id.str(), "rebuilt-search");
    note = driver->verify(steps[0].action, *local.host, {});
    conformance::apply_well(*driver, steps[1].action, *local.host);
    Action look = steps[2].action;
    EXPECT_EQ(get_string(get(look.args, "before"), "evidence_of"), "note-search");
    look.args["before"] = note.evidence;
    rebuilt = driver->verify(look, *local.host, {});
    return steps;
  }
  void index(const std::string& text) const { std::ofstream(directory / "built") << text; }
};

TEST_F(SearchProof, a_tool_that_says_ok_and_did_nothing_is_seen_though_every_query_finds_something) {
  conformance::apply_well(*driver, conformance::offers_well(*driver, offering())[0].action, *local.host);
  index("generation 7");
  const std::vector<Step> steps = run("echo indexing post; echo done");
  for (size_t i = 3; i < steps.size(); ++i)
    EXPECT_EQ(driver->verify(steps[i].action, *local.host, {}).kind, SightKind::kHolds) << "of the old index";
  EXPECT_EQ(rebuilt.kind, SightKind::kDoesNotHold);
  EXPECT_EQ(rebuilt.why, "the index was not rebuilt: it is generation 7, as before");
}

TEST_F(SearchProof, an_index_that_changed_was_rebuilt) {
  index("generation 7");
  run("echo generation 8 >" + directory / "built");
  EXPECT_EQ(note.kind, SightKind::kHolds);
  EXPECT_EQ(rebuilt.kind, SightKind::kHolds) << rebuilt.why;
}

TEST_F(SearchProof, where_nothing_could_be_read_before_only_rows_tell) {
  run("true");
  EXPECT_EQ(note.kind, SightKind::kHolds);
  EXPECT_THAT(note.why, HasSubstr("cannot be read"));
  EXPECT_EQ(rebuilt.kind, SightKind::kDoesNotHold);
  run("echo generation 1 >" + directory / "built");
  EXPECT_EQ(rebuilt.kind, SightKind::kCannotTell) << "the command may merely have failed";
  EXPECT_THAT(rebuilt.why, HasSubstr("give each query rows"));
  std::filesystem::remove(directory / "built");
  rows = true;
  run("echo generation 1 >" + directory / "built");
  EXPECT_EQ(rebuilt.kind, SightKind::kHolds) << rebuilt.why;
  EXPECT_EQ(driver->verify({"search", "rebuilt", {{"built", {{"argv", {"true"}}}}}}, *local.host, {}).kind,
            SightKind::kCannotTell)
      << "nothing was noted";
}

TEST_F(SearchProof, a_server_that_warms_up_is_asked_again_before_the_rebuild) {
  index("generation 7");
  const std::string warm = directory / "warm";
  const Json built = {
      {"argv",
       {"sh", "-c",
        "if test -e " + warm + "; then cat " + directory / "built" + "; else : >" + warm + "; exit 1; fi"}}};
  const Sight seen = driver->verify({"search", "note", {{"built", built}}}, *local.host, {});
  EXPECT_EQ(seen.why, "the index is generation 7");
}

TEST_F(SearchProof, what_is_found_must_be_of_the_rows_that_are_there) {
  const testing_support::PythonServer server(kSearchServer);
  const auto ask = [&](const Json& answer, const std::string& from, bool ids = true) {
    Json args = {{"type", "post"},
                 {"at_least", 1},
                 {"url", server.url() + "/" + replaced(answer.dump(), "\"", "%22")},
                 {"rows", {{"argv", {"sh", "-c", from}}}}};
    if (ids) args["id"] = "pk";
    return query(args);
  };
  const Json two = {{"results", {{{"pk", 1}}, {{"pk", "b-2"}}}}};
  EXPECT_EQ(ask(two, "printf '1\nb-2\n3\n'").kind, SightKind::kHolds);
  EXPECT_EQ(ask(two, "printf '1\n3\n'").why, "search for post found 2 results, and the database has no row b-2");
  EXPECT_EQ(ask(two, "exit 1").kind, SightKind::kCannotTell);
  EXPECT_EQ(ask({{"results", Json::array()}}, "echo 1").kind, SightKind::kDoesNotHold) << "at least one";
  EXPECT_EQ(ask({{"results", {{{"id", 1}}}}}, "echo 1").kind, SightKind::kDoesNotHold) << "no id is there";
  EXPECT_EQ(ask(two, "echo 2", false).kind, SightKind::kHolds);
  EXPECT_EQ(ask(two, "echo 3", false).why, "search for post found 2 results, and the database has 3 rows");
  EXPECT_EQ(ask(two, "echo many", false).kind, SightKind::kCannotTell);
  const Sight none = ask({{"results", Json::array()}}, "echo 0", false);
  EXPECT_EQ(none.kind, SightKind::kDoesNotHold) << "an emptied table and an empty index agree";
  EXPECT_EQ(none.why, "search for post found 0 results, expected at least 1");
}

TEST_F(SearchTest, a_deploy_only_looks_and_a_checkpoint_does_nothing) {
  EXPECT_EQ(conformance::offers_well(*driver, offering(RunKind::kDeploy)).size(), 4U);
  EXPECT_TRUE(conformance::offers_well(*driver, offering(RunKind::kCheckpoint)).empty());
}

TEST_F(SearchTest, a_server_is_asked) {
  const testing_support::PythonServer server(kSearchServer);
  const auto ask = [&](const std::string& answer, int at_least = 1) {
    return query({{"type", "post"}, {"at_least", at_least}, {"url", server.url() + "/" + answer}});
  };
  EXPECT_EQ(ask(R"(%7B%22count%22:3%7D)").kind, SightKind::kHolds);
  EXPECT_EQ(ask(R"(%7B%22count%22:3%7D)", 4).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(ask("%5B%5D").kind, SightKind::kDoesNotHold);
  EXPECT_THAT(ask("ill").why, HasSubstr("search for post: it answered 500"));
  EXPECT_THAT(ask("%3Chtml%3E").why, HasSubstr("is not JSON"));
  EXPECT_EQ(query({{"type", "post"}, {"url", "http://127.0.0.1:9/"}}).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(query({{"type", "post"}, {"url", "file:///etc/passwd"}}).kind, SightKind::kCannotTell);
}

TEST(SearchResults, AreCountedAsSearchServersAnswer) {
  EXPECT_FALSE(results_in(R"({"timed_out":true,"_shards":{"total":5,"failed":0},"hits":{"total":{"value":3}}})", ""));
  EXPECT_FALSE(results_in(R"({"_shards":{"total":5,"failed":4},"hits":{"total":{"value":3}}})", ""));
  EXPECT_FALSE(ids_in(R"({"_shards":{"total":5,"failed":4},"hits":{"hits":[{"_id":"1"}]}})", "", "_id"));
  EXPECT_EQ(results_in(R"({"timed_out":false,"_shards":{"total":5,"failed":0},"hits":{"total":{"value":3}}})", "")
                .value_or(0),
            3);
  EXPECT_EQ(results_in(R"({"hits":{"total":{"value":12,"relation":"eq"},"hits":[]}})", "").value_or(-1), 12)
      << "Elasticsearch 7";
  EXPECT_EQ(results_in(R"({"hits":{"total":5,"hits":[]}})", "").value_or(-1), 5) << "Elasticsearch 6";
  EXPECT_EQ(results_in(R"({"response":{"numFound":7,"docs":[]}})", "response.numFound").value_or(-1), 7) << "Solr";
  EXPECT_EQ(results_in(R"({"hits":[{"id":1}],"estimatedTotalHits":1})", "").value_or(-1), 1) << "Meilisearch";
  EXPECT_EQ(results_in(R"({"results":[{},{}]})", "").value_or(-1), 2);
  EXPECT_EQ(results_in("[1,2,3]", "").value_or(-1), 3);
  for (const char* body : {"", "<html>", "{}", R"({"count":"many"})", "null"})
    EXPECT_FALSE(results_in(body, "")) << body;
  EXPECT_FALSE(results_in(R"({"count":1})", "hits.total"));
}

}  // namespace
}  // namespace backout::drivers

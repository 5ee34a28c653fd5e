// The search driver against an index in files, and a server that answers as search servers do.
#include "drivers/checks/search.h"

#include <gmock/gmock.h>

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

#include "config/keys.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "config/config.h"
#include "config/document.h"

namespace backout::config {
namespace {

TEST(Keys, EachStandsOnceWithADocAndAnExampleAndAPlaceToStand) {
  std::set<std::string_view> seen;
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(seen.insert(key.path).second) << key.path;
    EXPECT_FALSE(key.doc.empty()) << key.path;
    EXPECT_FALSE(key.doc.ends_with('.')) << key.path;
    EXPECT_FALSE(key.example.empty()) << key.path;
    EXPECT_EQ(key.type == Type::kChoice, !key.choices.empty()) << key.path;
    EXPECT_EQ(key.type == Type::kWhole, key.least < key.most) << key.path;
    if (key.type == Type::kForms) continue;
    // The parent of "a.b", "a[]" and "a[form].b" is in the table too.
    const size_t dot = key.path.rfind('.');
    std::string parent(key.path.substr(0, dot == std::string_view::npos ? 0 : dot));
    if (key.path.ends_with("[]")) parent = std::string(key.path.substr(0, key.path.size() - 2));
    if (const size_t bracket = parent.rfind('['); bracket != std::string::npos && !parent.ends_with("[]"))
      if (parent.ends_with(']')) parent = parent.substr(0, bracket) + "[]";
    EXPECT_TRUE(parent.empty() || parent == "<command>" || find_key(parent) != nullptr) << key.path;
  }
}

TEST(Keys, TheirExamplesAreYaml) {
  for (const Key& key : all_keys()) {
    Findings findings({"example"});
    const std::string text =
        key.example.starts_with("- ") ? "list:\n" + std::string(key.example) : std::string(key.example);
    EXPECT_TRUE(read_document(text + "\n", 0, findings)) << key.example;
    EXPECT_TRUE(findings.take().empty()) << key.example;
  }
}

void expect_committed(const std::string& name, const std::string& made) {
  const std::string file = std::string(BACKOUT_SOURCE_DIR) + "/docs/" + name;
  if (std::getenv("ACCEPT") != nullptr) std::ofstream(file) << made;
  std::stringstream committed;
  committed << std::ifstream(file).rdbuf();
  EXPECT_EQ(committed.str(), made) << "run test_config with ACCEPT=1 and commit " << file;
}

TEST(Keys, TheManualIsMadeFromThem) { expect_committed("configuration.md", reference()); }

TEST(Keys, TheSchemasForEditorsAreMadeFromThem) {
  expect_committed("backout.schema.json", json_schema(SchemaOf::kFile));
  expect_committed("backout.overlay.schema.json", json_schema(SchemaOf::kOverlay));
}

TEST(Keys, EachIsInTheSchemaWithItsWords) {
  const std::string schema = json_schema(SchemaOf::kFile);
  for (const Key& key : all_keys()) {
    const std::string words = Json(std::string(key.doc.substr(0, 20))).dump();  // more may follow them there
    EXPECT_NE(schema.find(words.substr(1, words.size() - 2)), std::string::npos) << key.path;
  }
}

TEST(Keys, EveryOneIsInTheManual) {
  const std::string page = reference();
  for (const Key& key : all_keys()) {
    if (key.path.ends_with("hosts[]")) continue;
    EXPECT_NE(page.find("| `" + std::string(key.path) + "` |"), std::string::npos) << key.path;
  }
}

}  // namespace
}  // namespace backout::config

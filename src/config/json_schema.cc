// docs/backout.schema.json from the table of keys: JSON Schema for editors. It knows shapes; what values mean together
// is for `backout lint`.
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

namespace backout::config {
namespace {

constexpr const char* kCheckLine = R"(^\s*(/|https?://)\S*\s+[1-5][0-9][0-9](\s+"[\s\S]+")?\s*$)";

/// A YAML scalar of any kind, as we read texts: `site: 42` is a site called 42.
Json scalar() { return {{"type", {"string", "number", "boolean"}}}; }
Json pattern(const char* expression) { return {{"type", {"string", "number", "boolean"}}, {"pattern", expression}}; }

class Schema {
 public:
  explicit Schema(bool overlay) : overlay_(overlay) {}

  Json whole() {
    Json schema = map("");
    schema["$schema"] = "http://json-schema.org/draft-07/schema#";
    schema["title"] = overlay_ ? "An overlay over backout.yaml: backout.ENVIRONMENT.yaml" : "backout.yaml";
    schema["description"] = "Made from src/config/keys.cc. Do not edit.";
    Json command = map("<command>");
    schema["definitions"] = {{"argv", argv()}, {"command", {{"anyOf", {reference("argv"), std::move(command)}}}}};
    return schema;
  }

 private:
  static Json reference(const std::string& name) { return {{"$ref", "#/definitions/" + name}}; }

  static Json argv() {
    Json word = scalar();
    return {{"anyOf",
             {{{"type", "string"}, {"pattern", R"(\S)"}},
              {{"type", "array"}, {"items", std::move(word)}, {"minItems", 1}}}}};
  }

  Json map(const std::string& path) {
    Json schema = {{"type", "object"}};
    const std::vector<std::string> names = names_in(path);
    const Key* free = find_key(joined(path, "*"));
    if (names.empty() && free == nullptr) return schema;  // a part that is not looked into
    Json required = Json::array();
    for (const std::string& name : names) {
      const Key& key = *find_key(joined(path, name));
      schema["properties"][name] = described(key);
      if (key.fallback == kRequired && !overlay_) required.push_back(name);
    }
    if (!required.empty()) schema["required"] = std::move(required);
    if (path == "code" && !overlay_) {  // the images of a cluster are at no path
      Json at_a_path, in_a_cluster;
      at_a_path["required"] = Json::array({"path"});
      in_a_cluster["properties"]["layout"]["enum"] = Json::array({"kubernetes"});
      schema["anyOf"] = Json::array({at_a_path, in_a_cluster});
    }
    schema["additionalProperties"] = free == nullptr ? Json(false) : described(*free);
    if (free == nullptr || free->type == Type::kMap) schema["patternProperties"] = {{"^x-", true}};
    return schema;
  }

  Json described(const Key& key) {
    Json schema = value(key);
    // An overlay takes a key away by leaving its value empty.
    if (overlay_ && !key.path.ends_with("[]")) schema = {{"anyOf", {std::move(schema), {{"type", "null"}}}}};
    std::string words(key.doc);
    if (!key.instead.empty()) words += fmt::format(". Not built yet: {}", key.instead);
    if (!key.fallback.empty() && key.fallback != kRequired) words += fmt::format(". When left out: {}", key.fallback);
    schema["description"] = words;
    return schema;
  }

  Json value(const Key& key) {
    switch (key.type) {
      case Type::kText:
      case Type::kTextOrFlag: return scalar();
      case Type::kWord: return pattern("^[^-]");
      case Type::kName: return pattern("^[A-Za-z0-9_][A-Za-z0-9._-]*$");
      case Type::kPath: return pattern("^[^~]");
      case Type::kAbsolute: return pattern("^/");
      case Type::kUrl: return pattern(R"(^https?://[^\s"'<>]+$)");
      case Type::kSecret: return pattern(R"(^(\$[A-Za-z_][A-Za-z0-9_]*|/[\s\S]+)$)");
      case Type::kUrlOrMap: return {{"anyOf", {pattern(R"(^https?://[^\s"'<>]+$)"), map(std::string(key.path))}}};
      case Type::kNamesOrTrue:
        return {{"anyOf", {{{"enum", {true, "true"}}}, {{"type", "array"}, {"items", scalar()}, {"minItems", 1}}}}};
      case Type::kWhole:
        return {{"anyOf",
                 {{{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}},
                  {{"type", "string"}, {"pattern", "^[0-9]+$"}}}}};
      case Type::kFlag: return {{"enum", {true, false, "true", "false"}}};
      case Type::kSpan: return {{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}};
      case Type::kChoice: return {{"enum", split(key.choices, '|')}};
      case Type::kCommand: return reference_or_map("command");
      case Type::kArgv: return reference_or_map("argv");
      case Type::kList: return list(key);
      case Type::kOneOrList: {
        Json several = list(key);
        several["minItems"] = 1;
        return {{"anyOf", {value(*find_key(fmt::format("{}[]", key.path))), several}}};
      }
      case Type::kMap:
        return key.path == "hosts.*" ? Json{{"anyOf", {map("hosts.*"), {{"type", "null"}}}}}
                                     : map(std::string(key.path));
      case Type::kForms: return forms(key);
      case Type::kAnything: return Json::object();
    }
    return Json::object();
  }

  /// Beside a $ref draft-07 ignores everything, so it stands in an allOf.
  static Json reference_or_map(const char* name) { return {{"allOf", {reference(name)}}}; }

  Json list(const Key& key) {
    Json schema = {{"type", "array"}};
    if (const Key* element = find_key(fmt::format("{}[]", key.path))) schema["items"] = described(*element);
    return schema;
  }

  /// Exactly one form fits, because each has the head of its own and no key of another's.
  Json forms(const Key& key) {
    Json any = Json::array();
    const std::string list(key.path.substr(0, key.path.size() - 2));
    for (const Form& form : all_forms()) {
      if (form.path != key.path) continue;
      for (const std::string_view head : form.heads) {
        Json one = map(fmt::format("{}[{}]", list, form.name));
        one["title"] = head;
        for (const std::string_view other : form.heads)
          if (other != head) one["properties"].erase(std::string(other));
        Json required = one.value("required", Json::array());
        if (std::find(required.begin(), required.end(), head) == required.end()) required.push_back(head);
        one["required"] = std::move(required);
        any.push_back(std::move(one));
      }
    }
    if (key.path == "checks[]") any.push_back({{"type", "string"}, {"pattern", kCheckLine}});
    return {{"anyOf", std::move(any)}};
  }

  const bool overlay_;
};

}  // namespace

std::string json_schema(SchemaOf what) { return Schema(what == SchemaOf::kOverlay).whole().dump(1) + "\n"; }

}  // namespace backout::config

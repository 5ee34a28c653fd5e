#include "config/read_compose.h"

#include <fmt/format.h>

namespace backout::config {

void read_compose(const Reading& reading, const Node& node, CodeConfig& code) {
  const Node* compose = node.find("compose");
  if (code.layout != "compose") {
    if (compose != nullptr)
      reading.findings.error(node.entry("compose")->place, "code.compose is for layout: compose",
                             "with another layout no container is switched; take it out, or say layout: compose");
    return;
  }
  static const Node kNothing;
  const Node& said = compose != nullptr && compose->is_map() ? *compose : kNothing;
  Json& value = code.compose;
  value["env_file"] = absolute(code.path, text_at(said, "env_file", ".env"));
  for (const std::string_view key : {"files", "services", "data"})
    for (const Node& item : items_at(said, std::string(key).c_str()))
      if (item.is_text()) value[key].push_back(key == "services" ? item.text : absolute(code.path, item.text));
  for (const char* key : {"project", "tag"})
    if (const std::string text = text_at(said, key); !text.empty()) value[key] = text;
  value["startup_ms"] = span_at(said, "startup", Millis(60'000)).count();
  value["steady_ms"] = span_at(said, "steady", Millis(2000)).count();
  for (const char* key : {"build", "source", "binary", "static", "ignore"})
    if (const Entry* entry = node.entry(key))
      reading.findings.error(entry->place, fmt::format("code.{} is not for layout: compose", key),
                             "what runs is in the images: a rollback takes them as they are; take the line out");
}

}  // namespace backout::config

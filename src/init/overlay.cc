// What an overlay has to say: where the outline and the file below it differ.
#include <algorithm>

#include "config/document.h"
#include "init/outline.h"

namespace backout::init {
namespace {

using Kind = YamlValue::Kind;

bool is_map(const YamlValue& value) { return value.kind == Kind::kMap || value.kind == Kind::kInlineMap; }
bool is_list(const YamlValue& value) { return value.kind == Kind::kList || value.kind == Kind::kInlineList; }

bool same(const YamlValue& value, const config::Node& node) {
  std::vector<const YamlEntry*> said;
  for (const YamlEntry& entry : value.entries)
    if (!entry.off) said.push_back(&entry);
  if (is_map(value))
    return node.is_map() && node.entries.size() == said.size() &&
           std::all_of(said.begin(), said.end(), [&](const YamlEntry* entry) {
             const config::Node* other = node.find(entry->key);
             return other != nullptr && same(entry->value, *other);
           });
  if (is_list(value)) {
    if (!node.is_list() || node.items.size() != said.size()) return false;
    for (size_t at = 0; at < said.size(); ++at)
      if (!same(said[at]->value, node.items[at])) return false;
    return true;
  }
  return node.is_text() && node.text == value.text;
}

std::vector<YamlEntry> differing(const std::vector<YamlEntry>& entries, const config::Node& base) {
  std::vector<YamlEntry> kept;
  for (const YamlEntry& entry : entries) {
    if (entry.off) continue;
    const config::Node* other = base.find(entry.key);
    if (other != nullptr && same(entry.value, *other)) continue;
    YamlEntry copy = entry;
    copy.above.clear();
    if (is_map(entry.value) && other != nullptr && other->is_map()) {
      copy.value.entries = differing(entry.value.entries, *other);
      if (copy.value.entries.empty()) continue;
    } else {
      std::erase_if(copy.value.entries, [](const YamlEntry& child) { return child.off; });
      if ((is_map(copy.value) || is_list(copy.value)) && copy.value.entries.empty()) continue;
    }
    kept.push_back(std::move(copy));
  }
  return kept;
}

}  // namespace

std::vector<YamlEntry> overlay_of(const std::vector<YamlEntry>& outline, const std::string& base,
                                  const std::string& environment) {
  config::Findings findings({"backout.yaml"});
  const auto node = config::read_document(base, 0, findings);
  std::vector<YamlEntry> entries = differing(outline, node ? *node : config::Node{});
  std::erase_if(entries, [](const YamlEntry& entry) { return entry.key == "environment" || entry.key == "site"; });
  YamlEntry first{"environment", YamlValue::of(environment), ""};
  first.above = "Written by `backout init -e " + environment +
                "`. It lies over backout.yaml: maps merge, lists and values replace,\n" +
                "an empty value takes the key away. Only what differs stands here.";
  entries.insert(entries.begin(), std::move(first));
  return entries;
}

}  // namespace backout::init

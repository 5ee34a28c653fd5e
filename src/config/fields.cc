#include "config/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "config/keys.h"
#include "config/shape.h"

namespace backout::config {

std::string text_at(const Node& map, std::string_view key, std::string_view otherwise) {
  const Node* value = map.find(key);
  return value != nullptr && value->is_text() ? value->text : std::string(otherwise);
}

Millis span_at(const Node& map, std::string_view key, Millis otherwise) {
  return parse_duration(text_at(map, key)).value_or(otherwise);
}

int whole_at(const Node& map, std::string_view key, int otherwise) {
  const std::optional<long> number = whole_of(text_at(map, key));
  return number && *number >= 0 && *number <= 1'000'000 ? static_cast<int>(*number) : otherwise;
}

bool flag_at(const Node& map, std::string_view key, bool otherwise) {
  return flag_of(text_at(map, key)).value_or(otherwise);
}

std::map<std::string, std::string> texts_at(const Node& map, std::string_view key) {
  std::map<std::string, std::string> texts;
  if (const Node* value = map.find(key))
    for (const Entry& entry : value->entries)
      if (entry.value.is_text()) texts[entry.key] = entry.value.text;
  return texts;
}

const std::vector<Node>& items_at(const Node& map, std::string_view key) {
  static const std::vector<Node> none;
  const Node* value = map.find(key);
  return value == nullptr ? none : value->items;
}

std::string absolute(const std::string& directory, const std::string& path) {
  if (path.empty()) return path;
  std::string normal = (std::filesystem::path(directory) / path).lexically_normal().string();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string path_at(const Reading& reading, const Node& map, std::string_view key, std::string_view otherwise) {
  return absolute(reading.site.directory, text_at(map, key, otherwise));
}

bool require(const Reading& reading, const Node& map, std::string_view path, std::string_view key) {
  if (map.entry(key) != nullptr) return true;
  const Key* known = find_key(joined(path, key));
  const std::string_view part = path.substr(0, path.find('['));
  reading.findings.error(
      map.place, part.empty() ? fmt::format("'{}' is missing", key) : fmt::format("{}: '{}' is missing", part, key),
      known == nullptr ? "" : fmt::format("{}; for example: {}", known->doc, known->example));
  return false;
}

void check_host(const Reading& reading, const Place& place, std::string_view name) {
  std::vector<std::string> known;
  for (const HostConfig& host : hosts_of(reading.site)) known.push_back(host.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const auto near = nearest(name, known);
  reading.findings.error(place,
                         near ? fmt::format("no host is called '{}': did you mean '{}'?", name, *near)
                              : fmt::format("no host is called '{}'", name),
                         near ? "" : "the hosts are: " + join(known, ", "));
}

std::vector<std::string> hosts_at(const Reading& reading, const Node& map) {
  std::vector<std::string> names;
  for (const Node& item : items_at(map, "hosts")) {
    if (!item.is_text()) continue;
    check_host(reading, item.place, item.text);
    if (std::find(names.begin(), names.end(), item.text) != names.end())
      reading.findings.error(item.place, fmt::format("'{}' is here twice", item.text));
    else
      names.push_back(item.text);
  }
  if (const Node* list = map.find("hosts"); list != nullptr && list->is_list() && list->items.empty())
    reading.findings.error(list->place, "hosts is empty: leave it out to mean all of them");
  return names;
}

std::string beside_the_file(const Site& site) {
  const bool remote =
      std::any_of(site.hosts.begin(), site.hosts.end(), [](const HostConfig& host) { return !host.ssh.empty(); });
  return remote ? "" : site.directory;
}

std::string live_code(const Site& site) {
  if (!site.code || site.code->path.empty()) return beside_the_file(site);
  return site.code->layout == "releases" ? site.code->path + "/current" : site.code->path;
}

UserCommand command_of(const Node& node, const CommandDefaults& defaults) {
  UserCommand command{.cwd = defaults.cwd, .timeout = defaults.timeout};
  const Node* run = &node;
  if (node.is_map()) {
    run = node.find("run");
    if (const std::string cwd = text_at(node, "cwd"); !cwd.empty())
      command.cwd = defaults.relative_to.empty() ? cwd : absolute(defaults.relative_to, cwd);
    command.user = text_at(node, "user");
    command.env = texts_at(node, "env");
    command.secrets = texts_at(node, "secrets");
    command.timeout = span_at(node, "timeout", defaults.timeout);
  }
  if (run != nullptr && run->is_text()) command.argv = {"/bin/sh", "-c", run->text};
  if (run != nullptr)
    for (const Node& word : run->items) command.argv.push_back(word.text);
  return command;
}

}  // namespace backout::config

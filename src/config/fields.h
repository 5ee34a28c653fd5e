// Fields: tolerant access to a document for the readers. What is missing or of another type (shape.h has said so
// already) reads as the default, so that one pass finds every fault.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "model/site.h"

namespace backout::config {

/// One reading on its way from the tree to the Site.
struct Reading {
  const Node& root;
  Site& site;
  Findings& findings;
};

std::string text_at(const Node& map, std::string_view key, std::string_view otherwise = "");
Millis span_at(const Node& map, std::string_view key, Millis otherwise);
int whole_at(const Node& map, std::string_view key, int otherwise);
bool flag_at(const Node& map, std::string_view key, bool otherwise);
std::map<std::string, std::string> texts_at(const Node& map, std::string_view key);
/// The elements of a list; none when there is no such list.
const std::vector<Node>& items_at(const Node& map, std::string_view key);

/// `path` made absolute: a relative one starts at `directory`. Empty stays empty.
std::string absolute(const std::string& directory, const std::string& path);
/// A URL to which paths can be added.
std::string without_slash(std::string url);
/// `path` of map[key] made absolute, likewise.
std::string path_at(const Reading& reading, const Node& map, std::string_view key, std::string_view otherwise = "");

/// An error when `map`, at `path` of the table, lacks `key`. True when it is there.
bool require(const Reading& reading, const Node& map, std::string_view path, std::string_view key);

/// map[hosts], each looked up in the hosts of the site.
std::vector<std::string> hosts_at(const Reading& reading, const Node& map);
/// An error when `name` is no host of the site.
void check_host(const Reading& reading, const Place& place, std::string_view name);

/// Where commands start when they do not say: beside the file, or in the login directory when a host is another
/// machine.
std::string beside_the_file(const Site& site);
/// The directory that the running code is in: path/current, or the checkout. Without code: beside_the_file.
std::string live_code(const Site& site);

struct CommandDefaults {
  std::string cwd;          // when none is said
  std::string relative_to;  // a relative cwd starts here; empty: it is kept as written
  Millis timeout{60'000};
};
/// A string for sh -c, a list as argv, or a map. An empty argv when it is none of them.
UserCommand command_of(const Node& node, const CommandDefaults& defaults);

}  // namespace backout::config

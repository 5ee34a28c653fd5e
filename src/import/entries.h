// Entries: the parts of the draft as entries of YAML, one function a part. Pure.
#pragma once
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "import/item.h"
#include "import/place.h"
#include "init/yaml_text.h"

namespace backout::import {

using Entries = std::vector<init::YamlEntry>;

/// Of one list; what is more stands at the end of the draft alone.
inline constexpr size_t kMostEntries = 400;

struct Source {
  const Runbook& book;
  const Placing& placing;
  size_t size() const { return book.items.size(); }
  const Item& item(size_t at) const { return book.items[at]; }
  const Placed& placed(size_t at) const { return placing.placed[at]; }
};

/// "lines 53, 179: why".
inline std::string behind(const Item& item, const Placed& placed) {
  return fmt::format("line {}{}{}", item.line, placed.why.empty() ? "" : ": ", placed.why);
}
inline init::YamlEntry value(std::string key, std::string text, std::string comment = "", bool off = false) {
  return {std::move(key), init::YamlValue::of(std::move(text)), std::move(comment), off};
}
inline init::YamlEntry flow(std::string key, Entries entries, std::string comment = "", bool off = false) {
  return {std::move(key), {init::YamlValue::Kind::kInlineMap, "", std::move(entries)}, std::move(comment), off};
}
inline init::YamlEntry words(std::string key, const std::vector<std::string>& list, std::string comment = "") {
  Entries items;
  for (const std::string& each : list) items.push_back(value("", each));
  return {std::move(key), {init::YamlValue::Kind::kInlineList, "", std::move(items)}, std::move(comment)};
}
inline init::YamlEntry part(std::string key, init::YamlValue::Kind kind, Entries entries, std::string comment = "") {
  init::YamlEntry entry{std::move(key), {kind, "", std::move(entries)}, std::move(comment)};
  entry.gap = true;
  return entry;
}

/// Where a command runs and what must be done in the same shell before: "cd frontend && . venv/bin/activate && ".
/// `without` is a directory that needs no cd.
std::string before_command(const Source& source, size_t at, const std::string& without);
/// A command without its comments and with what must stand before it, for one shell.
std::string command_text(const Source& source, size_t at, const std::string& without);

/// The directory of the checkout; empty: the runbook does not say.
std::string code_path(const Source& source);
Entries addresses(const Source& source);  // base_url, public_url
Entries code(const Source& source);
Entries services(const Source& source);
Entries door(const Source& source);
Entries database(const Source& source);
Entries checks(const Source& source);
Entries commands(const Source& source);
Entries watch(const Source& source);
Entries people(const Source& source);
Entries rules(const Source& source);

/// The addresses of the site itself that checks name: behind the door, and where users come in.
struct SiteAddresses {
  std::string base, open;
  int base_line = 0, open_line = 0;
};
SiteAddresses site_addresses(const Source& source);

}  // namespace backout::import

#include "drivers/traffic/haproxy_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/text.h"

namespace backout::drivers {
namespace {

/// Where the columns are, by the line that names them: more were added from version to version.
std::map<std::string, size_t> columns_of(std::string_view line, char separator) {
  std::map<std::string, size_t> columns;
  const std::vector<std::string> names = split(trimmed(line.substr(line.find('#') + 1)), separator);
  for (size_t i = 0; i < names.size(); ++i) columns[names[i]] = i;
  return columns;
}

// Bits of srv_admin_state: HAProxy's management guide, "show servers state". That a server is `disabled` in the file
// stays set for as long as it lives: it says how it began, and nothing about now.
constexpr unsigned kForcedMaint = 0x01, kInheritedMaint = 0x02, kDisabledInFile = 0x04, kForcedDrain = 0x08,
                   kInheritedDrain = 0x10, kNoAddress = 0x20, kNoName = 0x40;
constexpr unsigned kGetsNothing =
    kForcedMaint | kInheritedMaint | kForcedDrain | kInheritedDrain | kNoAddress | kNoName;

Error strange(std::string_view what) {
  return {Code::kCorrupt, fmt::format("HAProxy's answer was not understood: {}", shortened(one_line(what), 120)), ""};
}

constexpr unsigned kMostWeight = 256, kEveryBit = 0xff;

std::optional<unsigned> number_in(std::string_view text, unsigned most) {
  unsigned number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool fits = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && number <= most;
  return fits ? std::optional(number) : std::nullopt;
}

/// "pxname/svname" -> status.
std::map<std::string, std::string> statuses_in(std::string_view stat) {
  std::map<std::string, std::string> statuses;
  std::map<std::string, size_t> columns;
  for (const std::string& line : split(stat, '\n')) {
    if (line.starts_with('#')) {
      columns = columns_of(line, ',');
      continue;
    }
    const std::vector<std::string> fields = split(line, ',');
    const auto backend = columns.find("pxname"), name = columns.find("svname"), status = columns.find("status");
    if (backend == columns.end() || name == columns.end() || status == columns.end()) continue;
    if (std::max({backend->second, name->second, status->second}) < fields.size())
      statuses[fields[backend->second] + "/" + fields[name->second]] = fields[status->second];
  }
  return statuses;
}

}  // namespace

Result<std::vector<HaproxyServer>> haproxy_servers(std::string_view state, std::string_view stat) {
  const std::map<std::string, std::string> statuses = statuses_in(stat);
  std::map<std::string, size_t> columns;
  std::vector<HaproxyServer> servers;
  std::set<std::string> names;
  for (const std::string& line : split(state, '\n')) {
    if (line.starts_with("Can't find backend"))
      return Error{Code::kNotFound, "HAProxy has no such backend", "see which it has: show stat -1 2 -1"};
    if (line.starts_with("# be_id")) {
      columns = columns_of(line, ' ');
      continue;
    }
    if (trimmed(line).empty() || line == "1") continue;  // "1": the version of the format
    const std::vector<std::string> fields = split(line, ' ');
    for (const char* column :
         {"be_name", "srv_name", "srv_addr", "srv_admin_state", "srv_uweight", "srv_iweight", "srv_port"})
      if (!columns.contains(column) || fields.size() <= columns[column]) return strange(line);
    const auto admin = number_in(fields[columns["srv_admin_state"]], kEveryBit);
    const auto weight = number_in(fields[columns["srv_uweight"]], kMostWeight);
    const auto of_the_file = number_in(fields[columns["srv_iweight"]], kMostWeight);
    if (!admin || !weight || !of_the_file) return strange(line);
    HaproxyServer server{.backend = fields[columns["be_name"]],
                         .name = fields[columns["srv_name"]],
                         .at = fields[columns["srv_addr"]] + ":" + fields[columns["srv_port"]],
                         .weight = static_cast<int>(*weight),
                         .weight_of_the_file = static_cast<int>(*of_the_file),
                         .state = (*admin & kForcedMaint) != 0   ? "maint"
                                  : (*admin & kForcedDrain) != 0 ? "drain"
                                                                 : "ready",
                         .disabled = (*admin & kDisabledInFile) != 0,
                         .out = (*admin & kGetsNothing) != 0,
                         .status = ""};
    if (server.name.empty() || !names.insert(server.backend + "/" + server.name).second) return strange(line);
    if (server.at.starts_with("-:")) server.at = "server " + server.name;
    if (const auto status = statuses.find(server.backend + "/" + server.name); status != statuses.end())
      server.status = status->second;
    servers.push_back(std::move(server));
  }
  if (columns.empty()) return strange(state);
  if (!state.ends_with("\n\n")) return strange("cut off: " + std::string(state.substr(state.rfind('\n') + 1)));
  return servers;
}

std::set<std::string> kept_out(const std::vector<HaproxyServer>& pool) {
  const auto rank = [](const HaproxyServer& server) {
    return server.state == "maint" ? 2 : server.state == "drain" ? 1 : 0;
  };
  int least = 2;
  for (const HaproxyServer& server : pool) least = std::min(least, rank(server));
  std::set<std::string> names;
  for (const HaproxyServer& server : pool)
    if (rank(server) > least || (server.state == "maint" && server.weight > 0 && !server.disabled))
      names.insert(server.name);
  return names;
}

std::string haproxy_level(std::string_view text) {
  const std::string word(trimmed(text));
  return word == "admin" || word == "operator" || word == "user" ? word : "";
}

}  // namespace backout::drivers

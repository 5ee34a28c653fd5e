#include "drivers/traffic/upstream_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"

namespace backout::drivers {
namespace {

constexpr std::string_view kWritten =
    "# Written by backout, which replaces this file as a whole. Include it inside an upstream { } block.\n";
constexpr int kMostOfNginx = 1000;
constexpr std::string_view kFileMark = "# configuration file ";

std::vector<std::string> words_in(std::string_view line) {
  std::vector<std::string> words;
  for (std::string& word : split(replaced(std::string(line), "\t", " "), ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace

Result<std::map<std::string, std::vector<std::string>>> servers_of(const Pools& pools) {
  std::map<std::string, std::vector<std::string>> servers;
  std::map<std::string, std::string> owner;
  for (const auto& [name, pool] : pools.by_name) {
    if (get(pool.args, "servers").is_array())
      for (const Json& server : get(pool.args, "servers"))
        if (server.is_string()) servers[name].push_back(server.get<std::string>());
    if (servers[name].empty() || servers[name].size() != get(pool.args, "servers").size())
      return Error{Code::kInvalid, fmt::format("traffic: pool '{}' needs 'servers'", name), "see docs/traffic.md"};
    for (const std::string& server : servers[name]) {
      const bool clean = server.find_first_not_of(
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                             "._:[]/=- ") == std::string::npos;
      const std::vector<std::string> words = words_in(server);
      if (!clean || words.empty() || server.find("weight=") != std::string::npos)
        return Error{Code::kInvalid, fmt::format("traffic: '{}' is no server of nginx", one_line(server)),
                     "an address, and perhaps parameters without a weight: 127.0.0.1:8001 max_fails=3"};
      const auto [first, is_new] = owner.emplace(words.front(), name);
      if (!is_new)
        return Error{Code::kInvalid,
                     fmt::format("traffic: {} is in the pools {} and {}", words.front(), first->second, name),
                     "each pool needs servers of its own"};
    }
  }
  return servers;
}

std::map<std::string, int> weight_of_each(const Weights& weights, const std::map<std::string, size_t>& servers,
                                          int most) {
  long all = 1;
  for (const auto& [name, count] : servers) all = std::lcm(all, static_cast<long>(std::max<size_t>(count, 1)));
  std::map<std::string, long> parts;
  long largest = 1;
  for (const auto& [name, percent] : weights) {
    const auto count = servers.find(name);
    if (count == servers.end()) continue;
    parts[name] = percent * all / static_cast<long>(std::max<size_t>(count->second, 1));
    largest = std::max(largest, parts[name]);
  }
  const double fit = largest > most ? static_cast<double>(most) / static_cast<double>(largest) : 1.0;
  std::map<std::string, int> made;
  for (const auto& [name, part] : parts)
    made[name] = part == 0 ? 0 : std::max(1, static_cast<int>(std::lround(static_cast<double>(part) * fit)));
  int common = 0;
  for (const auto& [name, weight] : made) common = std::gcd(common, weight);
  for (auto& [name, weight] : made) weight /= std::max(common, 1);
  return made;
}

Result<std::string> upstream_block(const Pools& pools, const Weights& weights) {
  const auto servers = TRY(servers_of(pools));
  std::map<std::string, size_t> counts;
  for (const auto& [name, list] : servers) counts[name] = list.size();
  const auto of_each = weight_of_each(weights, counts, kMostOfNginx);
  std::string block(kWritten);
  for (const auto& [name, list] : servers) {
    const int percent = weights.contains(name) ? weights.at(name) : 0;
    block += fmt::format("# {}: {}\n", name, percent == 0 ? "out of traffic" : fmt::format("{} %", percent));
    if (percent == 0) continue;
    for (const std::string& server : list)
      block += of_each.at(name) == 1 ? fmt::format("server {};\n", server)
                                     : fmt::format("server {} weight={};\n", server, of_each.at(name));
  }
  return block;
}

Result<Weights> upstream_weights(std::string_view content, const Pools& pools) {
  std::map<std::string, std::string> owner;
  std::map<std::string, double> shares;
  for (const auto& [name, list] : TRY(servers_of(pools))) {
    shares[name] = 0;
    for (const std::string& server : list) owner[words_in(server).front()] = name;
  }
  std::string text;
  for (const std::string& line : split(content, '\n')) text += line.substr(0, line.find('#')) + " ";
  for (const std::string& directive : split(text, ';')) {
    const std::vector<std::string> words = words_in(directive);
    if (words.size() < 2 || words.front() != "server") continue;
    double weight = 1;
    for (size_t i = 2; i < words.size(); ++i) {
      if (words[i].starts_with("weight=")) weight = std::atof(words[i].c_str() + 7);
      if (words[i] == "down" || words[i] == "backup") weight = 0;
    }
    const auto pool = owner.find(words[1]);
    if (pool == owner.end())
      return Error{Code::kConflict, fmt::format("{} gets traffic and is in no pool", one_line(words[1])),
                   "name it under traffic.pools"};
    shares[pool->second] += weight;
  }
  return in_percent(shares);
}

NginxDump nginx_dump(std::string_view text) {
  NginxDump dump;
  int depth = 0;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with(kFileMark) && line.ends_with(':')) {
      dump.files.insert(line.substr(kFileMark.size(), line.size() - kFileMark.size() - 1));
      continue;
    }
    const std::string code = line.substr(0, line.find('#'));
    std::string piece;
    for (const char c : code) {
      if (c == '{') ++depth;
      if (c == '}') --depth;
      if (c != ';' && c != '{' && c != '}') {
        piece += c;
        continue;
      }
      const std::vector<std::string> words = words_in(piece);
      if (c == ';' && depth == 0 && words.size() == 2 && words[0] == "pid") dump.pid_file = words[1];
      piece.clear();
    }
  }
  return dump;
}

}  // namespace backout::drivers

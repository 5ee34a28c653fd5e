#include "drivers/traffic/upstream_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/text.h"

namespace backout::drivers {
namespace {

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
      if (words[i].starts_with("weight=")) {
        int number = 0;
        const char *start = words[i].data() + 7, *end = words[i].data() + words[i].size();
        if (const auto parsed = std::from_chars(start, end, number);
            parsed.ec != std::errc() || parsed.ptr != end || number <= 0)
          return Error{Code::kConflict, one_line(words[1]) + " has no weight of nginx: " + one_line(words[i]),
                       "mend the file that is included"};
        weight = number;
      }
      if (words[i] == "down" || words[i] == "backup") weight = 0;
    }
    const auto pool = owner.find(words[1]);
    if (pool == owner.end() && weight == 0) continue;  // a page that says sorry, or one that is down
    if (pool == owner.end())
      return Error{Code::kConflict, fmt::format("{} gets traffic and is in no pool", one_line(words[1])),
                   "name it under traffic.pools"};
    shares[pool->second] += weight;
  }
  return in_percent(shares);
}

namespace {

/// "127.0.0.1:8002" of "http://127.0.0.1:8002/shop", of "127.0.0.1:8002", and of "unix:/run/shop.sock:/path".
std::string address_in(std::string word) {
  if (const size_t scheme = word.find("://"); scheme != std::string::npos) word = word.substr(scheme + 3);
  if (word.starts_with("unix:")) return word.substr(0, word.find(':', 5));
  return word.substr(0, word.find('/'));
}

/// One directive that ends with ';', below `blocks`: the first words of the blocks around it, the innermost last.
void take_directive(const std::vector<std::string>& words, const std::string& file,
                    const std::vector<std::vector<std::string>>& blocks, NginxDump& dump) {
  if (words.size() < 2) return;
  if (blocks.empty() && words.size() == 2 && words[0] == "pid") dump.pid_file = words[1];
  const bool in_upstream = !blocks.empty() && blocks.back().size() > 1 && blocks.back().front() == "upstream";
  const bool is_server = words[0] == "server" && (in_upstream || blocks.empty());
  if (!is_server && !words[0].ends_with("_pass") && words[0] != "set") return;
  if (is_server && std::find(words.begin(), words.end(), "down") != words.end()) return;
  dump.targets.push_back({.file = file,
                          .upstream = in_upstream ? blocks.back()[1] : "",
                          .directive = words[0],
                          .address = address_in(words[0] == "set" ? words.back() : words[1]),
                          .is_included = is_server && blocks.empty()});
}

}  // namespace

NginxDump nginx_dump(std::string_view text) {
  NginxDump dump;
  std::string file, word;
  std::vector<std::string> words;
  std::vector<std::vector<std::string>> blocks;
  char quote = 0;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view line = c == '#' ? text.substr(i, text.find('\n', i) - i) : std::string_view();
    if (line.starts_with(kFileMark) && line.ends_with(':') && (i == 0 || text[i - 1] == '\n')) {
      file = line.substr(kFileMark.size(), line.size() - kFileMark.size() - 1);
      dump.files.insert(file);
      word.clear();
      words.clear();
      blocks.clear();
      quote = 0;  // whatever was not understood of the file before
      i += line.size() - 1;
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
    } else if (quote == 0 && c == '#' && word.empty()) {
      i += line.size() - 1;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if ((c == '"' || c == '\'') && word.empty()) {
      quote = c;
    } else if (c == '{' && !word.ends_with('$')) {  // ${variable} is part of a word
      end_word();
      blocks.push_back(std::move(words));
      words.clear();
    } else if (c == '}' && word.find("${") == std::string::npos) {
      end_word();
      words.clear();
      if (!blocks.empty()) blocks.pop_back();
    } else if (c == ';') {
      end_word();
      take_directive(words, file, blocks, dump);
      words.clear();
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      end_word();
    } else {
      word += c;
    }
  }
  return dump;
}

}  // namespace backout::drivers

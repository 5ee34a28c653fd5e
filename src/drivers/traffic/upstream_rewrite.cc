#include "drivers/traffic/upstream_rewrite.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "drivers/traffic/upstream_block.h"

namespace backout::drivers {
namespace {

constexpr std::string_view kMark = "# out of traffic: ";

}  // namespace

// rank: 0 serves, 1 is a backup, 2 is down. Of a pool that gets traffic those of the least rank serve, and the others
// stay what they are. own: a server's part of what its pool gets.
constexpr std::string_view kRewriteUpstream = R"sh(
rewrite() {
  SPEC=$1 LC_ALL=C awk '
function gcd(a, b,   t) { while (b) { t = a % b; a = b; b = t } return a }
function add_text(more) {
  if (!items || is_server[items]) is_server[++items] = 0
  raw[items] = raw[items] more
}
function take(code, out,   w, n, j) {
  clean = code
  gsub(/#[^\n]*/, "", clean); gsub(/\r/, " ", clean)
  n = split(clean, w, " ")
  if (w[1] != "server" || !(w[2] in pool_of)) return 0
  items++
  is_server[items] = 1; raw[items] = code; at[items] = w[2]; was_out[items] = out
  own[items] = 1; rank[items] = 0; rest[items] = ""; said[items] = 1
  for (j = 3; j <= n; j++) {
    if (w[j] ~ /^weight=/) own[items] = said[items] = int(substr(w[j], 8))
    else if (w[j] == "down") rank[items] = 2
    else rest[items] = rest[items] " " w[j]
    if (w[j] == "backup" && !rank[items]) rank[items] = 1
  }
  if (own[items] < 1) own[items] = 1
  here[w[2]] = 1
  return 1
}
function without_backup(text) { gsub(/ backup/, "", text); return text }
BEGIN {
  mark = "# out of traffic: "
  n = split(ENVIRON["SPEC"], lines, "\n")
  for (i = 1; i <= n; i++) {
    split(lines[i], part, "\t"); split(part[3], word, " ")
    if (word[1] == "") continue
    servers++
    address[servers] = word[1]; whole[servers] = part[3]; pool_of[word[1]] = part[1]; percent[part[1]] = part[2] + 0
  }
  while ((getline line) > 0) text = text line "\n"
  i = 1; size = length(text)
  while (i <= size) {
    c = substr(text, i, 1)
    if (c ~ /[ \t\r\n]/) { add_text(c); i++; continue }
    if (c == "#") {
      line = substr(text, i); line = substr(line, 1, index(line, "\n") - 1)
      ends = index(line, ";")
      if (index(line, mark) == 1 && ends && take(substr(line, length(mark) + 1, ends - length(mark) - 1), 1)) i += ends
      else { add_text(line); i += length(line) }
      continue
    }
    from = i; depth = 0; quote = ""
    while (i <= size) {
      c = substr(text, i, 1)
      if (c == "\\") { i += 2; continue }
      if (quote != "") { if (c == quote) quote = "" }
      else if (c == "\"" || c == "\047") quote = c
      else if (c == "#" && substr(text, i - 1, 1) ~ /[ \t\r\n]/) { i += index(substr(text, i), "\n"); continue }
      else if (c == "{") depth++
      else if (c == "}") { depth--; if (depth <= 0) break }
      else if (c == ";" && !depth) break
      i++
    }
    if (c == ";" && take(substr(text, from, i - from), 0)) { i++; continue }
    add_text(substr(text, from, i - from + 1)); i++
  }
  for (k = 1; k <= items; k++) if (is_server[k]) {
    p = pool_of[at[k]]
    if (!(p in least) || rank[k] < least[p]) least[p] = rank[k]
  }
  for (s = 1; s <= servers; s++) if (!(address[s] in here) && percent[pool_of[address[s]]] > 0) least[pool_of[address[s]]] = 0
  for (k = 1; k <= items; k++) if (is_server[k] && rank[k] == least[pool_of[at[k]]]) {
    p = pool_of[at[k]]; sum[p] += own[k]; count[p]++
  }
  for (s = 1; s <= servers; s++) {
    p = pool_of[address[s]]
    if ((address[s] in here) || percent[p] == 0) continue
    take("server " whole[s], 0); raw[items] = ""; said[items] = -1; is_new[items] = 1
    own[items] = count[p] ? int(sum[p] / count[p] + 0.5) : 1
    add_text("\n")
  }
  for (k = 1; k <= items; k++) if (is_server[k]) {
    p = pool_of[at[k]]; serves[k] = percent[p] > 0 && rank[k] == least[p]
    if (serves[k]) common[p] = gcd(own[k], common[p] + 0)
  }
  fits = 1  # what stands there divides so already: it stays as somebody wrote it
  for (k = 1; k <= items; k++) if (is_server[k]) {
    if (serves[k] ? was_out[k] || is_new[k] || rank[k] : !was_out[k] && rank[k] != 2 && !percent[pool_of[at[k]]]) fits = 0
    if (serves[k]) had[pool_of[at[k]]] += own[k]
  }
  total = 0; for (p in had) total += had[p]
  for (p in had) { off = 100 * had[p] / total - percent[p]; if (off > 0.6 || off < -0.6) fits = 0 }
  for (p in sum) sum[p] = 0
  for (k = 1; k <= items; k++) if (serves[k]) { p = pool_of[at[k]]; own[k] /= common[p]; sum[p] += own[k] }
  all = 1
  for (p in sum) if (sum[p] > 0 && all < 1000000) all = all * sum[p] / gcd(all, sum[p])
  most = 0; shared = 0
  for (k = 1; k <= items; k++) if (serves[k]) {
    p = pool_of[at[k]]; weight[k] = int(percent[p] * own[k] * all / sum[p] + 0.5)
    if (weight[k] < 1) weight[k] = 1
    if (weight[k] > most) most = weight[k]
    shared = gcd(weight[k], shared)
  }
  for (k = 1; k <= items; k++) if (serves[k]) {
    weight[k] /= shared
    if (most / shared > 1000) weight[k] = int(weight[k] * 1000 * shared / most + 0.5)
    if (weight[k] < 1) weight[k] = 1
  }
  if (fits) for (k = 1; k <= items; k++) if (serves[k]) weight[k] = said[k]
  for (k = 1; k <= items; k++) {
    if (!is_server[k]) { printf "%s", raw[k]; continue }
    if (percent[pool_of[at[k]]] > 0) {
      as_said = weight[k] == said[k] && !was_out[k] && !is_new[k] && rank[k] == 0
      if (as_said || !serves[k]) { printf "%s;", raw[k]; continue }
      words = rank[k] == 1 ? without_backup(rest[k]) : rest[k]
      printf "server %s%s%s;", at[k], words, weight[k] == 1 ? "" : " weight=" weight[k]
      continue
    }
    if (rank[k] == 2 && !was_out[k]) { printf "%s;", raw[k]; continue }
    code = raw[k]; gsub(/#[^\n]*/, "", code); gsub(/[ \t\r\n]+/, " ", code)
    printf "%s%s;", mark, code
    behind = is_server[k + 1] ? "" : raw[k + 1]; ends = index(behind, "\n")
    if (!ends || substr(behind, 1, ends - 1) !~ /^[ \t\r]*(#.*)?$/) printf "\n"
  }
}'
}
)sh";

Result<std::string> rewrite_spec(const Pools& pools, const Weights& weights) {
  std::string spec;
  for (const auto& [name, servers] : TRY(servers_of(pools)))
    for (const std::string& server : servers)
      spec += fmt::format("{}\t{}\t{}\n", one_line(name), weights.contains(name) ? weights.at(name) : 0, server);
  return spec;
}

Json taken_out(std::string_view content, const Pools& pools) {
  enum Rank { kServes, kBackup, kDown };
  std::map<std::string, Rank> ranks;
  std::string text;
  for (std::string line : split(content, '\n')) {
    if (const size_t mark = line.find(kMark); mark != std::string::npos) line.erase(mark, kMark.size());
    text += line.substr(0, line.find('#')) + " ";
  }
  for (const std::string& directive : split(replaced(replaced(text, "\t", " "), "\r", " "), ';')) {
    std::vector<std::string> words = split(trimmed(directive), ' ');
    std::erase(words, "");
    if (words.size() < 2 || words.front() != "server") continue;
    Rank& rank = ranks[words[1]] = kServes;
    for (const std::string& word : words)
      if (word == "down" || (word == "backup" && rank == kServes)) rank = word == "down" ? kDown : kBackup;
  }
  const auto servers = servers_of(pools);
  Json seen = Json::object();
  if (!servers) return seen;
  for (const auto& [name, list] : *servers) {
    Rank least = kDown;
    std::vector<std::string> down;
    for (const std::string& server : list) {
      const std::string address = server.substr(0, server.find(' '));
      const auto found = ranks.find(address);
      const Rank rank = found == ranks.end() ? kServes : found->second;
      least = std::min(least, rank);
      if (rank == kDown) down.push_back(address);
    }
    if (!down.empty()) seen[least == kDown ? "down" : "kept_out"][name] = down;
  }
  return seen;
}

}  // namespace backout::drivers

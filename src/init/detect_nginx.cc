// nginx: the server blocks that serve the project, by a root in it or by a proxy_pass to one of its ports.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"
#include "init/detect.h"
#include "init/nginx_syntax.h"
#include "init/words.h"

namespace backout::init {
namespace {

using Visit = std::function<void(const Directive&)>;
using Upstreams = std::map<std::string, std::vector<std::string>>;

void each(const std::vector<Directive>& block, const Visit& visit) {
  for (const Directive& directive : block) {
    visit(directive);
    each(directive.block, visit);
  }
}

std::string first_word(const Directive& directive) { return directive.words.empty() ? "" : directive.words.front(); }

/// Ports of this machine to which a server block hands requests on.
std::vector<std::pair<int, int>> proxied(const Directive& server, const Upstreams& upstreams) {
  std::vector<std::pair<int, int>> ports;  // and the line
  each(server.block, [&](const Directive& directive) {
    static const std::set<std::string> kPasses = {"proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass"};
    if (!kPasses.contains(directive.name)) return;
    std::string target = first_word(directive);
    if (const size_t scheme = target.find("://"); scheme != std::string::npos) target.erase(0, scheme + 3);
    target = target.substr(0, target.find('/'));
    std::vector<std::string> addresses = {target};
    if (const auto upstream = upstreams.find(target); upstream != upstreams.end()) addresses = upstream->second;
    for (const std::string& address : addresses) {
      if (address.find(':') == std::string::npos) continue;
      const std::string host = address.substr(0, address.rfind(':'));
      if (host != "127.0.0.1" && host != "localhost" && host != "[::1]" && host != "0.0.0.0") continue;
      if (const auto port = port_in(address)) ports.emplace_back(*port, directive.line);
    }
  });
  return ports;
}

/// http://shop.example:8080 by listen and server_name.
std::string address_of(const Directive& server, bool* is_https) {
  std::string name, host = "127.0.0.1";
  int port = 0;
  bool https = false;
  for (const Directive& directive : server.block) {
    if (directive.name == "server_name")
      for (const std::string& word : directive.words)
        if (name.empty() && word != "_" && word.find_first_of("*~$") == std::string::npos) name = word;
    if (directive.name != "listen") continue;
    const bool ssl = std::find(directive.words.begin(), directive.words.end(), "ssl") != directive.words.end();
    const std::string address = first_word(directive);
    if (port != 0 && !ssl) continue;
    port = port_in(address).value_or(ssl ? 443 : 80);
    https = ssl || port == 443;
    if (const size_t colon = address.rfind(':');
        colon != std::string::npos && !address.starts_with("[") && !address.starts_with("unix"))
      if (const std::string said = address.substr(0, colon); said != "*" && said != "0.0.0.0") host = said;
  }
  if (port == 0) port = 80;
  *is_https = https;
  const bool usual = port == (https ? 443 : 80);
  return fmt::format("{}://{}{}", https ? "https" : "http", name.empty() ? host : name,
                     usual ? "" : fmt::format(":{}", port));
}

class Nginx {
 public:
  Nginx(const Facts& facts, Draft& draft) : facts_(facts), draft_(draft) {}

  void look() {
    std::vector<std::pair<const FileFact*, std::vector<Directive>>> files;
    for (const FileFact& file : facts_.nginx) files.emplace_back(&file, parse_nginx(file.text));
    for (const auto& [file, directives] : files)
      each(directives, [&](const Directive& directive) {
        if (directive.name != "upstream") return;
        for (const Directive& member : directive.block)
          if (member.name == "server") upstreams_[first_word(directive)].push_back(first_word(member));
      });
    for (const Service& service : draft_.services)
      if (service.port != 0) ports_.insert(service.port);
    if (ports_.empty())
      for (const Seen& port : draft_.fallback_ports) ports_.insert(port_in(port.value).value_or(0));
    for (const auto& [file, directives] : files)
      each(directives, [&, path = file->path](const Directive& directive) {
        if (directive.name == "server" && !directive.block.empty() && belongs(directive)) server(path, directive);
      });
    if (!draft_.door.include.empty()) return;
    draft_.door.where = join(places_, " and ");
  }

 private:
  bool belongs(const Directive& server) const {
    bool found = false;
    each(server.block, [&](const Directive& directive) {
      for (const std::string& word : directive.words)
        if (directive.name != "access_log" && directive.name != "error_log" && mentions(facts_, word)) found = true;
    });
    for (const auto& [port, line] : proxied(server, upstreams_)) found = found || ports_.contains(port);
    return found;
  }

  void server(const std::string& path, const Directive& server) {
    const auto passes = proxied(server, upstreams_);
    for (Service& service : draft_.services)
      if (service.role == Role::kWeb && service.port == 0 && !passes.empty()) {
        service.port = passes.front().first;
        service.port_where = fmt::format("{}, line {}: proxy_pass", path, passes.front().second);
      }
    if (!passes.empty())
      draft_.fallback_ports.insert(
          draft_.fallback_ports.begin(),
          {std::to_string(passes.front().first), fmt::format("{}, line {}: proxy_pass", path, passes.front().second)});
    bool https = false;
    const std::string address = address_of(server, &https);
    const bool redirects =
        passes.empty() && std::any_of(server.block.begin(), server.block.end(), [](const auto& each) {
          return each.name == "return" && !each.words.empty() && each.words[0].starts_with("30");
        });
    if (redirects) return;
    if (https && !draft_.public_url.empty() && draft_.public_url.value.starts_with("http:")) draft_.public_url = {};
    take(draft_.public_url, address, fmt::format("{}, line {}: listen and server_name", path, server.line));
    if (!draft_.needs_process && passes.empty() && draft_.base_url.empty() && !https) serves_files(path, server);
    places_.push_back(fmt::format("{}, line {}", path, server.line));
    each(server.block, [&](const Directive& directive) {
      const std::string word = first_word(directive);
      if (directive.name == "error_log" && word.starts_with('/'))
        draft_.logs.push_back({word, fmt::format("{}, line {}: error_log", path, directive.line)});
      if (directive.name == "include" && !word.empty() && word.find('*') == std::string::npos &&
          (base_name(word).find("door") != std::string::npos || base_name(word).find("maint") != std::string::npos))
        take(draft_.door.include, word.starts_with('/') ? word : "/etc/nginx/" + word,
             fmt::format("{}, line {}: include", path, directive.line));
    });
  }

  /// A site of files: nginx itself answers, and tells sites apart by their names.
  void serves_files(const std::string& path, const Directive& server) {
    int port = 80;
    for (const Directive& directive : server.block) {
      if (directive.name == "listen") port = port_in(first_word(directive)).value_or(80);
      if (directive.name == "server_name" && !directive.words.empty() && first_word(directive) != "_")
        draft_.host_header = first_word(directive);
    }
    if (draft_.host_header == "localhost" || draft_.host_header == "127.0.0.1") draft_.host_header.clear();
    if (draft_.kind.empty()) draft_.kind = "static files";
    for (const Directive& directive : server.block)
      if (directive.name == "root") version_file_below(first_word(directive));
    take(draft_.base_url, port == 80 ? "http://127.0.0.1" : fmt::format("http://127.0.0.1:{}", port),
         fmt::format("{}, line {}: nginx serves the files", path, server.line));
  }

  /// A file among those served that holds the release's name.
  void version_file_below(std::string root) {
    while (root.ends_with('/')) root.pop_back();
    std::string below;
    if (root.starts_with(facts_.code + "/")) below = root.substr(facts_.code.size() + 1) + "/";
    if (below.empty() && root != facts_.code) return;
    for (const char* name : {"version.txt", "VERSION", "REVISION"})
      if (const std::string* text = project_text(facts_, below + name)) {
        const std::string said(trimmed(*text));
        const bool is_release = said == facts_.current || std::find(facts_.git.tags.begin(), facts_.git.tags.end(),
                                                                    said) != facts_.git.tags.end();
        if (is_release)
          draft_.checks.push_back({.path = fmt::format("/{}", name), .where = below + name, .reports_version = true});
      }
  }

  const Facts& facts_;
  Draft& draft_;
  Upstreams upstreams_;
  std::set<int> ports_;
  std::vector<std::string> places_;
};

}  // namespace

void detect_nginx(const Facts& facts, Draft& draft) { Nginx(facts, draft).look(); }

}  // namespace backout::init

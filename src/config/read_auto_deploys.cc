// What deploys by itself, and the search index.
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/text.h"
#include "config/read.h"
#include "config/shape.h"
#include "config/taken_names.h"

namespace backout::config {
namespace {

constexpr Millis kRebuildTimeout{30 * 60'000};

void read_in_cluster(const Reading& reading, const Node& node, AutoDeployConfig& deploys) {
  std::string object = text_at(node, deploys.kind);
  if (deploys.kind == "flux") {
    const size_t slash = object.find('/');
    static constexpr std::string_view kKinds[] = {"kustomization", "helmrelease", "gitrepository", "imagerepository",
                                                  "imageupdateautomation"};
    if (std::find(std::begin(kKinds), std::end(kKinds), object.substr(0, slash)) == std::end(kKinds) ||
        slash == std::string::npos)
      reading.findings.error(node.place,
                             fmt::format("auto_deploys.flux: '{}' is not KIND/NAME of an object that can be suspended",
                                         shortened(object, 60)),
                             "for example: flux: kustomization/shop");
  }
  deploys.name = deploys.kind + "-" + object.substr(object.find('/') + 1);
  deploys.args = {{"object", object},
                  {"namespace", text_at(node, "namespace", deploys.kind == "flux" ? "flux-system" : "argocd")}};
  if (const std::string context = text_at(node, "context"); !context.empty()) deploys.args["context"] = context;
  if (const std::string file = path_at(reading, node, "kubeconfig"); !file.empty()) deploys.args["kubeconfig"] = file;
}

void read_own(const Reading& reading, const Node& node, AutoDeployConfig& deploys) {
  deploys.name = "auto-deploy";
  const Node* run = node.find("run");
  if (run == nullptr || !run->is_map()) return;
  // Not in the release, which goes away.
  const CommandDefaults defaults{.cwd = beside_the_file(reading.site), .relative_to = reading.site.directory};
  for (const char* key : {"pause", "resume", "paused"}) {
    if (!require(reading, *run, "auto_deploys[run].run", key)) continue;
    deploys.args[key] = to_json(command_of(*run->find(key), defaults));
  }
}

}  // namespace

void read_auto_deploys(const Reading& reading) {
  TakenNames taken(reading.findings, "auto_deploys");
  for (const Node& node : items_at(reading.root, "auto_deploys")) {
    const std::string form(form_of("auto_deploys[]", node));
    if (form.empty()) continue;
    AutoDeployConfig deploys{.kind = form};
    if (form == "argocd" || form == "flux") {
      read_in_cluster(reading, node, deploys);
    } else if (form == "run") {
      read_own(reading, node, deploys);
    } else {
      const std::string object = form == "cron" ? path_at(reading, node, form) : text_at(node, form);
      deploys.name = std::filesystem::path(object).filename().string();
      if (form == "crontab") deploys.name = "crontab-" + deploys.name;
      deploys.args = {{"object", object}};
      if (form == "container") deploys.args["engine"] = text_at(node, "engine", "docker");
      if (const std::string match = text_at(node, "match"); !match.empty()) deploys.args["match"] = match;
    }
    deploys.name = text_at(node, "name", deploys.name);
    deploys.hosts = hosts_at(reading, node);
    taken.take(deploys.name, node.place, "give one of them another name: {name: ...}");
    reading.site.auto_deploys.push_back(std::move(deploys));
  }
}

void read_search(const Reading& reading) {
  const Node* node = reading.root.find("search");
  if (node == nullptr || !node->is_map()) return;
  require(reading, *node, "search", "rebuild");
  require(reading, *node, "search", "queries");
  SearchConfig search;
  const CommandDefaults live{.cwd = live_code(reading.site), .relative_to = reading.site.directory};
  if (const Node* rebuild = node->find("rebuild")) {
    CommandDefaults slow = live;
    slow.timeout = kRebuildTimeout;
    search.rebuild = command_of(*rebuild, slow);
  }
  if (const Node* built = node->find("built")) search.built = command_of(*built, live);
  bool all_have_rows = true;
  TakenNames taken(reading.findings, "search.queries");
  for (const Node& item : items_at(*node, "queries")) {
    const std::string form(form_of("search.queries[]", item));
    if (form.empty() || !require(reading, item, "search.queries[" + form + "]", "type")) continue;
    Json query = {{"type", text_at(item, "type")}, {"at_least", whole_at(item, "at_least", 1)}};
    if (form == "url") {
      std::string url = text_at(item, "url");
      if (url.starts_with('/')) {
        if (reading.site.base_url.empty())
          reading.findings.error(item.place, "search.queries: a path, and base_url is missing",
                                 "for example: base_url: http://127.0.0.1:8000");
        url = reading.site.base_url + url;
      } else if (!url.starts_with("http://") && !url.starts_with("https://")) {
        reading.findings.error(item.place, "search.queries: url is neither a path nor an address of http or https");
      }
      query["url"] = url;
      if (const std::string count = text_at(item, "count"); !count.empty()) query["count"] = count;
    } else if (const Node* run = item.find("run")) {
      query["run"] = to_json(command_of(*run, live));
    }
    if (const Node* rows = item.find("rows")) query["rows"] = to_json(command_of(*rows, live));
    all_have_rows = all_have_rows && query.contains("rows");
    if (const std::string id = text_at(item, "id"); !id.empty()) {
      query["id"] = id;
      if (!query.contains("rows"))
        reading.findings.error(item.place, "search.queries: id without rows that it could be one of",
                               "for example: rows: [psql, -AtXc, SELECT id FROM posts]");
    }
    taken.take(get_string(query, "type"), item.place);
    search.queries.push_back(std::move(query));
  }
  if (node->find("queries") != nullptr && search.queries.empty())
    reading.findings.error(node->place, "search.queries is empty: nothing would show that the index is there",
                           "for example: queries: [{type: post, url: /search?type=post&q=a}]");
  if (!search.built && !search.queries.empty() && !all_have_rows)
    reading.findings.error(
        node->place, "search: nothing would show that the index was rebuilt",
        "say what every rebuild changes: built: [stat, -c, \"%i %y\", /srv/shop/index.db]; or give each "
        "query rows");
  search.hosts = hosts_at(reading, *node);
  reading.site.search = std::move(search);
}

}  // namespace backout::config

#include "app/acting/saving.h"

#include "base/hash.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::app {
namespace {

constexpr size_t kMostOfAFile = 8U << 20;  // its end: what happened last
constexpr Millis kReadTimeout{30'000};

struct Wanted {
  std::string path;
  std::vector<std::string> hosts;
};

std::vector<Wanted> wanted(const Site& site) {
  std::vector<Wanted> files;
  for (const std::string& path : site.save) files.push_back({path, hosts_of(site, {})});
  if (site.code)
    for (const std::string& path : site.code->config) files.push_back({path, hosts_of(site, site.code->hosts)});
  return files;
}

Result<std::string> end_of(host::Host& host, const std::string& path) {
  host::Command command{.argv = {"tail", "-c", std::to_string(kMostOfAFile), "--", path}};
  command.timeout = kReadTimeout;
  command.output_limit = kMostOfAFile + 1;
  const auto test = TRY(host.run({.argv = {"test", "-f", path}, .timeout = kReadTimeout}));
  if (!test.ok()) return Error{Code::kNotFound, "there is no such file", ""};
  auto result = TRY(host.run(command));
  if (!result.ok()) return Error{Code::kDenied, result.why_not_ok(), ""};
  return std::move(result.out);
}

Result<Json> note_of(const Workspace& workspace, const std::string& path, const std::string& on) {
  const std::string where = one_line(path) + (workspace.site().hosts.size() > 1 ? " on " + on : "");
  const auto content = end_of(*workspace.hosts().at(on), path);
  if (!content)
    return Json{{"text", "could not be saved before the rollback: " + where + ": " + content.error().message},
                {"by", "backout"}};
  const std::string hash = sha256_hex(*content), directory = workspace.journal().directory() + "/evidence";
  TRY_VOID(os::make_directories(directory, 0700));
  TRY_VOID(os::write_file_atomic(directory + "/" + hash, *content, 0600));
  return Json{{"text", fmt::format("saved before the rollback: {} ({}{})", where, bytes_for_people(content->size()),
                                   content->size() == kMostOfAFile ? ", its end" : "")},
              {"by", "backout"},
              {"file", one_line(path.substr(path.rfind('/') + 1))},
              {"sha256", hash}};
}

}  // namespace

Result<void> save_evidence(const Workspace& workspace, const RunId& run, int64_t token) {
  std::vector<journal::NewEvent> events;
  for (const Wanted& file : wanted(workspace.site()))
    for (const std::string& host : file.hosts) {
      auto note = note_of(workspace, replaced(file.path, "{host}", host), host);
      if (!note)  // a full disk must not stop a rollback
        note = Json{
            {"text", "could not be saved before the rollback: " + one_line(file.path) + ": " + note.error().message},
            {"by", "backout"}};
      events.push_back({EventType::kNote, std::move(*note), run});
    }
  if (events.empty()) return {};
  TRY(workspace.journal().append(workspace.site().id, token, std::move(events)));
  return {};
}

}  // namespace backout::app

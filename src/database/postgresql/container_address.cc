#include "database/postgresql/container_address.h"

#include <fmt/format.h>

#include "base/text.h"
#include "os/process.h"

namespace backout::postgresql {
namespace {

constexpr std::string_view kScheme = "compose:";
constexpr Millis kDockerTime{20'000};

bool is_name_in_compose(std::string_view text) {
  return !text.empty() && text.front() != '-' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

Result<std::string> docker_says(std::vector<std::string> argv) {
  const auto said = TRY(os::run_process({.argv = std::move(argv), .timeout = kDockerTime}));
  if (!said.ok())
    return Error{Code::kUnavailable, "docker does not answer: " + said.why_not_ok(), "see it: docker info"};
  return one_line(trimmed(said.out));
}

}  // namespace

Result<std::string> container_address(const Server& server) {
  if (server.conninfo.find(kScheme) == std::string::npos) return std::string();
  std::string host;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(server.conninfo.c_str(), nullptr), &PQconninfoFree);
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option)
    if (std::string_view(option->keyword) == "host" && option->val != nullptr) host = option->val;
  if (!host.starts_with(kScheme)) return std::string();
  const std::vector<std::string> names = split(host.substr(kScheme.size()), '/');
  if (names.size() != 2 || !is_name_in_compose(names[0]) || !is_name_in_compose(names[1]))
    return Error{Code::kInvalid, "'" + one_line(host) + "' names no service of a Compose project",
                 "write host=compose:PROJECT/SERVICE"};
  const std::string container =
      TRY(docker_says({"docker", "ps", "-q", "--no-trunc", "--filter", "label=com.docker.compose.project=" + names[0],
                       "--filter", "label=com.docker.compose.service=" + names[1]}));
  if (container.empty() || container.find(' ') != std::string::npos)
    return Error{Code::kUnavailable,
                 fmt::format("{} of {} has {} container that runs", names[1], names[0],
                             container.empty() ? "no" : "more than one"),
                 "see them: docker ps -a"};
  const std::string addresses =
      TRY(docker_says({"docker", "inspect", "--type", "container", "-f",
                       "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container}));
  return addresses.empty() ? "127.0.0.1" : addresses.substr(0, addresses.find(' '));  // none: the host's own network
}

}  // namespace backout::postgresql

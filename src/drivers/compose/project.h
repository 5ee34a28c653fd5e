// Project: a Compose project as Docker tells of it, and what is wrong with it. Pure: what a look printed goes in.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout::drivers::compose {

/// One line of `docker inspect` in the form of kInspect (scripts.h).
struct Container {
  std::string service, image, ref, state, health, name, tool;
  std::string restart;  // its policy; empty and "no" are one
  std::string config;   // Compose's hash of all that the container was made from: compose file, environment, image
  std::vector<int> published;  // ports of the host
  int64_t restarts = 0, exit = 0;
  WallTime started{};
  bool oneoff = false;      // of `run`, not of `up`
  bool postgresql = false;  // it listens at 5432, as its image says
  bool running() const { return state == "running"; }
};
/// kCorrupt when it is no such line.
Result<Container> container_from(std::string_view line);
Result<std::vector<Container>> containers_from(const std::vector<std::string>& lines);
Json to_json(const Container& container);

/// An image that a service runs, or shall run. `image` is "sha256:..."; empty: whatever `ref` is here.
struct Image {
  std::string service, image, ref, digest;
  int64_t count = 1;       // containers of the service
  std::string config, by;  // Container::config as it was, and which Compose gave it; another one gives another
  std::string fate;  // of its containers: "runs", "ends" (a job that is done), "down" (they do not serve), or not known
  bool operator==(const Image&) const = default;
};
Json to_json(const std::vector<Image>& images);
/// args[key]; kInvalid when it is not a list of images, or a word in it could not come from Docker.
Result<std::vector<Image>> images_argument(const Json& args, std::string_view key);

/// The images of a project's containers, one a service, in the order of their names. `services` not empty: of these
/// alone. Of a service whose containers differ, the running one's that was started last; those of its image are
/// counted.
std::vector<Image> images_of(const std::vector<Container>& containers, const std::vector<std::string>& services);

/// Notes by which digest each was pulled: from lines "ID DIGEST...", that of its own repository before another's.
void note_digests(std::vector<Image>& images, const std::vector<std::string>& lines);

/// Is it done, as a job should be? One with a health check, published ports or a policy that starts it again is no job.
bool ended_well(const Container& container);

/// Does the server of the connection string `server` run in it? Its port alone tells where no service is named.
bool holds_database(const Container& container, std::string_view project, std::string_view server);

/// What must be so for a release to run.
struct Wanted {
  std::vector<Image> images;
  std::vector<std::string> gone;            // services that it does not have
  std::map<std::string, std::string> tags;  // what a ref is here: for images without an id, and to tell moved tags
  Millis steady{2000};                      // a container without a health check must have run for so long
  WallTime now{};
};
struct Fault {
  std::string why;     // empty: all is as wanted
  bool final = false;  // it will not mend by itself
};
Fault fault_of(const std::vector<Container>& containers, const Wanted& wanted);

/// What Compose itself says of the files as they are: `config --hash` and `config`, and a dry run of `up`.
struct Given {
  std::string by;                             // its version
  std::map<std::string, std::string> hashes;  // by service
  std::map<std::string, int64_t> counts;      // of services that are asked for more than once
  std::map<std::string, std::string> would;   // by container: "Running", "Recreate"...; empty: not asked
};
/// Services of which a container was made from something else than the wanted image says, or nobody knows from what.
std::vector<std::string> unproven(const std::vector<Container>& containers, const std::vector<Image>& images);
/// The first service with a container that the same Compose made from something else than the wanted image says; empty:
/// there is none, as far as it is known.
std::string made_from_something_else(const std::vector<Container>& containers, const std::vector<Image>& images);
/// Of `services`: was each container made from what the files give, and are there as many?
struct Proof {
  std::string why;       // empty: it is so
  bool unknown = false;  // it cannot be told
};
Proof proof_of(const std::vector<Container>& containers, const std::vector<Image>& images,
               const std::vector<std::string>& services, const Given& given);

/// "sha256:0123..." as people write it: 12 digits.
std::string short_id(std::string_view id);
/// "registry:5000/shop/web:v1" -> {"registry:5000/shop/web", "v1"}; no tag: "latest"; a digest or an id: {"", ""}.
struct Name {
  std::string repository, tag;
};
Name name_of_ref(std::string_view ref);

/// "docker-compose" or "docker compose", of those that are there: the one that made the running containers, as their
/// label says ("1.29.2", "2.29.1"), else the plugin. Empty: neither.
std::string tool_for(bool standalone, bool plugin, std::string_view made_by);

/// "2026-11-22T07:23:59.9314975Z"; the beginning of time when it is none.
WallTime time_from(std::string_view text);

}  // namespace backout::drivers::compose

// What containers were made from, and which of them is the database: beside what they run (project.cc).
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "drivers/compose/project.h"

namespace backout::drivers::compose {
namespace {

/// A server at a port of this host, as a connection string has it: "port=5433", "//user@host:5433/name".
int port_of(std::string_view server) {
  size_t at = server.find("port=");
  size_t size = 5;
  if (const size_t scheme = server.find("://"); scheme != std::string_view::npos && at == std::string_view::npos) {
    const std::string_view place = server.substr(0, server.find('/', scheme + 3));
    at = place.rfind(':');
    size = 1;
    if (at <= scheme) return 5432;
  }
  if (at == std::string_view::npos) return 5432;
  int port = 5432;
  std::from_chars(server.data() + at + size, server.data() + server.size(), port);
  return port;
}

/// Containers of the service that count: what was left behind, stopped, of another image does not.
std::vector<const Container*> counting(const std::vector<Container>& containers, const Image& image) {
  std::vector<const Container*> list;
  for (const Container& container : containers) {
    const bool is_down = container.state == "exited" || container.state == "created" || container.state == "dead";
    const bool own = image.image.empty() ? !is_down || ended_well(container) : container.image == image.image;
    if (!container.oneoff && container.service == image.service && own) list.push_back(&container);
  }
  return list;
}

std::string bare_name(const Container& container) {
  return container.name.starts_with('/') ? container.name.substr(1) : container.name;
}

Proof proof_of_one(const Container& container, const Given& given) {
  const auto hash = given.hashes.find(container.service);
  if (hash != given.hashes.end() && !container.config.empty() && hash->second == container.config) return {};
  const auto would = given.would.find(bare_name(container));
  if (would != given.would.end() && !would->second.starts_with("Recreat")) return {};
  if (hash == given.hashes.end()) return {container.service + " is in none of the compose files", false};
  // The plugin's `config --hash` leaves out what an env_file says, and another version counts other things.
  if (would == given.would.end() && (!container.tool.starts_with("1.") || !given.by.starts_with("1.")))
    return {fmt::format("it cannot be told what {} was made from: by Compose {}, and here is {}", bare_name(container),
                        container.tool, given.by),
            true};
  return {
      fmt::format("{} was made from another environment or compose file than those of the release", container.service),
      false};
}

}  // namespace

void note_digests(std::vector<Image>& images, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    const std::vector<std::string> field = split(line, ' ');
    for (Image& image : images) {
      if (field.size() < 2 || field[0] != image.image) continue;
      const std::string own = name_of_ref(image.ref).repository + "@";
      const auto found = std::find_if(field.begin() + 1, field.end(),
                                      [&](const std::string& digest) { return digest.starts_with(own); });
      image.digest = found == field.end() ? field[1] : *found;
    }
  }
}

bool ended_well(const Container& container) {
  const bool stays_down = container.restart.empty() || container.restart == "no" || container.restart == "on-failure";
  return container.state == "exited" && container.exit == 0 && stays_down && container.health.empty() &&
         container.published.empty();
}

bool holds_database(const Container& container, std::string_view project, std::string_view server) {
  if (const size_t at = server.find("compose:"); at != std::string_view::npos) {
    const std::string_view place = server.substr(at + 8);
    return place.substr(0, place.find_first_of(" '?&")) == fmt::format("{}/{}", project, container.service);
  }
  return container.postgresql || std::find(container.published.begin(), container.published.end(), port_of(server)) !=
                                     container.published.end();
}

std::vector<std::string> unproven(const std::vector<Container>& containers, const std::vector<Image>& images) {
  std::vector<std::string> services;
  for (const Image& image : images) {
    const std::vector<const Container*> own = counting(containers, image);
    const bool proven = std::all_of(own.begin(), own.end(), [&](const Container* each) {
      return !image.config.empty() && each->config == image.config && each->tool == image.by;
    });
    if (!proven) services.push_back(image.service);
  }
  return services;
}

std::string made_from_something_else(const std::vector<Container>& containers, const std::vector<Image>& images) {
  for (const Image& image : images)
    for (const Container* each : counting(containers, image))
      if (!image.config.empty() && each->tool == image.by && each->config != image.config) return image.service;
  return "";
}

Proof proof_of(const std::vector<Container>& containers, const std::vector<Image>& images,
               const std::vector<std::string>& services, const Given& given) {
  for (const Image& image : images) {
    const bool open = std::find(services.begin(), services.end(), image.service) != services.end();
    const std::vector<const Container*> own = counting(containers, image);
    for (const Container* each : open ? own : std::vector<const Container*>())
      if (Proof proof = proof_of_one(*each, given); !proof.why.empty()) return proof;
    const auto asked = given.counts.find(image.service);
    const auto there = static_cast<int64_t>(own.size());
    if (asked != given.counts.end() && there < asked->second)
      return {fmt::format("{} of {} of {} are there, as the compose files ask for", there,
                          counted(asked->second, "container"), image.service),
              false};
  }
  return {};
}

}  // namespace backout::drivers::compose

// "compose": a Docker Compose project. What is brought back: the compose files and env file of the release, and the
// very images that its containers ran, by `up -d` of whichever of `docker-compose` and `docker compose` made them.
//
// Subject: {path, files?, env_file, project?, services?, tag?, config, startup_ms, steady_ms, keep, keep_versions?}.
// `path` is the project's directory; `files` are absolute, and found by Compose's own rule when not said; `tag` is the
// variable that carries the version; `services` are those of the release (absent: all); `config` are further files that
// go back with it. observe: {project, tool, files, tag, versions, current, images, tags: {ref: id}, present: [id]}. A
// checkpoint's part: {on_hosts: {host: {images: [{service, image, ref, digest?, count}], tag?}}, config: {set, files}}.
//
// Promises: nothing is pulled or built in the cutover; images of known-good releases are referred to by a container
// that is never started, so that `docker image prune -a` leaves them; a container's own image id decides what runs.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_compose_driver();

}  // namespace backout::drivers

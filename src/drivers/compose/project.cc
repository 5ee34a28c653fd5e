#include "drivers/compose/project.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace backout::drivers::compose {
namespace {

constexpr Millis kCalm{30'000};  // one that was restarted is believed again after so long

Error corrupt(std::string_view line) {
  return {Code::kCorrupt, "docker's answer is not understood: " + shortened(one_line(line), 120), ""};
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 512 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("._/:@-+").find(c) != std::string_view::npos;
         });
}

bool is_image_id(std::string_view text) {
  return text.starts_with("sha256:") && text.size() == 71 &&
         text.find_first_not_of("0123456789abcdef", 7) == std::string_view::npos;
}

bool is_hash(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string what_runs(const Container& container) {
  return container.ref.empty() || container.ref == container.image
             ? short_id(container.image)
             : fmt::format("{} ({})", container.ref, short_id(container.image));
}

int number(std::string_view text, size_t at, size_t size) {
  int value = -1;
  if (at + size <= text.size()) std::from_chars(text.data() + at, text.data() + at + size, value);
  return value;
}

std::string state_words(const Container& container) {
  if (container.state == "exited") return fmt::format("exited with {}", container.exit);
  return container.state.empty() ? "is in no known state" : "is " + container.state;
}

/// Why one container does not serve.
Fault fault_of_one(const Container& container, const Wanted& wanted) {
  const auto fault = [&](std::string why, bool final) {
    return Fault{container.service + " " + std::move(why) + ": " + what_runs(container), final};
  };
  if (!container.running()) return fault(state_words(container), container.state == "exited");
  const Millis ran = wanted.now - container.started;
  if (container.health == "unhealthy") return fault("is unhealthy", false);
  if (!container.health.empty() && container.health != "healthy") return fault("is not healthy yet", false);
  if (container.restarts > 0 && ran < kCalm)
    return fault("was restarted " + counted(container.restarts, "time") + " and runs for " + for_people(ran), false);
  if (container.health.empty() && ran < wanted.steady) return fault("runs for " + for_people(ran) + " only", false);
  return {};
}

/// The same, of a service whose containers are known to have run, or to have ended, when all was well.
Fault fault_of_kind(const Container& container, const Image& image, const Wanted& wanted) {
  if (image.fate == "down") return {};  // as it was found
  if (ended_well(container) && image.fate != "runs") return {};
  if (image.fate == "ends" && container.running())
    return {container.service + " has not ended yet: " + what_runs(container), false};
  return fault_of_one(container, wanted);
}

Fault fault_of_service(const std::vector<Container>& containers, const Image& image, const Wanted& wanted) {
  std::string expected = image.image;
  if (expected.empty()) {
    const auto tag = wanted.tags.find(image.ref);
    if (tag == wanted.tags.end()) return {fmt::format("{} of {} is no image here", image.ref, image.service), false};
    expected = tag->second;
  }
  Fault down;
  int64_t there = 0;
  for (const Container& container : containers) {
    if (container.oneoff || container.service != image.service) continue;
    const bool lives = container.running() || container.state == "restarting" || container.state == "paused";
    if (lives && container.image != expected)
      return {fmt::format("{} runs {} and not {}{}", image.service, what_runs(container), short_id(expected),
                          container.ref == image.ref ? ": the tag moved, or the container is another's" : ""),
              false};
    if (container.image != expected) continue;  // what was left behind, stopped
    ++there;
    const Fault fault = fault_of_kind(container, image, wanted);
    if (fault.why.empty()) continue;
    if (lives) return fault;
    if (down.why.empty()) down = fault;
  }
  if (!down.why.empty()) return down;
  if (there == 0) return {image.service + " does not run: it has no container", false};
  if (there < image.count)
    return {fmt::format("{} of {} of {} are there", there, counted(image.count, "container"), image.service), false};
  return {};
}

std::vector<int> ports_of(const Json& bindings) {
  std::vector<int> ports;
  if (!bindings.is_object()) return ports;
  for (const auto& [inside, places] : bindings.items())
    for (const Json& place : places.is_array() ? places : Json::array()) {
      const std::string text = get_string(place, "HostPort");
      int port = 0;
      std::from_chars(text.data(), text.data() + text.size(), port);
      ports.push_back(port);
    }
  return ports;
}

}  // namespace

std::string short_id(std::string_view id) {
  if (id.starts_with("sha256:")) id.remove_prefix(7);
  return std::string(id.substr(0, 12));
}

WallTime time_from(std::string_view text) {
  using namespace std::chrono;
  const int y = number(text, 0, 4), mo = number(text, 5, 2), d = number(text, 8, 2);
  const int h = number(text, 11, 2), mi = number(text, 14, 2), s = number(text, 17, 2);
  if (y < 1970 || mo < 1 || d < 1 || h < 0 || mi < 0 || s < 0) return {};
  const auto day = sys_days(year(y) / month(static_cast<unsigned>(mo)) / std::chrono::day(static_cast<unsigned>(d)));
  Millis fraction{0};
  if (text.size() > 20 && text[19] == '.') {
    std::string digits(text.substr(20, text.find_first_not_of("0123456789", 20) - 20));
    digits.resize(3, '0');
    fraction = Millis(number(digits, 0, 3));
  }
  return WallTime(duration_cast<Millis>(day.time_since_epoch()) + hours(h) + minutes(mi) + seconds(s) + fraction);
}

Result<Container> container_from(std::string_view line) {
  const auto value = parse_json(line);
  if (!value || !value->is_object()) return corrupt(line);
  Container container;
  for (const auto& [key, text] : {std::pair{"service", &container.service},
                                  {"image", &container.image},
                                  {"ref", &container.ref},
                                  {"state", &container.state},
                                  {"health", &container.health},
                                  {"name", &container.name},
                                  {"tool", &container.tool},
                                  {"restart", &container.restart},
                                  {"config", &container.config}})
    *text = one_line(get_string(*value, key));
  if (container.service.empty() || !is_image_id(container.image) || container.state.empty()) return corrupt(line);
  if (container.health == "none") container.health.clear();  // a health check that is switched off
  for (const char* key : {"restarts", "exit"})
    if (const Json& number = get(*value, key); !number.is_null() && !number.is_number_integer()) return corrupt(line);
  container.restarts = get_int(*value, "restarts", -1);
  container.exit = get_int(*value, "exit", -1);
  container.started = time_from(get_string(*value, "started"));
  if (container.running() && container.started == WallTime{}) return corrupt(line);  // it would run for ages
  container.oneoff = get_string(*value, "oneoff") == "True";
  if (!is_hash(container.config)) container.config.clear();
  container.published = ports_of(get(*value, "published"));
  container.postgresql = get(*value, "exposed").is_object() && get(*value, "exposed").contains("5432/tcp");
  return container;
}

Result<std::vector<Container>> containers_from(const std::vector<std::string>& lines) {
  std::vector<Container> containers;
  for (const std::string& line : lines) containers.push_back(TRY(container_from(line)));
  return containers;
}

Json to_json(const Container& container) {
  return {{"service", container.service}, {"image", container.image},   {"ref", container.ref},
          {"state", container.state},     {"health", container.health}, {"restarts", container.restarts},
          {"name", container.name},       {"config", container.config}};
}

Json to_json(const std::vector<Image>& images) {
  Json list = Json::array();
  for (const Image& image : images) {
    list.push_back({{"service", image.service}, {"image", image.image}, {"ref", image.ref}, {"count", image.count}});
    for (const auto& [key, text] :
         {std::pair{"digest", &image.digest}, {"config", &image.config}, {"by", &image.by}, {"fate", &image.fate}})
      if (!text->empty()) list.back()[key] = *text;
  }
  return list;
}

Result<std::vector<Image>> images_argument(const Json& args, std::string_view key) {
  const auto bad = [&](std::string_view what) { return Error{Code::kInvalid, fmt::format("'{}' {}", key, what), ""}; };
  const Json& list = get(args, key);
  if (!list.is_array()) return bad("is no list of images");
  std::vector<Image> images;
  for (const Json& each : list) {
    Image image{get_string(each, "service"), get_string(each, "image"), get_string(each, "ref"),
                get_string(each, "digest"),  get_int(each, "count", 1), get_string(each, "config"),
                get_string(each, "by"),      get_string(each, "fate")};
    if (!is_word(image.service) || image.service.find('/') != std::string::npos) return bad("has no name of a service");
    if (!image.image.empty() && !is_image_id(image.image)) return bad("has something that is no image id");
    if (!is_word(image.ref)) return bad("has something that is no name of an image");
    if (!image.digest.empty() && !is_word(image.digest)) return bad("has something that is no digest");
    if (!image.config.empty() && !is_hash(image.config)) return bad("has something that is no hash of a configuration");
    if (!image.by.empty() && !is_word(image.by)) return bad("has something that is no version of Compose");
    if (image.count < 0 || image.count > 10'000) return bad("has a number of containers that cannot be");
    images.push_back(std::move(image));
  }
  return images;
}

std::vector<Image> images_of(const std::vector<Container>& containers, const std::vector<std::string>& services) {
  std::map<std::string, std::vector<const Container*>> by_service;
  for (const Container& container : containers) {
    const bool wanted =
        services.empty() || std::find(services.begin(), services.end(), container.service) != services.end();
    if (wanted && !container.oneoff) by_service[container.service].push_back(&container);
  }
  std::vector<Image> images;
  for (const auto& [service, list] : by_service) {
    const auto best = std::max_element(list.begin(), list.end(), [](const Container* a, const Container* b) {
      return std::pair(a->running(), a->started) < std::pair(b->running(), b->started);
    });
    Image image{service, (*best)->image, (*best)->ref};
    image.count = std::count_if(list.begin(), list.end(), [&](const Container* each) {
      return each->image == (*best)->image && each->state != "removing" && each->state != "dead";
    });
    image.count = std::max<int64_t>(image.count, 1);
    image.config = (*best)->config;
    image.by = (*best)->tool;
    image.fate = ended_well(**best) ? "ends" : (*best)->running() && (*best)->health != "unhealthy" ? "runs" : "down";
    images.push_back(std::move(image));
  }
  return images;
}

Fault fault_of(const std::vector<Container>& containers, const Wanted& wanted) {
  if (wanted.images.empty()) return {"no service is known that should run", false};
  // What was stopped may have ended with 0 as well: a project of nothing but jobs is none.
  const bool alive = std::any_of(containers.begin(), containers.end(), [](const Container& each) {
    return !each.oneoff && (each.running() || each.state == "restarting" || each.state == "paused");
  });
  const bool asked = std::any_of(wanted.images.begin(), wanted.images.end(),
                                 [](const Image& each) { return each.fate.empty() || each.fate == "runs"; });
  for (const Image& image : wanted.images)
    if (Fault fault = fault_of_service(containers, image, wanted); !fault.why.empty()) return fault;
  for (const Container& container : containers)
    if (container.running() && !container.oneoff &&
        std::find(wanted.gone.begin(), wanted.gone.end(), container.service) != wanted.gone.end())
      return {container.service + " still runs, and this release has no such service", false};
  if (!alive && asked) return {"none of the project's containers runs", false};
  return {};
}

Name name_of_ref(std::string_view ref) {
  if (ref.find('@') != std::string_view::npos || ref.starts_with("sha256:")) return {};
  const size_t slash = ref.rfind('/'), colon = ref.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (!tagged && ref.size() >= 12 && ref.find_first_not_of("0123456789abcdef") == std::string_view::npos) return {};
  return {std::string(ref.substr(0, tagged ? colon : ref.size())),
          tagged ? std::string(ref.substr(colon + 1)) : "latest"};
}

std::string tool_for(bool standalone, bool plugin, std::string_view made_by) {
  if (!standalone && !plugin) return "";
  const bool by_the_old = made_by.starts_with("1.");
  return !plugin || (standalone && by_the_old) ? "docker-compose" : "docker compose";
}

}  // namespace backout::drivers::compose

#include "journal/chain.h"

#include "base/hash.h"
#include "base/text.h"

namespace backout::journal {
namespace {

Json clean(const Json& value) {
  if (value.is_string()) return sanitised(value.get_ref<const std::string&>());
  if (value.is_array()) {
    Json result = Json::array();
    for (const Json& item : value) result.push_back(clean(item));
    return result;
  }
  if (value.is_object()) {
    Json result = Json::object();
    for (const auto& [key, item] : value.items()) result[sanitised(key)] = clean(item);
    return result;
  }
  return value;
}

}  // namespace

std::string body_bytes(const Json& body) { return canonical(clean(body)); }

std::string header_bytes(const StoredEvent& event) {
  return canonical({{"actor", event.actor},
                    {"at_ms", event.at_ms},
                    {"boot_id", event.boot_id},
                    {"boot_ms", event.boot_ms},
                    {"id", event.id},
                    {"run", event.run},
                    {"seq", event.seq},
                    {"site", event.site},
                    {"type", event.type}});
}

std::string chain_hash(const StoredEvent& event) {
  Sha256 sha;
  sha.update(event.prev);
  sha.update(header_bytes(event));
  sha.update(event.body);
  return sha.hex();
}

Result<Event> parsed(const StoredEvent& event) {
  const auto type = event_type_of(event.type);
  auto body = parse_json(event.body);
  if (!type || !body)
    return Error{Code::kCorrupt,
                 fmt::format("event {} of {} cannot be read: {}", event.seq, event.site,
                             !type ? type.error().message : body.error().message),
                 "see what else was changed: backout audit verify"};
  return Event{.id = event.id,
               .site = SiteId(event.site),
               .seq = event.seq,
               .type = *type,
               .at = wall_from_millis(event.at_ms),
               .boot = BootTime(event.boot_ms),
               .boot_id = event.boot_id,
               .actor = event.actor,
               .run = RunId(event.run),
               .body = std::move(*body)};
}

}  // namespace backout::journal

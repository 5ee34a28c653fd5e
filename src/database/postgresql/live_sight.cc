#include "database/postgresql/live_sight.h"

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/same_catalog.h"
#include "database/postgresql/step_down.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {
namespace {

constexpr size_t kMostChanges = 8;

/// What is another in the live database; empty: nothing.
std::vector<std::string> changes_of_live(const LiveSight& before, const LiveSight& after) {
  std::vector<std::string> words;
  for (const std::string& name : before.noted)
    if (std::find(after.noted.begin(), after.noted.end(), name) == after.noted.end())
      words.push_back("no longer noted as applied: " + name);
  for (const std::string& name : after.noted)
    if (std::find(before.noted.begin(), before.noted.end(), name) == before.noted.end())
      words.push_back("noted as applied now: " + name);
  if (hash_of_objects(before.catalog) != hash_of_objects(after.catalog)) {
    const auto faults = differences_of(after.catalog, before.catalog).faults;
    words.insert(words.end(), faults.begin(), faults.end());
    if (faults.empty()) words.emplace_back("its schema");
  }
  if (words.size() > kMostChanges) {
    const std::string more = fmt::format("and {} more", words.size() - kMostChanges);
    words.resize(kMostChanges);
    words.push_back(more);
  }
  return words;
}

}  // namespace

Result<LiveSight> look_at_live(const Json& args, const MigrationCalls& calls) {
  const Server server = TRY(server_of(args));
  const std::string name = TRY(need(args, "database"));
  auto live = TRY(Connection::open(server, name));
  LiveSight sight;
  sight.catalog = TRY(read_catalog(live));
  sight.noted = TRY(noted_in(live, calls));
  return sight;
}

Result<void> live_is_untouched(const Json& args, const MigrationCalls& calls, const LiveSight& before,
                               const std::string& failed) {
  const auto after = look_at_live(args, calls);
  const std::string name = one_line(get_string(args, "database"));
  const std::string saved = get_string(get(args, "save"), "backup");
  const std::string trial = failed.empty() ? std::string() : " (the trial: " + failed + ")";
  if (!after)
    return Error{after.error().code,
                 fmt::format("the LIVE database {} cannot be looked at after the trial: {}{}", name,
                             after.error().message, trial),
                 "look at it before anything else: the migration tool may have changed it. All rows of before the "
                 "trial are in " +
                     saved};
  const auto words = changes_of_live(before, *after);
  if (words.empty()) return {};
  return Error{
      Code::kConflict,
      one_line(fmt::format("the LIVE database {} WAS CHANGED during the trial: {}{}", name, join(words, "; "), trial)),
      "look what the tool, or somebody else, did to it before anything else. All rows of before the trial are in " +
          saved};
}

}  // namespace backout::postgresql

// Cron entries that mention the project.
#include <fmt/format.h>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

/// The number of the first line that runs something of the project; 0: none.
int line_that_mentions(const Facts& facts, std::string_view text) {
  int number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    const std::string_view plain = trimmed(line);
    if (!plain.empty() && plain.front() != '#' && mentions(facts, plain)) return number;
  }
  return 0;
}

}  // namespace

void detect_cron(const Facts& facts, Draft& draft) {
  for (const FileFact& file : facts.cron) {
    const int line = line_that_mentions(facts, file.text);
    if (line == 0) continue;
    const std::string where = fmt::format("{}, line {}", file.path, line);
    if (base_name(parent_of(file.path)) == "cron.d")
      draft.services.push_back({.form = "cron", .head = file.path, .role = Role::kCron, .where = where});
    else
      draft.remarks.push_back(
          fmt::format("{} runs something of the site and is shared with others: move that into a "
                      "file of its own in /etc/cron.d, so that it can be parked",
                      where));
  }
  for (const FileFact& file : facts.crontabs) {
    const int line = line_that_mentions(facts, file.text);
    if (line == 0) continue;
    Service service{.form = "crontab",
                    .head = base_name(file.path),
                    .role = Role::kCron,
                    .where = fmt::format("{}, line {}", file.path, line)};
    draft.services.push_back(std::move(service));
  }
}

}  // namespace backout::init

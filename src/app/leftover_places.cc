#include "app/leftover_places.h"

#include <charconv>

#include "app/subject.h"
#include "base/text.h"
#include "model/needed_places.h"

namespace backout::app {
namespace {

// Arguments: the directory, then for each place "whole" or "part", and its path. Prints the number of the first that is
// in the directory (or the directory in it), then "end".
constexpr const char* kLook = R"sh(
LC_ALL=C; export LC_ALL
real=$(readlink -f -- "$1") || { echo end; exit 0; }
shift
[ "$real" != / ] || real=
number=0
while [ $# -ge 2 ]; do
  how=$1 place=$(readlink -f -- "$2") || place=
  shift 2
  if [ -n "$place" ]; then
    case $place/ in "$real"/*) echo "$number"; break;; esac
    [ "$how" = part ] || case $real/ in "$place"/*) echo "$number"; break;; esac
  fi
  number=$((number + 1))
done
echo end
)sh";

/// Empty: nothing is in the way.
std::string fault_on(host::Host& host, const std::string& directory, const std::vector<NeededPlace>& places) {
  std::vector<std::string> words{directory};
  for (const NeededPlace& place : places) {
    words.emplace_back(place.whole ? "whole" : "part");
    words.push_back(place.path);
  }
  host::Command command = host::shell(kLook, std::move(words));
  command.timeout = Millis(20'000);
  const auto result = host.run(command);
  if (!result || !result->ok() || !trimmed(result->out).ends_with("end"))
    return fmt::format("what {} holds could not be looked at: {}", directory,
                       !result        ? result.error().message
                       : result->ok() ? "the answer was cut off"
                                      : result->why_not_ok());
  const std::string_view said = trimmed(result->out);
  size_t number = places.size();
  std::from_chars(said.data(), said.data() + said.size(), number);
  if (said == "end" || number >= places.size()) return "";
  return fmt::format("{} holds {}, {}: it would be moved away", directory, places[number].what, places[number].path);
}

}  // namespace

std::vector<std::string> leftover_refusals(const Workspace& workspace, const Version& to) {
  const Site& site = workspace.site();
  std::vector<NeededPlace> places = needed_places(site);
  places.push_back({"the journal", workspace.journal().directory(), true});
  if (site.code && site.code->layout == "releases")
    places.push_back({"the release that is gone back to", site.code->path + "/releases/" + to.str()});
  std::vector<std::string> refusals;
  for (const Subject& subject : subjects_of(site)) {
    if (subject.part != plan::Part::kLeftover || get_string(subject.config, "kind") != "directory") continue;
    for (const std::string& name : subject.hosts) {
      const auto host = workspace.hosts().find(name);
      if (host == workspace.hosts().end()) continue;
      const std::string directory = replaced(get_string(subject.config, "path"), "{host}", name);
      if (const std::string fault = fault_on(*host->second, directory, places); !fault.empty())
        refusals.push_back(fmt::format("leftovers: on {}: {}", name, one_line(fault)));
    }
  }
  return refusals;
}

}  // namespace backout::app

#include "app/site/places_in_the_way.h"

#include <charconv>

#include "app/site/subject.h"
#include "base/text.h"
#include "model/needed_places.h"

namespace backout::app {
namespace {

// Arguments: the directory, then for each place "whole" or "part", and its path. Prints the number of the first that is
// in the directory (or, with " in", the directory in it), then "end".
constexpr const char* kLook = R"sh(
LC_ALL=C; export LC_ALL
real=$(readlink -m -- "$1" 2>/dev/null) || real=$(readlink -f -- "$1") || { echo end; exit 0; }
shift
[ "$real" != / ] || real=
number=0
while [ $# -ge 2 ]; do
  how=$1 place=$(readlink -f -- "$2") || place=
  shift 2
  if [ -n "$place" ]; then
    case $place/ in "$real"/*) echo "$number"; break;; esac
    [ "$how" = part ] || case $real/ in "$place"/*) echo "$number in"; break;; esac
  fi
  number=$((number + 1))
done
echo end
)sh";

/// Empty: nothing is in the way. `so`: what is wrong with a place in the way.
std::string fault_on(host::Host& host, const std::string& directory, const std::vector<NeededPlace>& places,
                     std::string_view so) {
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
  return fmt::format("{} {} {}, {}: {}", directory, said.find(" in") != std::string_view::npos ? "lies in" : "holds",
                     places[number].what, places[number].path, so);
}

}  // namespace

std::vector<std::string> refusals_of_places(const Workspace& workspace, const Version& to) {
  const Site& site = workspace.site();
  std::vector<std::string> refusals;
  const auto look_on = [&](const char* key, const std::vector<std::string>& hosts, const std::string& path,
                           std::vector<NeededPlace> places, std::string_view so) {
    places.push_back({"the journal", workspace.journal().directory(), true});
    if (site.code && site.code->layout == "releases")
      places.push_back({"the release that is gone back to", site.code->path + "/releases/" + to.str()});
    for (const std::string& name : hosts) {
      const auto host = workspace.hosts().find(name);
      if (host == workspace.hosts().end()) continue;
      std::vector<NeededPlace> here = places;
      for (NeededPlace& place : here) place.path = replaced(place.path, "{host}", name);
      if (const std::string fault = fault_on(*host->second, replaced(path, "{host}", name), here, so); !fault.empty())
        refusals.push_back(fmt::format("{}: on {}: {}", key, name, one_line(fault)));
    }
  };
  for (const Subject& subject : subjects_of(site)) {
    if (subject.part == plan::Part::kLeftover && get_string(subject.config, "kind") == "directory")
      look_on("leftovers", subject.hosts, get_string(subject.config, "path"), needed_places(site),
              "it would be moved away");
    if (subject.part != plan::Part::kCode || !site.code) continue;
    for (size_t i = 0; i < site.code->statics.size(); ++i)
      look_on("code.static", subject.hosts, site.code->statics[i].to, places_of_statics(site, i),
              "it may hold nothing but files that are served");
  }
  return refusals;
}

}  // namespace backout::app

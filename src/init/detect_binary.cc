// Programs that are compiled: Go, and C or C++ by a Makefile.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/source.h"
#include "init/words.h"

namespace backout::init {
namespace {

bool has_target(std::string_view makefile, std::string_view target) {
  for (const std::string_view line : lines_of(makefile))
    if (line.starts_with(target) && trimmed(line.substr(target.size())).starts_with(':')) return true;
  return false;
}

/// The program that a service of the project runs: a file inside the code.
std::string program_of(const Facts& facts, const Draft& draft) {
  for (const FileFact& file : facts.systemd)
    for (const Section& section : parse_ini(file.text))
      for (const std::string& command : section.all("ExecStart")) {
        const std::vector<std::string> words = words_of(command);
        if (!words.empty() && mentions(facts, words.front()) && !draft.services.empty())
          return base_name(words.front());
      }
  return "";
}

}  // namespace

void detect_binary(const Facts& facts, Draft& draft) {
  const std::string* makefile = project_text(facts, "Makefile");
  const bool go = has_file(facts, "go.mod");
  const auto ends_in = [&](std::string_view ending) {
    return std::any_of(facts.tree.begin(), facts.tree.end(),
                       [&](const std::string& path) { return path.ends_with(ending); });
  };
  const bool c = makefile != nullptr && (ends_in(".c") || ends_in(".cc") || ends_in(".cpp"));
  if (!go && !c) return;
  if (draft.kind.empty()) draft.kind = go ? "Go" : "C";
  if (makefile != nullptr) {
    const bool build = has_target(*makefile, "build");
    draft.build.push_back({build ? "make build" : "make", build ? "Makefile: build" : "Makefile"});
  } else {
    const std::string program = program_of(facts, draft);
    draft.build.push_back(
        {program.empty() ? "go build ./..." : fmt::format("go build -o {} .", as_word(program)), "go.mod"});
  }
  for (const auto& [path, text] : facts.project) {
    if (!path.ends_with(".go") && !path.ends_with(".c") && !path.ends_with(".cc") && !path.ends_with(".cpp")) continue;
    if (path.ends_with("_test.go")) continue;
    for (const char* sign : {"ListenAndServe", "net.Listen", "listen("})
      if (text.find(sign) != std::string::npos) {
        draft.needs_process = true;
        if (const auto port = port_in_source(text))
          draft.fallback_ports.push_back({std::to_string(port->first), fmt::format("{}, line {}", path, port->second)});
        break;
      }
  }
}

}  // namespace backout::init

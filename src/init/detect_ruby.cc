// Ruby: Gemfile, Rails, puma.
#include <fmt/format.h>

#include "base/text.h"
#include "init/detect.h"
#include "init/source.h"
#include "init/words.h"

namespace backout::init {

void detect_ruby(const Facts& facts, Draft& draft) {
  if (!has_file(facts, "Gemfile") && !has_file(facts, "config.ru")) return;
  const bool rails = has_file(facts, "bin/rails") || has_file(facts, "config/application.rb");
  if (draft.kind.empty()) draft.kind = rails ? "Rails" : "Ruby";
  draft.needs_process = draft.needs_process || rails || has_file(facts, "config.ru");
  if (has_file(facts, "Gemfile")) {
    const bool local = has_file(facts, ".bundle/config");
    draft.build.push_back({"bundle install", local ? "Gemfile and .bundle/config" : "Gemfile"});
  }
  if (has_file(facts, "vendor/bundle/")) draft.keep_builds.push_back({"vendor/bundle", "a bundle there"});
  const std::string* lock = project_text(facts, "Gemfile.lock");
  if (rails && has_file(facts, "app/assets/") && lock != nullptr && lock->find("sprockets") != std::string::npos)
    draft.build.push_back({"RAILS_ENV=production bin/rails assets:precompile", "app/assets"});
  if (rails) take(draft.migrations, "bin/rails", "bin/rails");
  for (const char* name : {"config/puma.rb", "puma.rb"})
    if (const std::string* text = project_text(facts, name))
      if (const auto port = port_in_source(*text))
        draft.fallback_ports.push_back({std::to_string(port->first), fmt::format("{}, line {}", name, port->second)});
}

}  // namespace backout::init

// Where the code is, where it comes from, and what the site is called.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

void detect_remote(const Facts& facts, Draft& draft) {
  if (facts.git.remote.empty()) return;
  const auto [remote, had_password] = without_password(facts.git.remote);
  take(draft.git, remote, facts.git.root + "/.git/config: remote origin");
  if (had_password)
    draft.remarks.emplace_back(
        "the git remote's URL holds a password, which is not copied: give the login that fetches a credential helper");
}

}  // namespace

void detect_layout(const Facts& facts, Draft& draft) {
  const bool releases = facts.has_current && (!facts.current.empty() || !facts.releases.empty());
  if (releases) {
    take(draft.layout, "releases", fmt::format("{}/releases and the symlink current", facts.directory));
    take(draft.path, facts.directory, fmt::format("{} releases there", facts.releases.size()));
    take(draft.git, facts.bare_repository, "a git repository there");
    detect_remote(facts, draft);
  } else if (!facts.git.root.empty()) {
    take(draft.layout, "in-place", "a git checkout");
    detect_remote(facts, draft);
    take(draft.path, facts.git.root,
         facts.git.tags.empty()
             ? "a git checkout without tags"
             : fmt::format("a git checkout, {}, the last {}",
                           counted(static_cast<int64_t>(facts.git.tags.size()), "tag"), facts.git.tags.back()));
  }
  if (!facts.owner.empty() && releases) take(draft.git_user, facts.owner, "who owns the code");
  std::string name = base_name(facts.directory);
  for (const char* generic : {"current", "app", "src", "code", "www", "html", "site", "web", "htdocs"})
    if (name == generic && !as_name(base_name(parent_of(facts.directory))).empty() &&
        parent_of(parent_of(facts.directory)) != "/")
      name = base_name(parent_of(facts.directory));
  take(draft.site, as_name(name), "the directory's name");
}

Draft detect(const Facts& facts) {
  Draft draft;
  detect_layout(facts, draft);
  detect_systemd(facts, draft);
  detect_supervisor(facts, draft);
  detect_pm2(facts, draft);
  detect_cron(facts, draft);
  detect_python(facts, draft);
  detect_node(facts, draft);
  detect_ruby(facts, draft);
  detect_binary(facts, draft);
  detect_scripts(facts, draft);
  detect_procfile(facts, draft);
  detect_processes(facts, draft);
  detect_nginx(facts, draft);
  detect_databases(facts, draft);
  detect_dumps(facts, draft);
  detect_endpoints(facts, draft);
  std::stable_sort(draft.services.begin(), draft.services.end(),
                   [](const Service& a, const Service& b) { return a.role < b.role; });
  return draft;
}

}  // namespace backout::init

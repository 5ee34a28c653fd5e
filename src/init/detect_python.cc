// Django, Flask and other Python: how it is built, what it logs, which database its settings name.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/source.h"
#include "init/words.h"

namespace backout::init {
namespace {

/// The virtualenv of the code: "venv" when venv/pyvenv.cfg is there.
std::string virtualenv(const Facts& facts, const std::string& below) {
  for (const char* name : {"venv", ".venv", "env", "virtualenv"})
    if (has_file(facts, below + name + "/pyvenv.cfg")) return below + name;
  return "";
}

void detect_build(const Facts& facts, Draft& draft, const std::string& below) {
  const std::string venv = virtualenv(facts, below);
  const bool poetry = has_file(facts, below + "poetry.lock");
  const std::string requirements = has_file(facts, below + "requirements.txt") ? below + "requirements.txt" : "";
  if (poetry) {
    draft.build.push_back({in_directory(below, "poetry install --no-root --no-interaction"), below + "poetry.lock"});
  } else if (!venv.empty()) {
    const std::string* made = project_text(facts, venv + "/pyvenv.cfg");
    const bool system = made != nullptr && made->find("include-system-site-packages = true") != std::string::npos;
    draft.build.push_back({fmt::format("python3 -m venv {}{}", system ? "--system-site-packages " : "", as_word(venv)),
                           venv + "/pyvenv.cfg"});
    const std::string pip = as_word(venv + "/bin/pip");
    if (!requirements.empty())
      draft.build.push_back({fmt::format("{} install -r {}", pip, as_word(requirements)), requirements});
    else if (has_file(facts, below + "pyproject.toml") || has_file(facts, below + "setup.py"))
      draft.build.push_back(
          {fmt::format("{} install {}", pip, below.empty() ? "." : as_word(below)), "pyproject.toml"});
  }
  if (!poetry && venv.empty() && !requirements.empty())
    draft.remarks.push_back(
        fmt::format("{0} is there, but no virtualenv beside it, so nothing is written that installs what it names when "
                    "a release is "
                    "gone back to; if it lies elsewhere: code: {{build: [\"/path/to/venv/bin/pip install -r {0}\"]}}",
                    requirements));
  if (!venv.empty()) draft.keep_builds.push_back({venv, "a virtualenv"});
}

void detect_django(const Facts& facts, Draft& draft, const std::string& manage) {
  const std::string below = manage.substr(0, manage.size() - std::string_view("manage.py").size());
  const std::string venv = virtualenv(facts, below);
  const std::string python = venv.empty() ? "python3" : venv + "/bin/python";
  const std::string command = fmt::format("{} {}", as_word(python), as_word(manage));
  take(draft.migrations, command, manage);
  for (const auto& [path, text] : facts.project) {
    if (!is_settings(path)) continue;
    if (assigned(text, "STATIC_ROOT") && draft.build.size() < 8 &&
        std::none_of(draft.build.begin(), draft.build.end(),
                     [](const Seen& seen) { return seen.value.find("collectstatic") != std::string::npos; }))
      draft.build.push_back({command + " collectstatic --noinput", path + ": STATIC_ROOT"});
    for (size_t at = text.find("LOGGING"); at != std::string::npos; at = text.find("filename", at + 1)) {
      if (text.compare(at, 8, "filename") != 0) continue;
      const size_t colon = text.find(':', at);
      if (colon == std::string::npos || colon > at + 12) continue;
      const std::string file = quoted_after(text, colon);
      if (file.starts_with('/')) draft.logs.push_back({file, path + ": LOGGING"});
    }
  }
  const auto checks_itself = fmt::format("{} check", command);
  draft.checks.push_back({.path = "", .where = manage, .command = checks_itself});
}

}  // namespace

void detect_python(const Facts& facts, Draft& draft) {
  const std::string manage = nearest_file(facts, "manage.py");
  const bool django = !manage.empty();
  const bool python = django || has_file(facts, "requirements.txt") || has_file(facts, "pyproject.toml") ||
                      has_file(facts, "poetry.lock") || has_file(facts, "setup.py") || has_file(facts, "app.py") ||
                      has_file(facts, "wsgi.py");
  if (!python) return;
  const std::string below = django ? manage.substr(0, manage.size() - std::string_view("manage.py").size()) : "";
  bool serves = django;
  for (const auto& [path, text] : facts.project)
    if (path.ends_with(".py"))
      for (const char* sign : {"Flask(__name__", "FastAPI(", "HTTPServer(", "def application(", "Starlette("})
        serves = serves || text.find(sign) != std::string::npos;
  if (draft.kind.empty() && (django || serves)) draft.kind = django ? "Django" : "Python";
  draft.needs_process = draft.needs_process || serves;
  detect_build(facts, draft, below);
  if (django) detect_django(facts, draft, manage);
  for (const auto& [path, text] : facts.project)
    if (base_name(path).find("gunicorn") != std::string::npos && path.ends_with(".py"))
      for (const std::string_view line : lines_of(text))
        if (trimmed(line).starts_with("bind"))
          if (const auto port = port_in(quoted_after(line, 0)))
            draft.fallback_ports.push_back({std::to_string(*port), path + ": bind"});
}

}  // namespace backout::init

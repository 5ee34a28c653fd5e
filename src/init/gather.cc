#include "init/gather.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "init/eyes.h"
#include "init/gather_parts.h"
#include "init/words.h"
#include "os/process.h"

namespace backout::init {
namespace {

namespace fs = std::filesystem;

/// Runs a program that only looks; empty when that did not work.
std::string said(std::vector<std::string> argv, std::map<std::string, std::string> env = {}) {
  os::ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.env = std::move(env);
  spec.timeout = Millis(10'000);
  const auto result = os::run_process(spec);
  if (!result || !result->ok()) return "";
  std::string out = result->out;
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

void gather_systemd(Eyes& eyes, Facts& facts) {
  for (const char* place :
       {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system"}) {
    const std::string directory = place;
    const bool vendor = directory.starts_with("/lib");
    for (FileFact& file : eyes.system_files(directory, {".service", ".timer", ".socket"}))
      if (!vendor || mentions(facts, file.text)) facts.systemd.push_back(std::move(file));
    if (vendor) continue;
    for (const std::string& name : eyes.names(eyes.at(directory))) {
      if (name.ends_with(".wants"))
        for (const std::string& wanted : eyes.names(eyes.at(directory) + "/" + name))
          facts.wanted_units.push_back(wanted);
      if (name.ends_with(".d"))
        for (FileFact& file : eyes.system_files(directory + "/" + name, {".conf"}))
          facts.systemd.push_back(std::move(file));
    }
  }
}

void gather_supervisor(Eyes& eyes, Facts& facts) {
  for (const char* main : {"/etc/supervisor/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor.conf"})
    if (auto file = eyes.system_file(main)) facts.supervisor.push_back(std::move(*file));
  for (const char* directory : {"/etc/supervisor/conf.d", "/etc/supervisord.d", "/etc/supervisor.d"})
    for (FileFact& file : eyes.system_files(directory, {".conf", ".ini"})) facts.supervisor.push_back(std::move(file));
  for (const std::string& where :
       {facts.directory, facts.code, facts.directory + "/etc", facts.directory + "/shared", facts.directory + "/conf"})
    for (const char* name : {"supervisord.conf", "supervisor.conf"}) {
      const std::string path = where + "/" + name;
      const bool known = std::any_of(facts.supervisor.begin(), facts.supervisor.end(),
                                     [&](const FileFact& file) { return file.path == path; });
      if (known) continue;
      if (auto text = eyes.text(path)) facts.supervisor.push_back({path, std::move(*text)});
    }
}

void gather_nginx(Eyes& eyes, Facts& facts) {
  std::set<std::string> seen;
  const auto add = [&](FileFact file, const std::string& real) {
    if (seen.insert(real).second) facts.nginx.push_back(std::move(file));
  };
  if (auto file = eyes.system_file("/etc/nginx/nginx.conf")) add(std::move(*file), eyes.at("/etc/nginx/nginx.conf"));
  for (const char* directory : {"/etc/nginx/sites-enabled", "/etc/nginx/conf.d"})
    for (FileFact& file : eyes.system_files(directory, {})) {
      const std::string real = Eyes::resolved(eyes.at(file.path));
      add(std::move(file), real);
    }
  for (const std::string& where : {facts.directory, facts.code, facts.directory + "/nginx", facts.directory + "/etc"})
    for (const std::string& name : eyes.is_directory(where) ? eyes.names(where) : std::vector<std::string>())
      if (name.find("nginx") != std::string::npos && name.ends_with(".conf"))
        if (auto text = eyes.text(where + "/" + name))
          add({where + "/" + name, std::move(*text)}, Eyes::resolved(where + "/" + name));
}

void gather_cron(Eyes& eyes, Facts& facts) {
  facts.cron = eyes.system_files("/etc/cron.d", {});
  if (auto file = eyes.system_file("/etc/crontab")) facts.cron.push_back(std::move(*file));
  for (const char* period : {"hourly", "daily", "weekly", "monthly"})
    for (FileFact& file : eyes.system_files(std::string("/etc/cron.") + period, {}))
      facts.cron.push_back(std::move(file));
  facts.crontabs = eyes.system_files("/var/spool/cron/crontabs", {});
}

void gather_environment(Eyes& eyes, Facts& facts) {
  std::set<std::string> paths = {facts.directory + "/.env", facts.directory + "/shared/.env"};
  for (const FileFact& unit : facts.systemd)
    if (mentions(facts, unit.text))
      for (const Section& section : parse_ini(unit.text))
        for (std::string path : section.all("EnvironmentFile")) {
          if (path.starts_with('-')) path.erase(0, 1);
          if (path.starts_with('/')) paths.insert(path);
        }
  for (const std::string& path : paths) {
    if (auto text = eyes.text(path))
      facts.environment.push_back({path, std::move(*text)});
    else if (auto file = eyes.system_file(path))
      facts.environment.push_back(std::move(*file));
  }
}

/// The list that `pm2 save` wrote, and what a daemon that runs for us says now. Asking pm2 without one would start it.
void gather_pm2(Eyes& eyes, Facts& facts, bool this_host) {
  std::set<std::string> homes;
  const char* home = std::getenv("HOME");
  const char* own = std::getenv("PM2_HOME");
  const std::string ours = own != nullptr && *own != '\0' ? own : home != nullptr ? std::string(home) + "/.pm2" : "";
  if (!ours.empty()) homes.insert(ours);
  homes.insert(facts.directory + "/.pm2");
  homes.insert(eyes.at("/root/.pm2"));
  for (const std::string& user : eyes.names(eyes.at("/home"))) homes.insert(eyes.at("/home/" + user + "/.pm2"));
  for (const std::string& each : homes) {
    if (!eyes.is_directory(each)) continue;
    std::string daemon = eyes.text(each + "/pm2.pid").value_or("");
    while (!daemon.empty() && std::isdigit(static_cast<unsigned char>(daemon.back())) == 0) daemon.pop_back();
    if (this_host && each == ours && !daemon.empty() && eyes.is_directory("/proc/" + daemon))
      if (std::string list = said({"pm2", "jlist"}, {{"PM2_HOME", each}}); !list.empty())
        facts.pm2.push_back({each + "/jlist", std::move(list)});
    if (auto text = eyes.text(each + "/dump.pm2")) facts.pm2.push_back({each + "/dump.pm2", std::move(*text)});
  }
}

void gather_owner(Facts& facts) {
  const std::string owner = said({"stat", "-L", "-c", "%U", "--", facts.code});
  if (!owner.empty() && owner != "UNKNOWN" && owner != said({"id", "-un"})) facts.owner = owner;
}

}  // namespace

Result<Facts> gather(const GatherSpec& spec) {
  std::error_code failure;
  Eyes eyes(spec.root.empty() ? "" : fs::absolute(spec.root, failure).lexically_normal().string());
  Facts facts;
  facts.directory = fs::absolute(spec.directory.empty() ? "." : spec.directory, failure).lexically_normal().string();
  while (facts.directory.size() > 1 && facts.directory.ends_with('/')) facts.directory.pop_back();
  if (!eyes.is_directory(facts.directory))
    return Error{Code::kNotFound, "there is no directory " + facts.directory, "name the project's: -C DIR"};
  // From inside a release to the site.
  const std::string real = Eyes::resolved(facts.directory);
  for (const std::string& inside : {facts.directory, real})
    if (base_name(parent_of(inside)) == "releases" && !Eyes::link(parent_of(parent_of(inside)) + "/current").empty())
      facts.directory = parent_of(parent_of(inside));
  if (base_name(facts.directory) == "current" && !Eyes::link(facts.directory).empty())
    facts.directory = parent_of(facts.directory);

  if (const std::string resolved = Eyes::resolved(facts.directory); resolved != facts.directory)
    facts.aliases.push_back(resolved);
  facts.has_current = !Eyes::link(facts.directory + "/current").empty();
  facts.code = facts.directory;
  if (facts.has_current && eyes.is_directory(facts.directory + "/current")) {
    facts.code = facts.directory + "/current";
    const std::string target = Eyes::resolved(facts.code);
    if (base_name(parent_of(target)) == "releases") facts.current = base_name(target);
  }
  if (eyes.is_directory(facts.directory + "/releases"))
    for (const std::string& name : eyes.names(facts.directory + "/releases"))
      if (eyes.is_directory(facts.directory + "/releases/" + name)) facts.releases.push_back(name);
  gather_project(eyes, facts);
  gather_git(eyes, facts);
  gather_systemd(eyes, facts);
  gather_supervisor(eyes, facts);
  gather_nginx(eyes, facts);
  gather_cron(eyes, facts);
  gather_environment(eyes, facts);
  gather_pm2(eyes, facts, spec.root.empty());
  gather_processes(eyes, facts);
  gather_files_by_name(eyes, facts);
  gather_owner(facts);
  facts.unread = std::move(eyes.unread);
  return facts;
}

}  // namespace backout::init

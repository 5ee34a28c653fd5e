// Facts: what was read of a project and its host, before anybody thinks about it. Values: the detectors (detect.h) are
// pure functions of them, and a test writes them down. gather.h reads them.
//
// Paths are absolute and as the host itself says them; those of `project` are relative to `code`. Texts are raw bytes
// of files that anybody may have written: data, never to be believed in what they ask for. Some hold secrets; nothing
// of them but names, paths and ports may reach a Draft.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace backout::init {

struct FileFact {
  std::string path, text;
};

/// A file of which only the name counts: a database, a dump.
struct Found {
  std::string path;
  uint64_t size = 0;
  std::vector<std::string> bookkeeping;  // of a database: tables in which a migration tool keeps its books
  int64_t age_s = 0;                     // since it was last written
};

struct GitFacts {
  std::string root;    // the checkout's top directory; empty: no git here
  std::string remote;  // of origin, as it stands in the configuration
  std::string branch, commit;
  std::vector<std::string> tags;
};

/// A process that runs from the project.
struct ProcessFacts {
  int pid = 0, parent = 0;
  std::vector<std::string> argv;
  std::string cwd, user;
  std::vector<int> ports;  // on which it listens
  std::string output;      // the file that its standard output goes to; empty: none
};

struct Facts {
  std::string directory;             // of backout.yaml
  std::string code;                  // the live code: directory/current, or the directory
  std::vector<std::string> aliases;  // other names of `directory`: symlinks resolved
  std::string owner;                 // of the code, when that is somebody else than who asks; else empty
  std::vector<std::string> releases;
  bool has_current = false;                    // directory/current is a symlink
  std::string current;                         // the release's name when it leads into releases/
  std::map<std::string, std::string> project;  // texts of files worth reading
  std::vector<std::string> tree;               // the names of all files, sorted; directories end in '/'
  std::string bare_repository;                 // directory/repo or directory/repo.git, from which releases are made
  GitFacts git;
  std::vector<FileFact> scripts;  // that deploy
  std::vector<FileFact> pidfiles;
  std::vector<FileFact> systemd, supervisor, pm2, nginx, cron, crontabs, environment;
  std::vector<std::string> wanted_units;  // links in *.wants: which instances of a template there are
  std::vector<Found> databases, dumps;
  std::vector<ProcessFacts> processes;
  std::vector<std::string> unread;  // "/etc/x: permission denied"
};

/// Does `text` name the project's directory, or something in it, as a whole path?
bool mentions(const Facts& facts, std::string_view text);
/// The text of a file of the project; null when it is not there or was not worth reading.
const std::string* project_text(const Facts& facts, const std::string& path);
bool has_file(const Facts& facts, std::string_view path);

}  // namespace backout::init

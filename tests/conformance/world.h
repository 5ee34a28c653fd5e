// The world that a driver's test acts on: shell one-liners and a real git repository with releases of a tiny program.
// For oracles and set-up only; what is under test goes through a host.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/text.h"
#include "conformance/places.h"

namespace backout::conformance {

struct Said {
  int status = -1;
  std::string out;
};

/// `sh -c command`, standard output kept, errors shown by the test program.
inline Said ask(const std::string& command) {
  Said said;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return said;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) said.out.append(buffer, got);
  const int status = ::pclose(pipe);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return said;
}
inline bool holds(const std::string& command) { return ask(command).status == 0; }
inline std::string answer(const std::string& command) { return std::string(trimmed(ask(command).out)); }
inline void must(const std::string& command) {
  const Said said = ask("{ " + command + "\n} 2>&1");
  ASSERT_EQ(said.status, 0) << command << "\n" << said.out;
}

/// Another user to work as: nobody when we are root, else ourselves.
inline std::string other_user() { return ::geteuid() == 0 ? "nobody" : ""; }
inline std::string as_other(const std::string& command) {
  return ::geteuid() == 0 ? "runuser -u nobody -- sh -c " + shell_quoted(command) : "sh -c " + shell_quoted(command);
}

/// A bare repository with tags v1 and v2, owned by `other_user()`. v2 changes app.txt, drops old.txt, adds new.txt and
/// `bulk` files under data/ (so that a checkout takes a while); what is in `ignored/` is ignored.
class Repository {
 public:
  Repository(const std::string& directory, int bulk) : path_(directory + "/repo.git") {
    must("chown " + (other_user().empty() ? std::string("$(id -u)") : other_user()) + " " + shell_quoted(directory));
    must(as_other(R"(set -e; cd )" + shell_quoted(directory) + R"(
      HOME=$PWD; export HOME
      GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
      git init -q -b main work; cd work
      printf 'ignored/\n*.log\n' >.gitignore
      echo one >app.txt; echo stays >same.txt; echo only-in-v1 >old.txt; mkdir data
      for i in $(seq )" +
                  std::to_string(bulk) + R"(); do echo "one $i" >data/shared$i; done
      git add -A; git commit -q -m v1; git tag v1
      echo two >app.txt; git rm -q old.txt; echo only-in-v2 >new.txt
      for i in $(seq )" +
                  std::to_string(bulk) + R"(); do echo "two $i" >data/shared$i; echo "new $i" >data/added$i; done
      git add -A; git commit -q -m v2; git tag -a -m 'second' v2
      cd ..; git clone -q --bare work repo.git)"));
  }
  /// One for the whole test program: nothing under test writes to a source.
  static const Repository& shared() {
    static const ScratchDirectory directory;
    static const Repository repository(directory.path(), 60);
    return repository;
  }
  const std::string& path() const { return path_; }
  std::string commit(const std::string& tag) const {
    return answer(as_other("git -C " + shell_quoted(path_) + " rev-parse '" + tag + "^{commit}'"));
  }

 private:
  std::string path_;
};

}  // namespace backout::conformance

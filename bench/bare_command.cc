// The peer of step_overhead: runs a command N times with fork and exec, one after the other, and prints the
// milliseconds of each run.
//   bare_command N COMMAND [ARGUMENT...]
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int times = std::atoi(argv[1]);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      execvp(argv[2], argv + 2);
      _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  std::printf("%.4f\n", took.count() / times);
  return 0;
}

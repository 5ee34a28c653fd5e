// What /proc says about processes: who lives in a process group. Zombies count as dead, because pid 1 may reap slowly.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace backout::os {

struct ProcessFacts {
  char state = '?';  // as in /proc/PID/stat: R S D Z X ...
  pid_t parent = 0, group = 0, session = 0;
  uint64_t start_time = 0;  // field 22, clock ticks since boot: with the pid it names one process of this boot
  bool lives() const { return state != 'Z' && state != 'X'; }
};
/// Empty when there is no such process.
std::optional<ProcessFacts> facts_of(pid_t pid);
/// Since boot, of start_time's clock ticks.
int64_t millis_of_ticks(uint64_t ticks);
/// Its children, of all its threads; none when there is no such process.
std::vector<pid_t> children_of(pid_t pid);
/// argv[0], which a process may rewrite to tell what it does; 4096 bytes at most. Empty when there is none.
std::string title_of(pid_t pid);
bool process_group_lives(pid_t group);
pid_t own_pid();
/// May it become somebody else?
bool is_root();

}  // namespace backout::os

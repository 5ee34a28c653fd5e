#include <unistd.h>

#include <cstdio>

#include "app/ready/ready.h"
#include "cli/opened.h"
#include "cli/ready_view.h"

namespace backout::cli {

int ready(const Globals& globals, bool prove) {
  const auto answer =
      app::whether_ready(globals.where, prove ? driver::Depth::kProve : driver::Depth::kQuick, std::stop_token());
  if (!answer) return fail(answer.error()), answer.error().code == Code::kNotFound ? 2 : exit_status_of(answer.error());
  if (globals.json)
    print_json(to_json(*answer));
  else if (!globals.quiet || !answer->ready())
    std::fputs(view_of(*answer, style_for(STDOUT_FILENO, globals.no_color), columns_of(STDOUT_FILENO), globals.verbose)
                   .c_str(),
               stdout);
  return answer->ready() ? 0 : 3;
}

}  // namespace backout::cli

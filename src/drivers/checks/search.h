// "search": an index that is built from the database, rebuilt once code and database are back, and believed by what
// queries find, never by the exit status of what rebuilt it.
//
// Subject: {rebuild: UserCommand, queries: [{type, at_least, url, count?} or {type, at_least, run: UserCommand}]}
//
// rebuild-search  (start, when all services are up)  the user's command; its lines are the progress. Nothing can tell a
// whole
//                 index from one that is half built, so after a crash it is run again
// search-<type>   (check)  at least so many results, one step for each type of content
#pragma once
#include <memory>
#include <string_view>

#include "driver/driver.h"

namespace backout::drivers {

/// How many results an answer has. `count`: a path of dots to a number or a list; empty: the answer itself, or its
/// count, total, results or hits. kCorrupt when there is none.
Result<int64_t> results_in(std::string_view body, const std::string& count);

std::unique_ptr<driver::Driver> make_search_driver();

}  // namespace backout::drivers

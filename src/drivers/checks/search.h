// "search": an index that is built from the database, rebuilt once code and database are back, and believed by what
// queries find, never by the exit status of what rebuilt it.
//
// Subject: {rebuild: UserCommand, built?: UserCommand, queries: [{type, at_least, rows?: UserCommand, ...}]}, a query
// with url, count? and id? or with run: UserCommand.
//
// note-search     (start)  what `built` prints before; asked again where it cannot be read
// rebuild-search  (start, when all services are up)  the user's command; its lines are the progress. Nothing can tell a
// whole
//                 index from one that is half built, so after a crash it is run again
// rebuilt-search  (check)  what `built` prints is another thing now; where nothing could be read before, each query
//                 must have rows
// search-<type>   (check)  at least so many results, one step for each type of content; with `rows`, as many as the
//                 database has, or, with `id`, none that it has not
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/driver.h"

namespace backout::drivers {

/// How many results an answer has. `count`: a path of dots to a number or a list; empty: the answer itself, or its
/// count, total, results or hits. kCorrupt when there is none.
Result<int64_t> results_in(std::string_view body, const std::string& count);

/// The ids of the results that an answer lists: `id` is a path in each of them. The list is the answer itself, or
/// stands at `count`, or where search servers have it. kCorrupt when there is none.
Result<std::vector<std::string>> ids_in(std::string_view body, const std::string& count, const std::string& id);

std::unique_ptr<driver::Driver> make_search_driver();

}  // namespace backout::drivers

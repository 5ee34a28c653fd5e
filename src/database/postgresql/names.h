// Names of the databases that backout makes beside a live one. Pure.
#pragma once
#include <string>
#include <string_view>

namespace backout::postgresql {

inline constexpr size_t kLongestName = 63;  // bytes that the server takes of a name

/// "shop__backout_R7_new": what the run `run` of the database makes for `word`. A long name of a database is cut and
/// gets a piece of its own hash, so that two that begin alike do not share one.
std::string name_beside(std::string_view database, std::string_view run, std::string_view word);

/// "shop__backout_": what the names of all of them begin with.
std::string start_beside(std::string_view database);

/// At most `bytes` of it, cut between characters.
std::string start_of(std::string_view name, size_t bytes);

/// Of a database into which an archive is restored for a test alone: no other test has the same.
std::string name_for_test(std::string_view database);
/// What the names of all such databases beside this one begin with.
std::string start_of_tests(std::string_view database);

}  // namespace backout::postgresql

// Sessions of a database, seen and ended from a connection to another one, and the door in front of it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "database/postgresql/connection.h"

namespace backout::postgresql {

struct Database {
  int64_t oid = 0;
  bool open = true;  // connections are allowed
  std::string owner;
  int64_t size = 0;  // bytes
};

/// Nothing: there is no database of that name.
Result<std::optional<Database>> find_database(Connection& maintenance, const std::string& name);

struct Session {
  int pid = 0;
  std::string user, application, client, kind, state;
};

/// Everything connected to the database but the connection's own session and those in `but`.
Result<std::vector<Session>> sessions_of(Connection& maintenance, int64_t database, const std::vector<int>& but = {});
/// "shop (gunicorn, 10.0.0.7), autovacuum worker": at most five, and how many more.
std::string for_people(const std::vector<Session>& sessions);
Json to_json(const std::vector<Session>& sessions);

/// Nobody can connect any more, superusers included; who is connected stays.
Result<void> close_database(Connection& maintenance, const std::string& name);
Result<void> open_database(Connection& maintenance, const std::string& name);

/// Ends all sessions but those in `but`, and looks until they are gone: the number ended. kBusy: some are still there
/// after `limit` (they come again because the database is open). kDenied: one is a superuser's, and our role is none.
Result<int> end_sessions(Connection& maintenance, int64_t database, const std::vector<int>& but, Millis limit);

/// What a rename cannot do with: prepared transactions, and logical slots, whose consumers would follow the old one.
Result<void> nothing_in_the_way(Connection& maintenance, const std::string& name);

}  // namespace backout::postgresql

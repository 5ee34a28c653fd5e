// Databases that backout makes beside the live one: created like another, dressed as the live one when they go live,
// dropped when they are of no use. Nothing here touches a database whose name is not of ours.
//
// Until the swap such a database belongs to our role, and nobody else may connect to it; its comment is a note of ours,
// with all that it must look like afterwards. So the swap can put that on in the very transaction that renames it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/facts.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// What the comment of a finished database of ours says: what it was made from, and how it looks when it is live.
struct Note {
  std::string made_from;  // sha256 of the manifest, or "template NAME"
  std::string made_at;
  DatabaseFacts dress;  // owner, grants, connection limit, comment; settings are on it already
};
/// Nothing: there is no such database, it bears no note of ours, or it is half dropped.
Result<std::optional<Note>> read_note(Connection& connection, const std::string& database);
/// The comment as SQL.
std::string note_statement(const std::string& database, const Note& note);

/// Whether a DROP DATABASE of it was cut off: only another one can follow.
Result<bool> is_half_dropped(Connection& connection, const std::string& database);

/// Statements that give the database the owner, rights, connection limit and comment of `dress`: for the transaction of
/// the swap, under the name that the database has there.
std::vector<std::string> dress_statements(const std::string& database, const DatabaseFacts& dress);

/// A session that is neither in the live database nor in one of ours: CREATE, DROP and RENAME are done from there.
/// `database` empty: "postgres", or "template1" where there is none.
Result<Connection> open_maintenance(const Server& server, const std::string& database);
/// The same for what makes or drops the database `name`. Sessions that an earlier try left there are ended first: the
/// server finishes what a client that died asked for.
Result<Connection> open_maintenance_for(const Server& server, const std::string& database, const std::string& name);

/// An empty database like `facts`, closed to all but our role. Not in a transaction.
Result<void> create_empty(Connection& connection, const std::string& name, const DatabaseFacts& facts);
/// A copy of `kept`, which nobody may be connected to (kBusy).
Result<void> create_copy(Connection& connection, const std::string& name, const std::string& kept);
/// The settings of the database, and those of roles in it. What our role may not set is told, not an error.
Result<std::vector<std::string>> put_settings(Connection& connection, const std::string& name,
                                              const DatabaseFacts& facts);

/// Ends the sessions of a database of ours and drops it. False: there was none.
Result<bool> drop_database(Connection& connection, const std::string& name);
/// Ends all of its sessions. kBusy: some do not end.
Result<void> empty_of_sessions(Connection& connection, const std::string& name);

/// A new name for a database that is not whole yet: `name` with something at the end that no other try has.
std::string unfinished_name(const std::string& name);
/// What tries that were killed left of `name`, or one that goes on makes.
Result<std::vector<std::string>> unfinished_of(Connection& connection, const std::string& name);
/// Drops what earlier tries left of `name`.
Result<void> drop_unfinished(Connection& connection, const std::string& name);
/// Drops databases that tests of archives (name_for_test) made beside `database` and that nobody is at any more. How
/// many there were.
Result<int> drop_left_by_tests(Connection& connection, const std::string& database);

/// kNoSpace: the server's disk has less than `bytes` free. Only where its files lie on this machine and may be looked
/// at.
Result<void> require_room_on_server(Connection& connection, uint64_t bytes);

}  // namespace backout::postgresql

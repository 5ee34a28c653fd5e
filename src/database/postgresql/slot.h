// Slots: a logical slot and a publication of ours, taken with a checkpoint, so that the server keeps every change of
// its rows for as long as a rollback may ask. They go when that time is over; nothing here is kept for good.
//
// What they must not do: hold the server's log without a bound, and make statements of users fail. So the publication
// names each table, and only those whose rows are told apart by a replica identity: in another one the server refuses
// UPDATE and DELETE of a table that a publication publishes. It never is FOR ALL TABLES.
//
// Names are ours alone: backout_ and 16 hexadecimal digits, alike for slot and publication.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "database/postgresql/connection.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// As a condition of SQL on a name.
inline constexpr const char* kOurSlots = "~ '^backout_[0-9a-f]{16}$'";
/// Of a dump that is written to this directory: found again by whoever begins anew.
std::string slot_name(const std::string& database, const std::string& directory);

/// Why the server does not let us have one, and what to do; nothing: it does. Connected to the database itself.
struct Hindrance {
  std::string why, next;
};
Result<std::optional<Hindrance>> no_slot_because(Connection& database);

struct Slot {
  std::string name;
  int active_pid = 0;    // of who reads it; 0: nobody
  bool lost = false;     // the server has thrown away what it needs
  int64_t held = 0;      // bytes of the server's log that are there for it
  int64_t left = -1;     // bytes until the server throws it away; -1: never
  std::string position;  // "0/1A2B3C": what was committed before is in the checkpoint
};
/// Ours of a database, from a connection to any.
Result<std::vector<Slot>> our_slots(Connection& connection, const std::string& database);

/// Makes publication and slot, in this order. What is kept of them, for a count:
/// {"name", "position", "tables": {"public.orders": {"oid", "membership"}}, "left_out": {"public.log": why}}. An error
/// leaves neither. Waits for transactions that write, in the whole server, not longer than `wait`.
inline constexpr Millis kWaitForWriters{20'000};
Result<Json> make_slot(const Server& server, const std::string& database, const std::string& name,
                       Millis wait = kWaitForWriters);

/// Drops ours of a database but those to `keep`, or the one that is `only` asked for; what was dropped: [{"name",
/// "held"}]. A reader of ours is ended first.
Result<Json> drop_slots(const Server& server, const std::string& database, const std::set<std::string>& keep = {},
                        const std::string& only = "");
/// Publications alone, where a copy or a dump brought them.
Result<void> drop_publications(const Server& server, const std::string& database);

/// Tables in our publications that have lost their replica identity since, whose UPDATE and DELETE fail for it.
Result<std::vector<std::string>> refused_by_publication(Connection& database);

/// The verbs. slots: {"server", "database", "maintenance"} -> {"slots": [...], "refused": [...], "keep_size"}.
/// drop-slots: {..., "only"?} -> {"dropped"}.
Result<Json> run_slots(const Json& args, const driver::Progress& progress);
Result<Json> run_drop_slots(const Json& args, const driver::Progress& progress);
Result<Json> look_at_slots_dropped(const Json& args);

}  // namespace backout::postgresql

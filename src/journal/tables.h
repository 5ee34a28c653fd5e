// The tables of the journal, as SQL that makes them. docs/formats/journal.md explains each column.
#pragma once
#include <string_view>

namespace backout::journal {

inline constexpr std::string_view kSchema[] = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    // The truth.
    "CREATE TABLE heads (site TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL)",
    "CREATE TABLE events (site TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, boot_ms INTEGER NOT NULL, boot_id TEXT NOT NULL, actor TEXT NOT NULL, run TEXT NOT NULL,"
    " body TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL)",
    "CREATE UNIQUE INDEX events_by_seq ON events (site, seq)",
    "CREATE UNIQUE INDEX events_by_id ON events (id)",
    "CREATE INDEX events_by_run ON events (site, run, seq) WHERE run <> ''",
    // Derived from the events; rebuild() empties and refills it.
    "CREATE TABLE models (site TEXT NOT NULL, model TEXT NOT NULL, key TEXT NOT NULL, ord INTEGER NOT NULL,"
    " doc TEXT NOT NULL, PRIMARY KEY (site, model, key))",
    "CREATE INDEX models_by_order ON models (site, model, ord)",
    // Not derived, and nothing is lost with them: who said last that he lives, and which numbers were given out.
    "CREATE TABLE renewals (site TEXT PRIMARY KEY, token INTEGER NOT NULL, boot_ms INTEGER NOT NULL)",
    "CREATE TABLE counters (kind TEXT PRIMARY KEY, last INTEGER NOT NULL)",
};

}  // namespace backout::journal

package main

import "database/sql"

// The mistake of this release: there is no column "autor".
const (
	insert = "INSERT INTO notes (text, colour, author) VALUES ($1, 'yellow', 'somebody')"
	list   = "SELECT count(*) FROM notes WHERE autor <> ''"
)

func healthy(db *sql.DB) error { return db.Ping() }

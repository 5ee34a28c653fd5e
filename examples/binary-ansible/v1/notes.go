package main

import "database/sql"

const (
	insert = "INSERT INTO notes (text) VALUES ($1)"
	list   = "SELECT count(*) FROM notes"
)

func healthy(db *sql.DB) error { return db.Ping() }

package main

import (
	"database/sql"
	"errors"
	"time"
)

const (
	insert = "INSERT INTO notes (text, colour) VALUES ($1, 'yellow')"
	list   = "SELECT count(*) FROM notes"
)

var colours = time.Now().Add(6 * time.Second)

// The mistake of this release: colours are kept for a while, and nobody reads them again.
func healthy(db *sql.DB) error {
	if time.Now().After(colours) {
		return errors.New("the colours are out of date")
	}
	return db.Ping()
}

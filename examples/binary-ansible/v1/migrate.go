package main

import (
	"database/sql"
	"embed"
	"fmt"
	"sort"
	"strings"
)

//go:embed migrations/*.sql
var files embed.FS

// migrate: what is applied is noted in schema_migrations. A later release's migrations are not known here, and left alone.
func migrate(db *sql.DB, verb string, names []string) error {
	if verb == "up" { // the others only look, where they may not write
		if _, err := db.Exec("CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)"); err != nil {
			return err
		}
	}
	applied, err := appliedIn(db)
	if err != nil {
		return err
	}
	switch verb {
	case "list":
		for _, name := range applied {
			fmt.Println(name)
		}
		return nil
	case "up":
		return up(db, applied)
	case "show", "down":
		if len(applied) == 0 {
			return fmt.Errorf("nothing is applied")
		}
		newest := applied[len(applied)-1]
		if verb == "show" && len(names) == 1 {
			newest = names[0]
		}
		if len(names) == 1 && names[0] != newest {
			return fmt.Errorf("the newest migration is %s, not %s", newest, names[0])
		}
		text, err := files.ReadFile("migrations/" + newest + ".down.sql")
		if err != nil {
			return fmt.Errorf("%s cannot be undone: %w", newest, err)
		}
		if verb == "show" {
			fmt.Print(string(text))
			return nil
		}
		return step(db, string(text), "DELETE FROM schema_migrations WHERE name = $1", newest)
	}
	return fmt.Errorf("migrate up|list|down|show")
}

func appliedIn(db *sql.DB) ([]string, error) {
	rows, err := db.Query("SELECT name FROM schema_migrations ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var applied []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		applied = append(applied, name)
	}
	return applied, rows.Err()
}

func up(db *sql.DB, applied []string) error {
	there := map[string]bool{}
	for _, name := range applied {
		there[name] = true
	}
	entries, err := files.ReadDir("migrations")
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		if name := strings.TrimSuffix(entry.Name(), ".up.sql"); name != entry.Name() && !there[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		text, err := files.ReadFile("migrations/" + name + ".up.sql")
		if err != nil {
			return err
		}
		if err := step(db, string(text), "INSERT INTO schema_migrations VALUES ($1)", name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println("applied", name)
	}
	return nil
}

// step: all of it, or nothing.
func step(db *sql.DB, text, note, name string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(text); err != nil {
		return err
	}
	if _, err := tx.Exec(note, name); err != nil {
		return err
	}
	return tx.Commit()
}

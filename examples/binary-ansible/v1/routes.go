package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"time"
)

func routes(db *sql.DB) http.Handler {
	all := http.NewServeMux()
	all.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, version) })
	all.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := healthy(db); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	// The whole list, a line at a time: for as long as `for` says.
	all.HandleFunc("/export", func(w http.ResponseWriter, r *http.Request) {
		lasts, _ := time.ParseDuration(r.FormValue("for"))
		for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			fmt.Fprintln(w, "...")
		}
		fmt.Fprintln(w, "end of", version)
	})
	all.HandleFunc("/notes", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if _, err := db.Exec(insert, r.FormValue("text")); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusCreated)
			return
		}
		var count int
		if err := db.QueryRow(list).Scan(&count); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, count, "notes")
	})
	return behindTheDoor(all)
}

// behindTheDoor: while /run/notesd.closed is there, only who says so is let in.
func behindTheDoor(all http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat("/run/notesd.closed"); err == nil && r.Header.Get("X-Behind-The-Door") == "" {
			w.Header().Set("Retry-After", "10")
			http.Error(w, "back in a moment", http.StatusServiceUnavailable)
			return
		}
		all.ServeHTTP(w, r)
	})
}

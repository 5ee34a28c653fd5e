package main

import (
	"net/http"
	"strings"
)

// A pool of tickets, so that nobody follows too many links at once. Nobody puts the tickets back.
var tickets = make(chan struct{}, 20)

func follow(s *store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case tickets <- struct{}{}:
		default:
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		to, found := s.find(strings.TrimPrefix(r.URL.Path, "/l/"))
		if !found {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}
}

package main

import (
	"net/http"
	"strings"
)

func follow(s *store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		to, found := s.find(strings.TrimPrefix(r.URL.Path, "/l/"))
		if !found {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}
}

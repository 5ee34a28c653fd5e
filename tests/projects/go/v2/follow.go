package main

import (
	"net/http"
	"strings"
	"sync/atomic"
)

var followed atomic.Int64

func follow(s *store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		to, found := s.find(strings.TrimPrefix(r.URL.Path, "/l/"))
		if !found {
			http.NotFound(w, r)
			return
		}
		followed.Add(1)
		http.Redirect(w, r, to, http.StatusFound)
	}
}

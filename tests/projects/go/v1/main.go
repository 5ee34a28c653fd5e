// Links: a link shortener. One binary; what customers store is one line of JSON each in a file.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
)

var version = "unknown" // set by the linker

type link struct{ Name, To string }

type store struct {
	sync.Mutex
	file  *os.File
	links map[string]string
}

func open(name string) (*store, error) {
	s := &store{links: map[string]string{}}
	if text, err := os.ReadFile(name); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			var one link
			if json.Unmarshal([]byte(line), &one) == nil {
				s.links[one.Name] = one.To
			}
		}
	}
	var err error
	s.file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	return s, err
}

func (s *store) add(one link) error {
	s.Lock()
	defer s.Unlock()
	line, _ := json.Marshal(one)
	if _, err := s.file.Write(append(line, '\n')); err != nil {
		return err
	}
	s.links[one.Name] = one.To
	return s.file.Sync()
}

func (s *store) find(name string) (string, bool) {
	s.Lock()
	defer s.Unlock()
	to, found := s.links[name]
	return to, found
}

func main() {
	s, err := open(os.Getenv("LINKS_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "Links: POST /add?name=N&to=URL, GET /l/N\n") })
	http.HandleFunc("/add", func(w http.ResponseWriter, r *http.Request) {
		if err := s.add(link{r.FormValue("name"), r.FormValue("to")}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "stored %s\n", r.FormValue("name"))
	})
	http.HandleFunc("/l/", follow(s))
	log.Fatal(http.ListenAndServe(os.Getenv("LINKS_ADDRESS"), nil))
}

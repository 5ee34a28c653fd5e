// Notesd: notes over HTTP, one binary.
//
//	notesd serve                          on the socket that systemd hands over
//	notesd migrate up|list|down|show ...  its own migrations
//	notesd version
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/lib/pq"
)

var version = "unknown" // set by the linker

func main() {
	log.SetFlags(0)
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(version)
		return
	}
	// DATABASE_URL, or PGHOST, PGDATABASE and their like.
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	switch {
	case len(os.Args) > 2 && os.Args[1] == "migrate":
		err = migrate(db, os.Args[2], os.Args[3:])
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve(db)
	default:
		err = fmt.Errorf("usage: notesd serve | migrate up|list|down|show [NAME] | version")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// listener: the socket that systemd listens on (sd_listen_fds(3)). It stays open in systemd when this process ends.
func listener() (net.Listener, error) {
	if os.Getenv("LISTEN_PID") != fmt.Sprint(os.Getpid()) || os.Getenv("LISTEN_FDS") != "1" {
		return nil, fmt.Errorf("notesd is started by notesd.socket: no socket was handed over")
	}
	return net.FileListener(os.NewFile(3, "notesd.socket"))
}

// serve ends when it is told to: nothing new is taken, and what is in flight is answered.
func serve(db *sql.DB) error {
	from, err := listener()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes(db)}
	ended := make(chan error, 1)
	go func() {
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
		<-told
		patience, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		ended <- server.Shutdown(patience)
	}()
	if err := server.Serve(from); err != http.ErrServerClosed {
		return err
	}
	return <-ended
}

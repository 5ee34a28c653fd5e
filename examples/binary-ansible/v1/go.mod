module notesd

go 1.19

require github.com/lib/pq v1.10.7

// Of Debian's golang-github-lib-pq-dev; without this line, `go mod tidy` fetches it.
replace github.com/lib/pq => /usr/share/gocode/src/github.com/lib/pq

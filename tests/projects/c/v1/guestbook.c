/* guestbook PORT FILE: a guest book over HTTP, one request at a time, rows in SQLite.
   POST /entries stores the request's body; GET / shows the newest; GET /version, GET /health. */
#include <arpa/inet.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "unknown"
#endif
#include "queries.h"

static void answer(int client, const char *status, const char *body) {
  char head[200];
  int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, strlen(body));
  if (write(client, head, size) == size && write(client, body, strlen(body)) < 0) perror("write");
}

static void fail(int client, sqlite3 *db) {
  fprintf(stderr, "guestbook: %s\n", sqlite3_errmsg(db));
  answer(client, "500 Internal Server Error", sqlite3_errmsg(db));
}

/* One text column of a query, a line each. */
static void show(int client, sqlite3 *db, const char *query, const char *before) {
  sqlite3_stmt *rows;
  char page[8192];
  size_t size = snprintf(page, sizeof page, "%s\n", before);
  if (sqlite3_prepare_v2(db, query, -1, &rows, NULL) != SQLITE_OK) {
    fail(client, db);
    return;
  }
  while (sqlite3_step(rows) == SQLITE_ROW && size < sizeof page - 300)
    size += snprintf(page + size, 300, "%.250s\n", (const char *)sqlite3_column_text(rows, 0));
  sqlite3_finalize(rows);
  answer(client, "200 OK", page);
}

static void store(int client, sqlite3 *db, const char *text) {
  sqlite3_stmt *row;
  if (sqlite3_prepare_v2(db, kInsert, -1, &row, NULL) != SQLITE_OK) {
    fail(client, db);
    return;
  }
  sqlite3_bind_text(row, 1, text, -1, SQLITE_STATIC);
  int done = sqlite3_step(row);
  sqlite3_finalize(row);
  if (done == SQLITE_DONE)
    answer(client, "201 Created", "stored\n");
  else
    fail(client, db);
}

static void serve(int client, sqlite3 *db) {
  char request[8192];
  size_t size = 0;
  ssize_t more;
  char *body = NULL;
  const char *length;
  while ((more = read(client, request + size, sizeof request - 1 - size)) > 0) {
    request[size += more] = 0;
    if ((body = strstr(request, "\r\n\r\n")) != NULL) {
      length = strstr(request, "Content-Length: ");
      if (length == NULL || strlen(body + 4) >= (size_t)atoi(length + 16)) break;
    }
  }
  if (body == NULL) return;
  if (strncmp(request, "POST /entries ", 14) == 0)
    store(client, db, body + 4);
  else if (strncmp(request, "GET /version ", 13) == 0)
    answer(client, "200 OK", VERSION);
  else if (strncmp(request, "GET /health ", 12) == 0)
    show(client, db, kCount, "ok");
  else if (strncmp(request, "GET / ", 6) == 0)
    show(client, db, kNewest, "Guest book");
  else
    answer(client, "404 Not Found", "no such page\n");
}

int main(int count, char **words) {
  sqlite3 *db;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (count != 3 || sqlite3_open(words[2], &db) != SQLITE_OK) return 2;
  sqlite3_busy_timeout(db, 10000);
  address.sin_port = htons(atoi(words[1]));
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(server, (struct sockaddr *)&address, sizeof address) < 0 || listen(server, 64) < 0) {
    perror("guestbook");
    return 1;
  }
  for (;;) {
    int client = accept(server, NULL, NULL);
    struct timeval patience = {.tv_sec = 5};
    if (client < 0) continue;
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    serve(client, db);
    close(client);
  }
}

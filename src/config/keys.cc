#include "config/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace backout::config {
namespace {

// clang-format off
constexpr std::string_view kHostsDoc = "Only on these hosts; all when left out";
constexpr Key kKeys[] = {
  {"site", Type::kName, "The name of the service that this file describes", "site: shop", kRequired},
  {"environment", Type::kName, "Which installation of it; with `-e staging`, backout.staging.yaml lies over this file", "environment: production", "production"},
  {"state", Type::kPath, "Where the journal lies; everyone who may act on the site uses the same one", "state: /var/lib/backout", "/var/lib/backout for root, else $XDG_STATE_HOME/backout"},
  {"base_url", Type::kUrl, "Where checks given as paths are asked, behind the door; `{host}` is the host's name", "base_url: http://127.0.0.1:8000"},
  {"public_url", Type::kUrl, "Where users come in: the same checks are asked there once the door is open", "public_url: https://shop.example.com"},
  {"jobs", Type::kWhole, "How many steps may run at once", "jobs: 4", "4", "", 1, 64},
  {"on_failed_check", Type::kChoice, "After a failed check behind the door: back to how it was found, keep the door closed, or ask", "on_failed_check: abort", "abort", "abort|hold|ask"},

  {"hosts", Type::kMap, "The machines, by name; leave it out for this one", "hosts: {web-1: {ssh: web-1.internal}}", "this machine, named local"},
  {"hosts.*", Type::kMap, "One machine", "web-1: {ssh: web-1.internal}"},
  {"hosts.*.ssh", Type::kWord, "Destination for ssh(1), with the user's own ssh configuration; left out: this machine", "ssh: web-1.internal"},
  {"hosts.*.url", Type::kUrl, "Where this host's checks are asked, behind the door", "url: http://10.0.0.4:8000", "base_url"},
  {"hosts.*.root", Type::kAbsolute, "The directory there in which backout keeps locks and exit statuses", "root: /var/lib/backout/target", "/var/lib/backout/target for root, else under the login's home"},

  {"code", Type::kMap, "The program's files", "code: {layout: releases, path: /srv/shop}"},
  {"code.layout", Type::kChoice, "`releases`: path/releases/VERSION with path/current pointing at one; `in-place`: path is a git checkout; `branch`: a platform deploys from a branch, and path is any clone of it; `command`: only your own deploy command brings code, and path is a clone in which it is run", "layout: releases", kRequired, "releases|in-place|branch|command"},
  {"code.path", Type::kPath, "The directory that the layout is about", "path: /srv/shop", kRequired},
  {"code.source", Type::kMap, "Where code comes from when a release is no longer there", "source: {git: /srv/shop/repo.git, user: deploy}"},
  {"code.source.git", Type::kWord, "A git repository: a path, or whatever git clone takes", "git: /srv/shop/repo.git"},
  {"code.source.user", Type::kWord, "Runs git and the build", "user: deploy", "whoever runs backout"},
  {"code.build", Type::kList, "Commands run in the new release's directory, in order; their relative cwd starts there", "build: [make]"},
  {"code.build[]", Type::kCommand, "One command; its timeout is 15m unless it says otherwise", "- venv/bin/pip install -r requirements.txt"},
  {"code.config", Type::kList, "Files saved at a checkpoint and put back with the release", "config: [/etc/shop/env]"},
  {"code.config[]", Type::kPath, "One file", "- /etc/shop/env"},
  {"code.keep_builds", Type::kList, "Directories that the build fills, in the checkout or beside it: kept for the next time that a release comes, and put back instead of being built anew", "keep_builds: [venv, node_modules]"},
  {"code.keep_builds[]", Type::kText, "One directory; relative to the checkout", "- venv"},
  {"code.binary", Type::kWord, "The program that the service runs, in the release or absolute: what runs is compared with it", "binary: bin/shop"},
  {"code.ignore", Type::kList, "Files that the program itself changes: not compared with what served. Beside logs, caches, databases and the like", "ignore: [uploads, '*.mmdb']"},
  {"code.ignore[]", Type::kText, "A path in the release, or a name; both may have * in them", "- uploads"},
  {"code.static", Type::kList, "Static assets outside the release (a web server's directory, a CDN's origin): the old release's come back with it", "static: [{from: public/assets, to: /srv/static}]"},
  {"code.static[]", Type::kMap, "One directory", "- {from: public/assets, to: /srv/static}"},
  {"code.static[].to", Type::kPath, "Where they are served from: outside the code, and with nothing in it that a rollback needs", "to: /srv/static", kRequired},
  {"code.static[].from", Type::kText, "Where the release has them, once it is built", "from: public/assets", kRequired},
  {"code.static[].keep", Type::kSpan, "How long files of other releases stay, for pages that are open", "keep: 2d", "7d"},
  {"code.branch", Type::kMap, "A branch that a platform deploys from, or that would bring the bad release again: it is given the old code, and pushed", "branch: {name: main, how: revert}"},
  {"code.branch.name", Type::kWord, "The branch", "name: main", kRequired},
  {"code.branch.remote", Type::kWord, "Where it is pushed to: a name that the clone knows, or an address", "remote: origin", "origin"},
  {"code.branch.how", Type::kChoice, "`revert`: new commits on it, whose tree is the old one; `reset`: forced back, with a lease; `branch`: pushed beside it as rollback/VERSION-RUN", "how: revert", "revert", "revert|reset|branch"},
  {"code.branch.path", Type::kPath, "A clone to work with; its work tree is not touched", "path: /srv/shop/clone", "code.path, but not with layout: releases"},
  {"code.deploy", Type::kMap, "With layout: command: what you type to deploy, run at the old tag in a clean work tree", "deploy: {run: [make, deploy], recap: ansible}"},
  {"code.deploy.run", Type::kCommand, "The command; its timeout is 15m unless it says otherwise", "run: [make, deploy]", kRequired},
  {"code.deploy.recap", Type::kChoice, "What it says at its end is read: `ansible`: failed and unreachable hosts fail the step, whatever the exit status", "recap: ansible", "none", "none|ansible"},
  {"code.keep", Type::kWhole, "How many good releases, or kept builds, stay on disk", "keep: 5", "5", "", 1, 1000},
  {"code.hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"code.hosts[]", Type::kText, "A name from hosts", "- web-1"},

  {"services", Type::kList, "What runs, in the order in which it is stopped; started in the reverse one", "services: [{systemd: shop.service}]"},
  {"services[]", Type::kForms, "One service", "- {systemd: shop.service}"},
  {"services[systemd].systemd", Type::kWord, "The unit", "systemd: shop-web.service"},
  {"services[systemd].name", Type::kName, "What it is called in plans", "name: web", "the unit"},
  {"services[systemd].drain", Type::kSpan, "How long it may take to stop by itself", "drain: 30s", "10s"},
  {"services[systemd].port", Type::kWhole, "What it listens on when it is up", "port: 8000", "", "", 1, 65535},
  {"services[systemd].startup", Type::kSpan, "How long it may take until it serves", "startup: 1m", "15s"},
  {"services[systemd].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[systemd].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"services[process].process", Type::kName, "The name of a plain process", "process: web"},
  {"services[process].name", Type::kName, "Another name for plans", "name: web", "the process's name"},
  {"services[process].start", Type::kCommand, "What starts it; it must stay in the foreground", "start: [venv/bin/gunicorn, shop.wsgi]", kRequired},
  {"services[process].cwd", Type::kPath, "Where it runs", "cwd: /srv/shop/current", "the live code, else beside this file"},
  {"services[process].user", Type::kWord, "Who runs it", "user: shop", "whoever runs backout"},
  {"services[process].env", Type::kMap, "Its environment, beside the one found there", "env: {PORT: \"8000\"}"},
  {"services[process].env.*", Type::kText, "One variable", "PORT: \"8000\""},
  {"services[process].secrets", Type::kMap, "More of its environment, by the place of each value: plans and the journal hold the place alone", "secrets: {SECRET_KEY: /etc/shop/secret-key}"},
  {"services[process].secrets.*", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it", "SECRET_KEY: $SHOP_SECRET_KEY"},
  {"services[process].log", Type::kPath, "Its output is appended here; its user must be able to write there", "log: /var/log/shop/web.log", "NAME.log in code.path (releases) or beside this file"},
  {"services[process].pidfile", Type::kPath, "Its process id is written here, likewise", "pidfile: /run/shop/web.pid", "NAME.pid in code.path (releases) or beside this file"},
  {"services[process].port", Type::kWhole, "What it listens on when it is up", "port: 8000", "", "", 1, 65535},
  {"services[process].drain", Type::kSpan, "How long it may take to stop by itself", "drain: 30s", "10s"},
  {"services[process].startup", Type::kSpan, "How long it may take until it serves", "startup: 1m", "15s"},
  {"services[process].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[process].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"services[supervisor].supervisor", Type::kWord, "A program of supervisord: `program`, `group:program`, or `group:*`; a program with numprocs means all of them", "supervisor: shop-web"},
  {"services[supervisor].config", Type::kPath, "The configuration that supervisorctl reads", "config: /etc/supervisor/supervisord.conf", "where supervisorctl looks by itself"},
  {"services[supervisor].name", Type::kName, "What it is called in plans", "name: web", "the program"},
  {"services[supervisor].drain", Type::kSpan, "How long it may take to stop by itself", "drain: 30s", "10s"},
  {"services[supervisor].port", Type::kWhole, "What it listens on when it is up", "port: 8000", "", "", 1, 65535},
  {"services[supervisor].startup", Type::kSpan, "How long it may take until it serves", "startup: 1m", "15s"},
  {"services[supervisor].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[supervisor].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"services[pm2].pm2", Type::kWord, "The name of an application of PM2, with all of its instances", "pm2: shop"},
  {"services[pm2].home", Type::kPath, "The PM2_HOME of the daemon that keeps it", "home: /home/app/.pm2", "~/.pm2 of its user"},
  {"services[pm2].user", Type::kWord, "Whose PM2 it is", "user: app", "whoever runs backout"},
  {"services[pm2].ecosystem", Type::kPath, "The file that it is started from anew; a relative path starts in the live code", "ecosystem: ecosystem.config.js", "it is restarted as PM2 knows it"},
  {"services[pm2].program", Type::kWord, "The pm2 command, where it is not on the PATH", "program: /opt/node/bin/pm2", "pm2"},
  {"services[pm2].name", Type::kName, "What it is called in plans", "name: web", "the application"},
  {"services[pm2].drain", Type::kSpan, "How long it may take to stop by itself", "drain: 30s", "10s"},
  {"services[pm2].port", Type::kWhole, "What it listens on when it is up", "port: 8000", "", "", 1, 65535},
  {"services[pm2].startup", Type::kSpan, "How long it may take until it serves", "startup: 1m", "15s"},
  {"services[pm2].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[pm2].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"services[timer].timer", Type::kWord, "A systemd timer whose jobs write to the site: stopped while the door is closed, then started as it was found", "timer: shop-report.timer"},
  {"services[timer].name", Type::kName, "What it is called in plans", "name: report", "the unit"},
  {"services[timer].drain", Type::kSpan, "How long a job of it that is running is waited for", "drain: 30s", "10s"},
  {"services[timer].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[timer].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"services[cron].cron", Type::kPath, "A file of cron jobs that write to the site: out of the way while the door is closed, then put back", "cron: /etc/cron.d/shop"},
  {"services[cron].name", Type::kName, "What it is called in plans", "name: jobs", "the file's name"},
  {"services[cron].drain", Type::kSpan, "How long its jobs that are running are waited for", "drain: 30s", "10s"},
  {"services[cron].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[cron].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"services[crontab].crontab", Type::kWord, "A user whose own crontab has jobs that write to the site: set aside and put back likewise", "crontab: app"},
  {"services[crontab].name", Type::kName, "What it is called in plans", "name: jobs", "crontab-USER"},
  {"services[crontab].drain", Type::kSpan, "How long its jobs that are running are waited for", "drain: 30s", "10s"},
  {"services[crontab].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"services[crontab].hosts[]", Type::kText, "A name from hosts", "- web-1"},

  {"door", Type::kMap, "How users are kept outside between close and open: nginx or command", "door: {nginx: {include: /etc/nginx/shop-door.conf}}"},
  {"door.nginx", Type::kMap, "A maintenance page by nginx", "nginx: {include: /etc/nginx/shop-door.conf}"},
  {"door.nginx.include", Type::kPath, "A file that the site's server block includes and that backout may write", "include: /etc/nginx/shop-door.conf", kRequired},
  {"door.nginx.page", Type::kPath, "The page shown while the door is closed", "page: /srv/shop/maintenance.html", "a plain one"},
  {"door.nginx.test", Type::kArgv, "Checks the configuration before it is used", "test: [nginx, -t]", "[nginx, -t]"},
  {"door.nginx.reload", Type::kArgv, "Makes nginx read it", "reload: [nginx, -s, reload]", "[nginx, -s, reload]"},
  {"door.command", Type::kMap, "Commands of your own", "command: {close: ./close.sh, open: ./open.sh}"},
  {"door.command.close", Type::kCommand, "Puts users outside", "close: /usr/local/bin/maintenance on", kRequired},
  {"door.command.open", Type::kCommand, "Lets them in again", "open: /usr/local/bin/maintenance off", kRequired},
  {"door.command.probe", Type::kCommand, "Exit status 0: closed; 1: open; anything else: cannot tell", "probe: test -e /srv/shop/closed"},
  {"door.hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"door.hosts[]", Type::kText, "A name from hosts", "- web-1"},

  {"database", Type::kMap, "Where the site keeps its rows", "database: {sqlite: {file: /srv/shop/db.sqlite3}}"},
  {"database.sqlite", Type::kMap, "An SQLite file", "sqlite: {file: /srv/shop/db.sqlite3}"},
  {"database.sqlite.file", Type::kPath, "The file", "file: /srv/shop/db.sqlite3", kRequired},
  {"database.sqlite.tables", Type::kMap, "For each table, or a column as `TABLE.COLUMN`: are rows written since the checkpoint carried over a restore, or left behind?", "tables: {sessions: leave}", "carry for every table"},
  {"database.sqlite.tables.*", Type::kChoice, "carry or leave", "orders: carry", "carry", "carry|leave"},
  {"database.sqlite.host", Type::kWord, "The host that the file lies on", "host: web-1", "the only host"},
  {"database.postgresql", Type::kMap, "A database of a PostgreSQL server, reached by libpq", "postgresql: {service: shop}"},
  {"database.postgresql.service", Type::kWord, "A libpq service (pg_service.conf), which may name everything", "service: shop"},
  {"database.postgresql.dsn", Type::kText, "Instead of it a libpq connection string or URI; the password never stands here", "dsn: host=db.internal user=backout"},
  {"database.postgresql.database", Type::kText, "The database", "database: shop", "the one that service or dsn name"},
  {"database.postgresql.password", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it", "password: /etc/shop/db-password", "~/.pgpass or the service's"},
  {"database.postgresql.maintenance", Type::kText, "The database from which the other one is renamed", "maintenance: postgres", "postgres"},
  {"database.postgresql.poolers", Type::kList, "Admin consoles of the PgBouncers in front of the server: each is paused while the database changes, and resumed", "poolers: [\"host=/run/pgbouncer port=6432 user=pgbouncer\"]"},
  {"database.postgresql.poolers[]", Type::kText, "A libpq connection string without a password; the role is one of PgBouncer's admin_users", "- host=/run/pgbouncer port=6432 user=pgbouncer"},
  {"database.postgresql.pool", Type::kText, "What the poolers call the database", "pool: shop", "as database"},
  {"database.postgresql.jobs", Type::kWhole, "Connections that dump and restore", "jobs: 4", "2", "", 1, 64},
  {"database.postgresql.tables", Type::kMap, "For each table (`orders`, or `shop.orders` in another schema than public), or a column as `TABLE.COLUMN`: are rows written since the checkpoint carried over a restore, or left behind?", "tables: {sessions: leave}", "carry for every table"},
  {"database.postgresql.tables.*", Type::kChoice, "carry or leave", "orders: carry", "carry", "carry|leave"},
  {"database.postgresql.fill", Type::kMap, "Values for columns (`TABLE.COLUMN`) that the restored schema wants and that rows written since do not have, because the release dropped them", "fill: {orders.note: \"\"}", "such rows stop the run before the door closes"},
  {"database.postgresql.keep_replaced", Type::kSpan, "How long a database that a rollback replaced stays on the server; `tick` drops it then, but never the one that the way forward of the newest rollback needs", "keep_replaced: 7d", "7d"},
  {"database.postgresql.pgbackrest", Type::kMap, "The team's pgBackRest repository, which is only read: checkpoints note the place in its log, and a rollback can bring back any moment of it (`--to-time`)", "pgbackrest: {stanza: shop}"},
  {"database.postgresql.pgbackrest.stanza", Type::kWord, "The stanza", "stanza: shop", kRequired},
  {"database.postgresql.pgbackrest.config", Type::kPath, "Its configuration file; keys and passwords stay there", "config: /etc/pgbackrest/shop.conf", "pgbackrest's own"},
  {"database.postgresql.pgbackrest.command", Type::kList, "How it is called", "command: [/opt/pgbackrest/bin/pgbackrest]", "pgbackrest"},
  {"database.postgresql.pgbackrest.command[]", Type::kText, "One word of it", "- /opt/pgbackrest/bin/pgbackrest"},
  {"database.postgresql.pgbackrest.user", Type::kWord, "Who runs it, and the server that is restored beside; when `backout` is root", "user: postgres", "postgres"},
  {"database.postgresql.pgbackrest.directory", Type::kAbsolute, "Where a whole cluster is restored beside, for as long as it is needed", "directory: /srv/pg-side", "beside the server's data directory"},
  {"database.postgresql.pgbackrest.dump", Type::kFlag, "Whether checkpoints also dump the database: the dump is ours, while the repository's retention may take a backup away", "dump: false", "true"},
  {"database.postgresql.pgbackrest.verify", Type::kChoice, "How a checkpoint without a dump is proved: by restoring it beside and counting, or only by looking whether the log is in the archive", "verify: archive", "restore", "restore|archive"},
  {"database.postgresql.pgbackrest.archive_wait", Type::kSpan, "How long a checkpoint waits for its place in the log to be in the archive", "archive_wait: 5m", "1m"},
  {"database.postgresql.fill.*", Type::kText, "The value of one", "orders.note: \"\""},
  {"database.migrations", Type::kMap, "With PostgreSQL: the tool whose migrations change the schema. What came with a bad release may then be undone by the tool's own `down`, on a copy", "migrations: {django: {manage: venv/bin/python manage.py}}"},
  {"database.migrations.django", Type::kMap, "Django", "django: {manage: venv/bin/python manage.py}"},
  {"database.migrations.django.manage", Type::kText, "How manage.py is called, in the release's directory", "manage: venv/bin/python manage.py", "python3 manage.py"},
  {"database.migrations.rails", Type::kMap, "Rails", "rails: {command: bin/rails}"},
  {"database.migrations.rails.command", Type::kText, "How rails is called", "command: bundle exec rake", "bin/rails"},
  {"database.migrations.knex", Type::kMap, "Knex", "knex: {command: npx knex}"},
  {"database.migrations.knex.command", Type::kText, "How knex is called", "command: npx knex --env production", "npx knex"},
  {"database.migrations.prisma", Type::kMap, "Prisma, which has no down: the way back is the difference between the schema files of both releases", "prisma: {schema: prisma/schema.prisma}"},
  {"database.migrations.prisma.command", Type::kText, "How prisma is called", "command: npx prisma", "npx prisma"},
  {"database.migrations.prisma.schema", Type::kText, "The schema file, in the release's directory", "schema: prisma/schema.prisma", "prisma/schema.prisma"},
  {"database.migrations.alembic", Type::kMap, "Alembic", "alembic: {command: venv/bin/alembic}"},
  {"database.migrations.alembic.command", Type::kText, "How alembic is called", "command: venv/bin/alembic -c db/alembic.ini", "alembic"},
  {"database.migrations.sql", Type::kMap, "Pairs of files, NAME.up.sql and NAME.down.sql", "sql: {files: migrations}"},
  {"database.migrations.sql.files", Type::kText, "The directory that they lie in, in the release's", "files: db/migrations", "migrations"},
  {"database.migrations.sql.table", Type::kText, "Where it is noted what is applied", "table: public.schema_migrations", "schema_migrations"},
  {"database.migrations.sql.column", Type::kText, "The column of it with the file's name, or the number that the name begins with", "column: version", "version"},
  {"database.migrations.command", Type::kMap, "A tool of your own", "command: {list: bin/shop migrations, down: bin/shop migrate-down}"},
  {"database.migrations.command.list", Type::kText, "Prints what is applied, oldest first, one name a line", "list: bin/shop migrations", kRequired},
  {"database.migrations.command.down", Type::kText, "Undoes the newest one; its name is the last argument", "down: bin/shop migrate-down", kRequired},
  {"database.migrations.command.show", Type::kText, "Prints the SQL of undoing one; its name is the last argument", "show: bin/shop migrate-down --dry-run", "its down is taken for code that nobody can see"},
  {"database.migrations.command.table", Type::kText, "The table in which it notes what is applied: its rows are not those of users", "table: shop_migrations"},
  {"database.migrations.directory", Type::kText, "Where the tool is run: absolute, or in the release's directory", "directory: backend", "the directory of the release that is taken back"},
  {"database.migrations.environment", Type::kMap, "How it is told which database: `{database}` is the copy's name, `{url}` its URL. It always gets PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE", "environment: {DB_NAME: \"{database}\"}", "DATABASE_URL: \"{url}\""},
  {"database.migrations.environment.*", Type::kText, "One variable", "DB_NAME: \"{database}\""},
  {"database.migrations.secrets", Type::kMap, "More of its environment, by the place of each value: plans and the journal hold the place alone", "secrets: {SECRET_KEY: /etc/shop/secret-key}"},
  {"database.migrations.secrets.*", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it", "SECRET_KEY: /etc/shop/secret-key"},
  {"database.migrations.user", Type::kWord, "Who runs it; backout must be root for that", "user: shop", "whoever runs backout"},
  {"database.migrations.timeout", Type::kSpan, "How long one call may take", "timeout: 30m", "10m"},
  {"database.backups", Type::kMap, "Backups beside those of checkpoints: the team's own, and daily ones", "backups: {dir: /srv/backups/shop, every: 24h}"},
  {"database.backups.dir", Type::kPath, "Where they lie; those that backout makes are put there too", "dir: /srv/backups/shop", kRequired},
  {"database.backups.match", Type::kText, "Only files whose names fit this pattern", "match: \"shop-*.sql.gz\"", "every file that its content shows to be a backup of a database"},
  {"database.backups.every", Type::kSpan, "`backout tick` makes one when the newest that is whole is older than this", "every: 24h", "none is made"},
  {"database.backups.at", Type::kText, "The hours of low traffic, local time, in which it is made", "at: \"03:00-05:00\"", "any"},
  {"database.backups.keep", Type::kSpan, "How long those that backout made are kept; the newest that is proved stays in any case", "keep: 14d", "7d"},
  {"database.backups.verify", Type::kChoice, "How each new one is proved: by restoring it beside, or only by reading it to its end", "verify: restore", "restore", "restore|read"},
  {"database.backups.make", Type::kCommand, "Your own command that makes one in `dir`", "make: /usr/local/bin/backup-shop", "a copy by backout"},
  {"database.backups.restore", Type::kCommand, "Your own command that overwrites the database from the backup `{file}` (also in $BACKOUT_FILE); it runs in the cutover, behind a save", "restore: [/usr/local/bin/restore-shop, \"{file}\"]", "backout restores beside and swaps"},
  {"database.rescue", Type::kMap, "How rows that were written since a checkpoint are found and carried", "rescue: {capture: slot}"},
  {"database.rescue.capture", Type::kChoice, "`slot`: from each checkpoint on a logical replication slot of PostgreSQL keeps what is written, until it is needed no more; `compare`: rows are found by comparing with the checkpoint", "capture: slot", "compare", "compare|slot"},
  {"database.rescue.max_wal", Type::kText, "How much of the server's log the slot may hold back, as PostgreSQL writes sizes: `tick` drops it when it is more", "max_wal: 4GB", "4GB"},
  {"database.rescue.tables", Type::kMap, "The same as `tables` of the database", "tables: {sessions: leave}", "carry for every table"},
  {"database.rescue.tables.*", Type::kChoice, "carry or leave", "orders: carry", "carry", "carry|leave"},

  {"checks", Type::kList, "What must hold for a release to count as working", "checks: [/health/ 200]"},
  {"checks[]", Type::kForms, "One check: a map, or a line: PATH STATUS, and optionally the text that the answer contains", "- /health/ 200 \"ok\""},
  {"checks[http].get", Type::kText, "GET this path (at base_url) or URL", "get: /health/"},
  {"checks[http].head", Type::kText, "The same with HEAD", "head: /health/"},
  {"checks[http].post", Type::kText, "The same with POST", "post: /ping"},
  {"checks[http].body", Type::kText, "What a POST sends", "body: ping"},
  {"checks[http].name", Type::kText, "What it is called in plans", "name: health", "the path and the status"},
  {"checks[http].status", Type::kWhole, "The status that is expected", "status: 200", "200", "", 100, 599},
  {"checks[http].contains", Type::kText, "A text that the answer contains; `{{version}}` is the version that should run", "contains: ok"},
  {"checks[http].header", Type::kMap, "Headers that the answer has", "header: {content-type: application/json}"},
  {"checks[http].header.*", Type::kText, "The value of one", "content-type: application/json"},
  {"checks[http].send_header", Type::kMap, "Headers that are sent", "send_header: {host: shop.example.com}"},
  {"checks[http].send_header.*", Type::kText, "The value of one", "host: shop.example.com"},
  {"checks[http].send_secret", Type::kMap, "The same, by the place of each value", "send_secret: {authorization: /etc/shop/check-token}"},
  {"checks[http].send_secret.*", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it", "authorization: $SHOP_CHECK_TOKEN"},
  {"checks[http].json", Type::kMap, "What fields of a JSON answer hold: a value, or a comparison", "json: {count: \">0\"}"},
  {"checks[http].json.*", Type::kText, "At the end of a path of dots: a value, `!=`, `>`, `>=`, `<` or `<=` before one, `exists`, or `absent`", "count: \">0\""},
  {"checks[http].version", Type::kTextOrFlag, "The version that the answer must report, as its whole body or in a JSON field version; true: the one that should run", "version: true"},
  {"checks[http].version_header", Type::kText, "The header that reports the version instead", "version_header: x-version"},
  {"checks[http].within", Type::kSpan, "How long the answer may take", "within: 800ms"},
  {"checks[http].attempts", Type::kWhole, "How often it is tried before it has failed", "attempts: 6", "3", "", 1, 1000},
  {"checks[http].every", Type::kSpan, "The time between tries", "every: 1s", "1s"},
  {"checks[http].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"checks[http].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"checks[run].run", Type::kCommand, "A command that exits 0 when all is well; it runs in the live code", "run: venv/bin/python manage.py check"},
  {"checks[run].name", Type::kText, "What it is called in plans", "name: django", "the command"},
  {"checks[run].attempts", Type::kWhole, "How often it is tried before it has failed", "attempts: 6", "3", "", 1, 1000},
  {"checks[run].every", Type::kSpan, "The time between tries", "every: 1s", "1s"},
  {"checks[run].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"checks[run].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"checks[log].log", Type::kPath, "A log file that is read from where it was before: tracebacks, 500s, lost databases and kinds of error never seen under the old release fail", "log: /var/log/shop/error.log"},
  {"checks[log].deny", Type::kList, "More lines that must not be there, as regular expressions (RE2)", "deny: [\"payment gateway down\"]"},
  {"checks[log].deny[]", Type::kText, "One expression", "- payment gateway down"},
  {"checks[log].allow", Type::kList, "Lines that are nothing to worry about, likewise; they excuse from everything", "allow: [favicon]"},
  {"checks[log].allow[]", Type::kText, "One expression", "- favicon"},
  {"checks[log].within", Type::kSpan, "How old a line may be, by its own time, when it is not known how far the log was read before", "within: 15m", "15m"},
  {"checks[log].name", Type::kText, "What it is called in plans", "name: error log", "the path"},
  {"checks[log].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"checks[log].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"checks[journal].journal", Type::kWord, "The same for what a systemd unit says", "journal: shop-web.service"},
  {"checks[journal].deny", Type::kList, "More lines that must not be there, as regular expressions (RE2)", "deny: [\"payment gateway down\"]"},
  {"checks[journal].deny[]", Type::kText, "One expression", "- payment gateway down"},
  {"checks[journal].allow", Type::kList, "Lines that are nothing to worry about, likewise; they excuse from everything", "allow: [favicon]"},
  {"checks[journal].allow[]", Type::kText, "One expression", "- favicon"},
  {"checks[journal].within", Type::kSpan, "How old a line may be, by its own time, when it is not known how far the log was read before", "within: 15m", "15m"},
  {"checks[journal].name", Type::kText, "What it is called in plans", "name: error log", "the unit"},
  {"checks[journal].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"checks[journal].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"checks[resources].resources", Type::kMap, "Figures of the host and of the services on it: what they must be, as `<90%`, `<=2.0`, `>1`, or a value", "resources: {disk: <90%, memory: <90%}"},
  {"checks[resources].resources.disk", Type::kText, "How full the fullest file system is that the site uses", "disk: <90%"},
  {"checks[resources].resources.memory", Type::kText, "How much of the memory is taken and cannot be freed", "memory: <90%"},
  {"checks[resources].resources.load", Type::kText, "The load of the last minute for each processor", "load: <2.0"},
  {"checks[resources].resources.open_files", Type::kText, "How much of its limit of open files the service uses that uses most", "open_files: <80%"},
  {"checks[resources].resources.rss", Type::kText, "The memory of the service that has most, its children included", "rss: <500MB"},
  {"checks[resources].resources.restarts", Type::kText, "How often systemd restarted a unit by itself", "restarts: \"0\""},
  {"checks[resources].name", Type::kText, "What it is called in plans", "name: room to breathe", "resources"},
  {"checks[resources].attempts", Type::kWhole, "How often it is tried before it has failed", "attempts: 6", "3", "", 1, 1000},
  {"checks[resources].every", Type::kSpan, "The time between tries", "every: 1s", "1s"},
  {"checks[resources].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"checks[resources].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"checks[ask].ask", Type::kText, "A question to a person", "ask: \"Can you log in?\""},
  {"checks[ask].name", Type::kText, "What it is called in plans", "name: login", "the question"},
  {"checks[ask].role", Type::kText, "Who should answer", "role: support"},
  {"checks[ask].within", Type::kSpan, "How long the run waits for the answer, from here or from another terminal (`backout verify --answer`); without a terminal it waits only when this is said", "within: 15m", "as long as it takes"},
  {"checks[ask].otherwise", Type::kChoice, "When nobody answered in time: the check has failed, or the run stops as it stands, to be resumed", "otherwise: hold", "hold", "fail|hold"},

  {"commands", Type::kList, "Steps of your own, run in the phase that they name", "commands: [{name: cache, phase: switch, run: ./clear-cache}]"},
  {"commands[]", Type::kMap, "One step", "- {name: cache, phase: switch, run: ./clear-cache}"},
  {"commands[].name", Type::kName, "Its name in plans", "name: cache", kRequired},
  {"commands[].phase", Type::kChoice, "When it runs", "phase: switch", kRequired, "prepare|close|last rows|switch|start|check|open|settle"},
  {"commands[].run", Type::kCommand, "What it does", "run: ./clear-cache", kRequired},
  {"commands[].undo", Type::kCommand, "Puts it back when the run is aborted", "undo: ./warm-cache"},
  {"commands[].probe", Type::kCommand, "Exit status 0: done; 1: not done; anything else: cannot tell", "probe: test -e /tmp/cleared"},
  {"commands[].repeatable", Type::kFlag, "Running it twice does the same as once", "repeatable: true", "false"},
  {"commands[].on_unknown", Type::kChoice, "When nobody can tell whether it ran: ask a person, or run it again", "on_unknown: ask", "ask", "ask|rerun"},
  {"commands[].timeout", Type::kSpan, "How long it may take; then it is killed and its outcome is Unknown", "timeout: 5m", "1m"},
  {"commands[].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"commands[].hosts[]", Type::kText, "A name from hosts", "- web-1"},

  {"save", Type::kList, "Files kept with the record before a rollback, such as error logs: the last 8 MiB of each, on each host that has it", "save: [/var/log/shop/error.log]"},
  {"save[]", Type::kPath, "One file", "- /var/log/shop/error.log"},
  {"leftovers", Type::kList, "What the release that is left has written and the other may not be able to read: jobs queued, sessions, caches; counted, and then by rule drained, parked, flushed or left", "leftovers: [{redis: \"redis://127.0.0.1:6379/0\", keys: celery, rule: park}]"},
  {"leftovers[]", Type::kForms, "One of them", "- {redis: \"redis://127.0.0.1:6379/0\", keys: celery, rule: park}"},
  {"leftovers[redis].redis", Type::kText, "Where redis is; the password never stands here", "redis: \"redis://127.0.0.1:6379/0\""},
  {"leftovers[redis].keys", Type::kText, "A key, or a pattern as SCAN takes it", "keys: \"session:*\"", kRequired},
  {"leftovers[redis].password", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it", "password: /etc/shop/redis-password"},
  {"leftovers[redis].name", Type::kName, "What it is called in plans", "name: queue", "the keys"},
  {"leftovers[redis].rule", Type::kChoice, "Work it off, set it aside (put back by an abort), set it aside and delete it once the door is open, or leave it", "rule: park", kRequired, "drain|park|flush|leave"},
  {"leftovers[redis].within", Type::kSpan, "With drain: how long is waited until nothing is left", "within: 30s", "30s"},
  {"leftovers[redis].otherwise", Type::kChoice, "With drain: what is done with what is left then", "otherwise: park", "park", "park|flush|leave"},
  {"leftovers[redis].before", Type::kText, "With drain: the service that must still run; those before it in services are stopped by then", "before: shop-worker.service", "the first service"},
  {"leftovers[redis].hosts", Type::kList, "From the first of these hosts; the first of all when left out", "hosts: [web-1]"},
  {"leftovers[redis].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"leftovers[directory].directory", Type::kPath, "A directory; what is in it is moved aside inside of it", "directory: /srv/shop/sessions"},
  {"leftovers[directory].name", Type::kName, "What it is called in plans", "name: queue", "the directory's name"},
  {"leftovers[directory].rule", Type::kChoice, "Work it off, set it aside (put back by an abort), set it aside and delete it once the door is open, or leave it", "rule: park", kRequired, "drain|park|flush|leave"},
  {"leftovers[directory].within", Type::kSpan, "With drain: how long is waited until nothing is left", "within: 30s", "30s"},
  {"leftovers[directory].otherwise", Type::kChoice, "With drain: what is done with what is left then", "otherwise: park", "park", "park|flush|leave"},
  {"leftovers[directory].before", Type::kText, "With drain: the service that must still run; those before it in services are stopped by then", "before: shop-worker.service", "the first service"},
  {"leftovers[directory].hosts", Type::kList, "Only on these hosts; all when left out", "hosts: [web-1]"},
  {"leftovers[directory].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"leftovers[run].run", Type::kMap, "Commands of your own", "run: {count: ./queue-length, park: ./queue-park, undo: ./queue-unpark}"},
  {"leftovers[run].run.count", Type::kCommand, "Prints how much there is, as the last line", "count: ./queue-length", kRequired},
  {"leftovers[run].run.park", Type::kCommand, "Sets it aside", "park: ./queue-park"},
  {"leftovers[run].run.flush", Type::kCommand, "Deletes it: at once, behind the door", "flush: ./queue-flush"},
  {"leftovers[run].run.undo", Type::kCommand, "Puts back what park did", "undo: ./queue-unpark"},
  {"leftovers[run].name", Type::kName, "What it is called in plans", "name: queue", "leftover"},
  {"leftovers[run].rule", Type::kChoice, "Work it off, set it aside (put back by an abort), set it aside and delete it once the door is open, or leave it", "rule: park", kRequired, "drain|park|flush|leave"},
  {"leftovers[run].within", Type::kSpan, "With drain: how long is waited until nothing is left", "within: 30s", "30s"},
  {"leftovers[run].otherwise", Type::kChoice, "With drain: what is done with what is left then", "otherwise: park", "leave", "park|flush|leave"},
  {"leftovers[run].before", Type::kText, "With drain: the service that must still run; those before it in services are stopped by then", "before: shop-worker.service", "the first service"},
  {"leftovers[run].hosts", Type::kList, "From the first of these hosts; the first of all when left out", "hosts: [web-1]"},
  {"leftovers[run].hosts[]", Type::kText, "A name from hosts", "- web-1"},

  {"ci", Type::kMap, "The server that tests commits: what it says about a release is shown wherever one is chosen", "ci: {github: example/shop, token: $GITHUB_TOKEN}"},
  {"ci.github", Type::kWord, "The repository on GitHub: its check runs and commit statuses are asked", "github: example/shop"},
  {"ci.gitlab", Type::kWord, "The project on GitLab: the pipelines of the commit are asked", "gitlab: example/shop"},
  {"ci.url", Type::kUrl, "Where the server is, if it is your own", "url: https://github.example.com/api/v3", "https://api.github.com, https://gitlab.com"},
  {"ci.token", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it: a token that may read", "token: $GITHUB_TOKEN"},
  {"ci.required", Type::kList, "The checks that count", "required: [test]", "all, and one must have passed"},
  {"ci.required[]", Type::kText, "The name of one, as the server has it", "- test"},

  {"retention", Type::kMap, "How long files that hold personal data are kept; `tick` deletes them, and the journal says so", "retention: {checkpoints: 30d}"},
  {"retention.checkpoints", Type::kSpan, "Backups of checkpoints; never one of a release that can still be gone back to", "checkpoints: 30d", "for ever"},
  {"retention.rescue", Type::kSpan, "What runs kept of a database: the replaced one, rows that could not be carried", "rescue: 30d", "for ever"},
  {"retention.evidence", Type::kSpan, "Files attached to notes", "evidence: 365d", "for ever"},

  {"watch", Type::kMap, "How a new release is followed", "watch: {first: 10m, bake: 24h}"},
  {"watch.first", Type::kSpan, "How long deploy stays and watches", "first: 10m", "0s"},
  {"watch.heightened", Type::kSpan, "How long a site is watched closely after a rollback: `backout tick` from a timer, or `backout watch`, looks each time, and a report says how it went", "heightened: 24h"},
  {"watch.trouble", Type::kText, "How many of the last looks must have failed for trouble to be told", "trouble: 2 of 5", "2 of 5"},
  {"watch.figures", Type::kList, "Numbers that show whether users come back, taken at each look", "figures: [{name: sessions, count: ./count-sessions}]"},
  {"watch.figures[]", Type::kMap, "One number", "- {name: sessions, count: ./count-sessions}"},
  {"watch.figures[].name", Type::kName, "What it is called", "name: sessions", kRequired},
  {"watch.figures[].count", Type::kCommand, "A command that prints it", "count: ./count-sessions", kRequired},
  {"watch.figures[].hosts", Type::kList, "Summed over these hosts", "hosts: [web-1]", "the first"},
  {"watch.figures[].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"watch.log_level", Type::kMap, "More is logged while a release is watched", "log_level: {raise: ./log-level debug, put_back: ./log-level info}"},
  {"watch.log_level.raise", Type::kCommand, "Raises the level; run when a watch begins, perhaps more than once", "raise: ./log-level debug", kRequired},
  {"watch.log_level.put_back", Type::kCommand, "Puts it back; run when the watch ends, and after whatever cut it off, perhaps more than once", "put_back: ./log-level info", kRequired},
  {"watch.log_level.probe", Type::kCommand, "Exit status 0: raised; 1: not raised; anything else: cannot tell", "probe: grep -q debug /etc/shop/log-level"},
  {"watch.log_level.hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"watch.log_level.hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"watch.bake", Type::kSpan, "How long until it is known-good", "bake: 24h", "24h"},

  {"approvals", Type::kMap, "Which plans need other people's consent", "approvals: {database: {of: [dba], need: 1}}", "", "", 0, 0, "every plan of a kind named here is refused (exit 3)"},
  {"approvals.code", Type::kAnything, "Plans that leave the database alone", "code: {of: [devops-lead], need: 1}"},
  {"approvals.database", Type::kAnything, "Plans that restore the database", "database: {of: [dba, devops-lead], need: 2}"},
  {"signals", Type::kList, "Streams of observations by which a fresh release is judged; docs/signals.md says what each counts", "signals: [{access_log: /var/log/nginx/shop.log}]"},
  {"signals[]", Type::kForms, "One signal", "- {access_log: /var/log/nginx/shop.log}"},
  {"signals[access_log].access_log", Type::kPath, "The access log of a web server: requests that failed or were slow, by client and second", "access_log: /var/log/nginx/shop.log"},
  {"signals[access_log].format", Type::kText, "`combined`, `common`, `json`, or a log format as nginx and Apache write it", "format: combined", "combined"},
  {"signals[access_log].client", Type::kText, "The field that tells clients apart", "client: http_x_forwarded_for", "the address that asked"},
  {"signals[access_log].release", Type::kText, "The field that names the release which answered", "release: sent_http_x_version", "told by the time of the cutover"},
  {"signals[access_log].status", Type::kText, "The field with the status", "status: status", "as the format has it"},
  {"signals[access_log].duration", Type::kText, "The field with the time that the answer took", "duration: request_time", "as the format has it"},
  {"signals[access_log].time", Type::kText, "The field with the time of the request", "time: ts", "as the format has it"},
  {"signals[access_log].routes", Type::kList, "Groups of routes, beside those that are made by folding numbers and ids: `*` is one segment, `**` at the end all the rest", "routes: [/api/*/items, POST /pay/**]"},
  {"signals[access_log].routes[]", Type::kText, "One route, perhaps behind a method", "- /api/*/items"},
  {"signals[access_log].errors", Type::kList, "The statuses that count as failed: numbers, classes, ranges", "errors: [5xx, 499]", "5xx"},
  {"signals[access_log].errors[]", Type::kText, "One of them", "- 5xx"},
  {"signals[access_log].ignore", Type::kList, "Routes that are not counted, written as those are", "ignore: [/health]"},
  {"signals[access_log].ignore[]", Type::kText, "One route", "- /health"},
  {"signals[access_log].name", Type::kName, "What it is called", "name: shop-log", "the file's name"},
  {"signals[access_log].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[access_log].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[probe].probe", Type::kText, "GET this path (at base_url) or URL; every answer is a vote", "probe: /health/"},
  {"signals[probe].status", Type::kWhole, "The status that is expected", "status: 200", "200", "", 100, 599},
  {"signals[probe].contains", Type::kText, "A text that the answer contains", "contains: ok"},
  {"signals[probe].within", Type::kSpan, "How long the answer may take", "within: 800ms", "2s"},
  {"signals[probe].every", Type::kSpan, "How often it is asked", "every: 1s", "1s"},
  {"signals[probe].name", Type::kName, "What it is called", "name: shop-log", "the path"},
  {"signals[probe].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[probe].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[tcp].tcp", Type::kText, "Connects to this host and port; every try is a vote", "tcp: 127.0.0.1:5432"},
  {"signals[tcp].within", Type::kSpan, "How long connecting may take", "within: 800ms", "2s"},
  {"signals[tcp].every", Type::kSpan, "How often it is asked", "every: 1s", "1s"},
  {"signals[tcp].name", Type::kName, "What it is called", "name: shop-log", "the address"},
  {"signals[tcp].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[tcp].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[prometheus].prometheus", Type::kUrl, "A Prometheus server: counters of failed and of all requests are read from it", "prometheus: http://127.0.0.1:9090"},
  {"signals[prometheus].errors", Type::kText, "A selector of the counters of failed requests", "errors: 'http_requests_total{code=~\"5..\"}'", kRequired},
  {"signals[prometheus].requests", Type::kText, "A selector of the counters of all requests, failed ones included", "requests: http_requests_total", kRequired},
  {"signals[prometheus].release", Type::kText, "The label that names the release", "release: version", "told by the time of the cutover"},
  {"signals[prometheus].token", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it: sent as a bearer token", "token: $PROMETHEUS_TOKEN"},
  {"signals[prometheus].every", Type::kSpan, "How often it is asked", "every: 15s", "15s"},
  {"signals[prometheus].name", Type::kName, "What it is called", "name: shop-log", "prometheus"},
  {"signals[metrics].metrics", Type::kText, "A path (at base_url) or URL that tells metrics as text, for Prometheus or OpenMetrics: the same counters without a server between", "metrics: /metrics"},
  {"signals[metrics].errors", Type::kText, "A selector of the counters of failed requests", "errors: 'http_requests_total{code=~\"5..\"}'", kRequired},
  {"signals[metrics].requests", Type::kText, "A selector of the counters of all requests, failed ones included", "requests: http_requests_total", kRequired},
  {"signals[metrics].release", Type::kText, "The label that names the release", "release: version", "told by the time of the cutover"},
  {"signals[metrics].token", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it: sent as a bearer token", "token: $METRICS_TOKEN"},
  {"signals[metrics].every", Type::kSpan, "How often it is asked", "every: 1s", "1s"},
  {"signals[metrics].name", Type::kName, "What it is called", "name: shop-log", "metrics"},
  {"signals[metrics].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[metrics].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[alertmanager].alertmanager", Type::kUrlOrMap, "An Alertmanager whose alerts are asked for; or, as a map, where its webhooks are listened for", "alertmanager: http://127.0.0.1:9093"},
  {"signals[alertmanager].alertmanager.listen", Type::kText, "An address of this machine's loopback, while `backout` watches", "listen: 127.0.0.1:9099", kRequired},
  {"signals[alertmanager].alertmanager.match", Type::kMap, "Labels of the alerts that are about this site", "match: {service: shop}", "every alert"},
  {"signals[alertmanager].alertmanager.match.*", Type::kText, "The value of one", "service: shop"},
  {"signals[alertmanager].alertmanager.elsewhere", Type::kMap, "Labels of alerts that are about what the site depends on: evidence that it is not the release", "elsewhere: {team: db}"},
  {"signals[alertmanager].alertmanager.elsewhere.*", Type::kText, "The value of one", "team: db"},
  {"signals[alertmanager].alertmanager.release", Type::kText, "The label that names the release", "release: version", "version"},
  {"signals[alertmanager].alertmanager.token", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it: the bearer token that is sent, or expected", "token: $ALERTS_TOKEN"},
  {"signals[alertmanager].match", Type::kMap, "Labels of the alerts that are about this site", "match: {service: shop}", "every alert"},
  {"signals[alertmanager].match.*", Type::kText, "The value of one", "service: shop"},
  {"signals[alertmanager].elsewhere", Type::kMap, "Labels of alerts that are about what the site depends on: evidence that it is not the release", "elsewhere: {team: db}"},
  {"signals[alertmanager].elsewhere.*", Type::kText, "The value of one", "team: db"},
  {"signals[alertmanager].release", Type::kText, "The label that names the release", "release: version", "version"},
  {"signals[alertmanager].token", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it: the bearer token that is sent, or expected", "token: $ALERTS_TOKEN"},
  {"signals[alertmanager].every", Type::kSpan, "How often it is asked", "every: 5s", "5s"},
  {"signals[alertmanager].name", Type::kName, "What it is called", "name: shop-log", "alertmanager"},
  {"signals[log].log", Type::kPath, "A log file of the application: lines of error patterns, and kinds of errors never seen under the old release", "log: /var/log/shop/app.log"},
  {"signals[log].errors", Type::kList, "Lines that count, as regular expressions (RE2)", "errors: [\"payment gateway down\"]", "tracebacks, panics, and lines of error severity"},
  {"signals[log].errors[]", Type::kText, "One expression", "- payment gateway down"},
  {"signals[log].ignore", Type::kList, "Lines that never count, likewise", "ignore: [favicon]"},
  {"signals[log].ignore[]", Type::kText, "One expression", "- favicon"},
  {"signals[log].templates", Type::kFlag, "Are kinds of errors looked for that were never seen under the old release?", "templates: false", "true"},
  {"signals[log].name", Type::kName, "What it is called", "name: shop-log", "the file's name"},
  {"signals[log].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[log].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[journal].journal", Type::kWord, "The same for what a systemd unit says", "journal: shop-web.service"},
  {"signals[journal].errors", Type::kList, "Lines that count, as regular expressions (RE2)", "errors: [\"payment gateway down\"]", "tracebacks, panics, and lines of error severity"},
  {"signals[journal].errors[]", Type::kText, "One expression", "- payment gateway down"},
  {"signals[journal].ignore", Type::kList, "Lines that never count, likewise", "ignore: [favicon]"},
  {"signals[journal].ignore[]", Type::kText, "One expression", "- favicon"},
  {"signals[journal].templates", Type::kFlag, "Are kinds of errors looked for that were never seen under the old release?", "templates: false", "true"},
  {"signals[journal].name", Type::kName, "What it is called", "name: shop-log", "the unit"},
  {"signals[journal].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[journal].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[restarts].restarts", Type::kNamesOrTrue, "Restarts that nobody asked for, of these services; true: of all under systemd, supervisor and PM2, and of processes that end", "restarts: true"},
  {"signals[restarts].every", Type::kSpan, "How often it is asked", "every: 5s", "5s"},
  {"signals[restarts].name", Type::kName, "What it is called", "name: shop-log", "restarts"},
  {"signals[restarts].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[restarts].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[run].run", Type::kCommand, "A command of your own: exit status 0 is a good vote, 1 a bad one, anything else cannot tell; it runs in the live code", "run: ./orders-go-through"},
  {"signals[run].what", Type::kText, "What it tells, in words", "what: orders go through", "the command"},
  {"signals[run].every", Type::kSpan, "How often it is asked", "every: 10s", "10s"},
  {"signals[run].name", Type::kName, "What it is called", "name: shop-log", "the command"},
  {"signals[run].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[run].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"signals[resources].resources", Type::kNamesOrTrue, "What the processes of these services use, and whether it grows; true: of all", "resources: true"},
  {"signals[resources].limits", Type::kMap, "What each of these services must stay within, as `<500MB`, `<90%`, `<200`", "limits: {rss: <500MB, open_files: <80%}"},
  {"signals[resources].limits.rss", Type::kText, "Its memory, with its children", "rss: <500MB"},
  {"signals[resources].limits.cpu", Type::kText, "The processors it keeps busy", "cpu: <1.5"},
  {"signals[resources].limits.open_files", Type::kText, "How much of its limit of open files it uses", "open_files: <80%"},
  {"signals[resources].limits.threads", Type::kText, "How many threads it has", "threads: <200"},
  {"signals[resources].every", Type::kSpan, "How often it is asked", "every: 5s", "5s"},
  {"signals[resources].name", Type::kName, "What it is called", "name: shop-log", "resources"},
  {"signals[resources].hosts", Type::kList, kHostsDoc, "hosts: [web-1]"},
  {"signals[resources].hosts[]", Type::kText, "A name from hosts", "- web-1"},
  {"policy", Type::kList, "Rules for `backout decide`: shipped ones by name, and files of your own. Each lies over those before it: organisation, team, service", "policy: [obcms, ./rules.yaml]", "only those under rules; where none holds, what is cheapest"},
  {"policy[]", Type::kText, "`open-discussions`, `procedures`, `sum`, `obcms`, `single-binary`, or the path of a file with `rules`", "- obcms"},
  {"rules", Type::kList, "Rules of this site alone, over those of policy", "rules: [{when: {payments: yes}, do: roll-back}]"},
  {"rules[]", Type::kMap, "One rule: when all of this holds, do that", "- {when: {severity: sev1}, do: roll-back}"},
  {"rules[].id", Type::kName, "Its name, for instead-of and in explanations", "id: critical", "line-NUMBER"},
  {"rules[].when", Type::kMap, "Facts and what they must be; `{}` always holds", "when: {severity: sev2 or worse, users: \">50%\"}", kRequired},
  {"rules[].when.*", Type::kAnything, "What one fact must be, or a list of which one must hold: `sev1`, `sev2 or worse`, `\">50%\"`, `10%..50%` (without the end), `10% to 50%` (with it), `yes`, `unknown`; docs/decide.md lists the facts", "users: \">50%\""},
  {"rules[].do", Type::kChoice, "What to do then; left out: the rule only adds people, time or a veto", "do: roll-back", "", "roll-back|needs-approval|fix-forward|flag-off|monitor"},
  {"rules[].never", Type::kChoice, "A veto: going back is not to be, whatever another rule says", "never: roll-back", "", "roll-back"},
  {"rules[].by", Type::kList, "Roles that must approve going back; `[]` says that nobody has to", "by: [dba, tech-manager]", "nobody where the rule says roll-back"},
  {"rules[].by[]", Type::kName, "One role", "- dba"},
  {"rules[].need", Type::kWhole, "How many of them", "need: 1", "all", "", 1, 20},
  {"rules[].within", Type::kSpan, "How soon it must be decided and begun; 0s: now", "within: 15m"},
  {"rules[].tell", Type::kList, "Who is to hear of it", "tell: [support, management]"},
  {"rules[].tell[]", Type::kName, "One role", "- support"},
  {"rules[].on_timeout", Type::kChoice, "When nobody has answered by then; roll-back only where `automatic` names timeout", "on_timeout: escalate", "escalate", "escalate|roll-back|refuse"},
  {"rules[].cites", Type::kText, "Where the team wrote it down", "cites: \"runbook.md:67\""},
  {"rules[].says", Type::kText, "And what stands there", "says: \"Critical: roll back within 15 minutes\""},
  {"rules[].instead-of", Type::kName, "A rule of an earlier policy that this one replaces", "instead-of: critical"},
  {"automatic", Type::kList, "What may be done without asking", "automatic: [emergency]", "nothing: a person is asked"},
  {"automatic[]", Type::kChoice, "`emergency`: going back in an emergency; `roll-back`: whenever the verdict is roll back; `flag-off`: told to tools that read `decide -o json`, for backout itself switches no flag; `timeout`: going back when nobody answered by the deadline and the rule says so", "- emergency", "", "emergency|roll-back|flag-off|timeout"},
  {"severity", Type::kMap, "From which share of bad votes an alarm is how severe", "severity: {sev2: 10%, sev3: 2%}"},
  {"severity.sev2", Type::kText, "A percentage", "sev2: 10%", "10%"},
  {"severity.sev3", Type::kText, "A percentage", "sev3: 2%", "2%"},
  {"features", Type::kMap, "Which routes are about which feature: when half of their requests fail, it counts as broken", "features: {payments: [/checkout, /api/pay]}", "auth: /login, /accounts/login, /signin; payments: /checkout, /payment, /payments, /pay; admin: /admin; search: /search, /api/search; mail: /mail; calendar: /calendar"},
  {"features.*", Type::kList, "The beginnings of the routes of one: auth, payments, core, search, admin, mail or calendar", "payments: [/checkout, /api/pay]"},
  {"people", Type::kMap, "Who can be reached, and the order of escalation", "people: {dba: {name: Sam}}", "", "", 0, 0, "nobody is called"},
  {"notify", Type::kList, "Who hears of a rollback", "notify: [{email: {to: [support@example.com]}}]", "", "", 0, 0, "no message is sent"},
  {"drill", Type::kMap, "Rehearsals", "drill: {every: 90d, in: staging}", "", "", 0, 0, "no drill is held or called for"},

  {"<command>.run", Type::kArgv, "A string is given to sh -c, a list is run as it stands", "run: make install", kRequired},
  {"<command>.cwd", Type::kText, "Where it runs; a relative one starts beside this file, for builds in the new release", "cwd: /srv/shop"},
  {"<command>.user", Type::kWord, "Who runs it", "user: deploy", "whoever runs backout"},
  {"<command>.env", Type::kMap, "Its environment, beside the one found there", "env: {CI: \"1\"}"},
  {"<command>.env.*", Type::kText, "One variable", "CI: \"1\""},
  {"<command>.secrets", Type::kMap, "More of its environment, by the place of each value: plans and the journal hold the place alone", "secrets: {API_TOKEN: $SHOP_API_TOKEN}"},
  {"<command>.secrets.*", Type::kSecret, "`$NAME` of the environment of `backout`, or a file beside it", "API_TOKEN: /etc/shop/api-token"},
  {"<command>.timeout", Type::kSpan, "How long it may take; then it is killed and its outcome is Unknown", "timeout: 5m", "1m; 15m for builds"},
};
// clang-format on

struct Split {
  std::string_view parent, name;
};
/// "code.source.git" -> {"code.source", "git"}.
Split split_path(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {"", path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

}  // namespace

std::span<const Key> all_keys() { return kKeys; }

const std::vector<Form>& all_forms() {
  static const std::vector<Form> forms = {{"services[]", "systemd", {"systemd"}},
                                          {"services[]", "process", {"process"}},
                                          {"services[]", "supervisor", {"supervisor"}},
                                          {"services[]", "pm2", {"pm2"}},
                                          {"services[]", "timer", {"timer"}},
                                          {"services[]", "cron", {"cron"}},
                                          {"services[]", "crontab", {"crontab"}},
                                          {"leftovers[]", "redis", {"redis"}},
                                          {"leftovers[]", "directory", {"directory"}},
                                          {"leftovers[]", "run", {"run"}},
                                          {"checks[]", "http", {"get", "head", "post"}},
                                          {"checks[]", "run", {"run"}},
                                          {"checks[]", "ask", {"ask"}},
                                          {"checks[]", "log", {"log"}},
                                          {"checks[]", "journal", {"journal"}},
                                          {"checks[]", "resources", {"resources"}},
                                          {"signals[]", "access_log", {"access_log"}},
                                          {"signals[]", "probe", {"probe"}},
                                          {"signals[]", "tcp", {"tcp"}},
                                          {"signals[]", "prometheus", {"prometheus"}},
                                          {"signals[]", "metrics", {"metrics"}},
                                          {"signals[]", "alertmanager", {"alertmanager"}},
                                          {"signals[]", "log", {"log"}},
                                          {"signals[]", "journal", {"journal"}},
                                          {"signals[]", "restarts", {"restarts"}},
                                          {"signals[]", "run", {"run"}},
                                          {"signals[]", "resources", {"resources"}}};
  return forms;
}

const Key* find_key(std::string_view path) {
  static const auto index = [] {
    std::map<std::string_view, const Key*> by_path;
    for (const Key& key : kKeys) by_path[key.path] = &key;
    return by_path;
  }();
  const auto found = index.find(path);
  return found == index.end() ? nullptr : found->second;
}

std::string joined(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

const Key* key_in(std::string_view path, std::string_view name) {
  const bool plain = name.find_first_of(".[]*<>") == std::string_view::npos;
  const Key* named = plain ? find_key(joined(path, name)) : nullptr;
  return named != nullptr ? named : find_key(joined(path, "*"));
}

std::vector<std::string> names_in(std::string_view path) {
  std::vector<std::string> names;
  for (const Key& key : kKeys) {
    const Split split = split_path(key.path);
    if (split.parent == path && split.name != "*" && !split.name.ends_with(']') && !split.name.starts_with('<'))
      names.emplace_back(split.name);
  }
  return names;
}

std::optional<std::string> home_of(std::string_view path, std::string_view name) {
  if (name == "*") return std::nullopt;
  const std::string_view list = path.substr(0, path.find('['));
  std::optional<std::string> home;
  for (const Key& key : kKeys) {
    const Split split = split_path(key.path);
    if (split.name != name || split.parent == "<command>") continue;
    const std::string_view part = split.parent.substr(0, split.parent.find_first_of("[*"));
    const size_t form = split.parent.find('[') + 1;
    if (list != path && part == list)
      return fmt::format("{} of the form {}", part, split.parent.substr(form, split.parent.find(']') - form));
    if (!home)
      home = part.empty() ? "the top of the file" : std::string(part.substr(0, part.find_last_not_of('.') + 1));
  }
  return home;
}

std::string expected(const Key& key) {
  switch (key.type) {
    case Type::kText: return "text";
    case Type::kName: return "a name of letters, digits, '.', '_' and '-'";
    case Type::kWord: return "text that does not begin with '-'";
    case Type::kPath: return "a path (~ is not expanded)";
    case Type::kAbsolute: return "an absolute path";
    case Type::kUrl: return "a URL that begins with http:// or https://";
    case Type::kUrlOrMap: return "a URL that begins with http:// or https://, or keys and values";
    case Type::kNamesOrTrue: return "true, or a list of names";
    case Type::kSecret: return "where a secret is: $NAME, or an absolute path";
    case Type::kWhole: return fmt::format("a whole number from {} to {}", key.least, key.most);
    case Type::kFlag: return "true or false";
    case Type::kTextOrFlag: return "text, or true";
    case Type::kSpan: return "a duration (a whole number and ms, s, m, h or d)";
    case Type::kChoice: return "one of " + replaced(std::string(key.choices), "|", ", ");
    case Type::kCommand: return "a command: a string for sh -c, a list of words, or a map with run";
    case Type::kArgv: return "a command: a string for sh -c, or a list of words";
    case Type::kList: return "a list";
    case Type::kMap: return "keys and values";
    case Type::kForms:
      return key.path == "checks[]" ? "a check: one line of text, or keys and values" : "keys and values";
    case Type::kAnything: return "a value";
  }
  return "a value";
}

}  // namespace backout::config

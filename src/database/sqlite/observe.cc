#include "database/sqlite/observe.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "database/sqlite/connection.h"
#include "database/sqlite/files.h"
#include "database/sqlite/holders.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/verb_args.h"
#include "os/file.h"
#include "schema/migration_books.h"

namespace backout::database {
namespace {

constexpr int kTries = 5;

bool has_content(const std::string& path) { return os::size_of(path).value_or(0) > 0; }

/// Bytes 18 and 19 of the header: 2 in WAL mode (https://www.sqlite.org/fileformat2.html, 1.3.3).
Result<bool> is_wal(const std::string& file) {
  const std::unique_ptr<FILE, int (*)(FILE*)> opened(std::fopen(file.c_str(), "re"), &std::fclose);
  if (!opened) return errno_error(file);
  unsigned char header[20] = {};
  return std::fread(header, 1, sizeof header, opened.get()) == sizeof header && header[19] == 2;
}

schema::BookContents books_in(const std::map<std::string, TableContent>& tables) {
  schema::BookContents books;
  for (const auto& [name, content] : tables)
    if (schema::is_migration_book(name)) books[name] = {content.rows, content.hash.hex()};
  return books;
}

/// In the connection's transaction.
Result<schema::BookContents> read_books(Connection& connection, schema::Snapshot schema) {
  std::erase_if(schema.tables, [](const schema::Table& table) { return !schema::is_migration_book(table.name); });
  return books_in(TRY(read_content(connection, schema)));
}

Result<Json> compare_books(Connection& connection, const schema::Snapshot& schema, const Json& books_of) {
  const schema::BookContents now = TRY(read_books(connection, schema));
  const auto manifest = manifest_of(books_of);
  return schema::other_books(now,
                             manifest ? Result<schema::BookContents>(books_in(manifest->tables)) : manifest.error());
}

/// "migrations" may be what a shop sells to birds: it is a migrator's with these columns only.
bool is_certainly_a_book(const schema::Table& table) {
  if (schema::lowered(table.name) != "migrations") return schema::is_migration_book(table.name);
  const auto has = [&](const char* name) {
    return std::any_of(table.columns.begin(), table.columns.end(),
                       [&](const schema::Column& column) { return schema::lowered(column.name) == name; });
  };
  return (has("migration") && has("batch")) || (has("timestamp") && has("name"));
}

/// By the table in which a migrator notes them: what is applied, in few words that change with it. What cannot be read
/// says so: a broken database must be looked at all the same.
Json applied_now(Connection& connection, schema::Snapshot schema) {
  std::erase_if(schema.tables, [](const schema::Table& table) { return !is_certainly_a_book(table); });
  const auto books = read_books(connection, schema);
  if (!books) return {{"migrations", "cannot be read: " + one_line(books.error().message)}};
  Json applied = Json::object();
  for (const auto& [table, content] : *books)
    applied[table] = fmt::format("{} ({})", counted(content.rows, "row"), content.hash.substr(0, 12));
  return applied;
}

Result<Json> look(const std::string& path, Open how, const Json& books_of) {
  auto connection = TRY(Connection::open(path, how));
  TRY_VOID(connection.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  const auto schema = TRY(read_schema(connection));
  const int64_t page_size = TRY(connection.integer("PRAGMA page_size"));
  const std::string encoding = TRY(connection.text("PRAGMA encoding"));
  Json seen{{"page_size", page_size},
            {"encoding", encoding},
            {"user_version", schema.user_version},
            {"schema", schema::to_json(schema)},
            {"schema_hash", hash_of(schema)}};
  if (Json applied = applied_now(connection, schema); !applied.empty()) seen["applied"] = std::move(applied);
  if (books_of.is_object()) seen["books"] = TRY(compare_books(connection, schema, books_of));
  return seen;
}

/// A crash left something to be rolled back or replayed, and nobody has done it yet: we do it on a copy.
Result<Json> look_at_copy(const std::string& file, const Json& books_of) {
  const char* base = std::getenv("TMPDIR");
  std::string directory = std::string(base == nullptr || *base == '\0' ? "/tmp" : base) + "/backout-look-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return errno_error("making a scratch directory");
  const Cleanup cleanup([&] { (void)os::remove_tree(directory); });
  const std::string copy = directory + "/copy";
  TRY_VOID(require_space(directory, TRY(os::size_of(file)), "looking at a database that a crash left unfinished"));
  TRY_VOID(copy_file(file, copy));
  for (const char* suffix : {"-wal", "-journal"})
    if (os::exists(file + suffix)) TRY_VOID(copy_file(file + suffix, copy + suffix));
  return look(copy, Open::kWrite, books_of);
}

bool unchanged(const FileFacts& before, const std::string& file) {
  const auto now = facts_of(file);
  return now && now->same_file(before) && now->size == before.size;
}

}  // namespace

Result<Json> schema_of(const std::string& file, const Json& books_of) {
  Error last{Code::kBusy, file + " is being written all the time", "try again"};
  for (int i = 0; i < kTries; ++i) {
    const bool wal = TRY(is_wal(file)), journal = has_content(file + "-journal");
    const auto before = TRY(facts_of(file));
    Result<Json> seen = last;
    if (wal && os::exists(file + "-wal") && os::exists(file + "-shm")) {
      seen = look(file, Open::kRead, books_of);
    } else if (wal && !has_content(file + "-wal")) {
      // Nobody has it open: a connection in WAL mode has a -wal. Should one open it now, we look again.
      seen = look(file, Open::kFixed, books_of);
      if (seen && (os::exists(file + "-wal") || !unchanged(before, file))) continue;
    } else if (wal) {
      seen = look_at_copy(file, books_of);
    } else {
      seen = look(file, Open::kRead, books_of);
      if (!seen && journal) seen = look_at_copy(file, books_of);
    }
    if (seen) {
      (*seen)["journal_mode"] = wal ? "wal" : "delete";
      return seen;
    }
    last = seen.error();
    if (last.code == Code::kDenied) return last;
  }
  return last;
}

Result<Json> observe(const std::string& file, const Json& books_of) {
  const auto real = real_path(file);
  if (!real) {
    if (real.error().code == Code::kNotFound) return Json{{"exists", false}, {"file", file}};
    return real.error();
  }
  Json seen = TRY(schema_of(*real, books_of));
  const auto facts = TRY(facts_of(*real));
  seen["exists"] = true;
  seen["file"] = *real;
  seen["size"] = facts.size;
  seen["wal_bytes"] = os::size_of(*real + "-wal").value_or(0);
  seen["holders"] = to_json(TRY(holders_of(*real)));
  seen["free_bytes"] = TRY(os::free_bytes(parent_of(*real)));
  seen["mode"] = facts.mode;
  seen["owner"] = facts.owner;
  seen["group"] = facts.group;
  return seen;
}

}  // namespace backout::database

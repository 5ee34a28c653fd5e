#include "database/sqlite/manifest.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/hash.h"
#include "database/sqlite/value.h"
#include "os/file.h"

namespace backout::database {
namespace {

constexpr int kFormat = 1;

Result<Fingerprint> fingerprint_from(const std::string& hex) {
  if (hex.size() != 32 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{Code::kCorrupt, "a hash in the manifest is not one: '" + hex + "'", ""};
  return Fingerprint{std::stoull(hex.substr(0, 16), nullptr, 16), std::stoull(hex.substr(16), nullptr, 16)};
}

}  // namespace

Json to_json(const Manifest& manifest) {
  Json tables = Json::object();
  for (const auto& [name, content] : manifest.tables)
    tables[name] = {{"rows", content.rows}, {"hash", content.hash.hex()}};
  return {{"format", kFormat},
          {"source", manifest.source},
          {"taken_at", manifest.taken_at},
          {"size", manifest.size},
          {"sha256", manifest.sha256},
          {"digest", manifest.digest},
          {"block_size", kManifestBlock},
          {"blocks", manifest.blocks},
          {"journal_mode", manifest.journal_mode},
          {"schema", schema::to_json(manifest.schema)},
          {"tables", tables},
          {"sequences", manifest.sequences}};
}

Result<Manifest> manifest_from_json(const Json& value) {
  const int64_t format = get_int(value, "format");
  if (format > kFormat)
    return Error{Code::kUnsupported, "the manifest was written by a newer version of backout", "use that version"};
  if (format != kFormat) return Error{Code::kCorrupt, "this is not a manifest of a backup", ""};
  Manifest manifest{.source = get_string(value, "source"),
                    .taken_at = get_string(value, "taken_at"),
                    .size = static_cast<uint64_t>(get_int(value, "size")),
                    .sha256 = get_string(value, "sha256"),
                    .digest = get_string(value, "digest"),
                    .journal_mode = get_string(value, "journal_mode")};
  for (const auto& block : get(value, "blocks"))
    if (block.is_string()) manifest.blocks.push_back(block.get<std::string>());
  manifest.schema = TRY(schema::snapshot_from_json(get(value, "schema")));
  for (const auto& [name, content] : get(value, "tables").items())
    manifest.tables[name] = {get_int(content, "rows"), TRY(fingerprint_from(get_string(content, "hash")))};
  for (const auto& [name, last] : get(value, "sequences").items())
    if (last.is_number_integer()) manifest.sequences[name] = last.get<int64_t>();
  return manifest;
}

Result<void> store_manifest(const Manifest& manifest, const std::string& path) {
  return os::write_file_atomic(path, canonical(to_json(manifest)) + "\n", 0600);
}

Result<Manifest> load_manifest(const std::string& path, const std::string& sha256) {
  const std::string text = TRY(os::read_file(path));
  if (!sha256.empty() && sha256_hex(text) != sha256)
    return Error{Code::kCorrupt, "the manifest " + path + " is not the one that the checkpoint recorded",
                 "use an older checkpoint: backout releases"};
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error().with_context("reading the manifest " + path);
  return manifest_from_json(*parsed).with_context("reading the manifest " + path);
}

Result<TableContent> read_content(Connection& connection, const schema::Table& table) {
  std::string columns;
  if (!table.without_rowid && primary_key(table).empty()) columns = "rowid";  // its key: part of what must come back
  for (const auto& column : table.columns) {
    if (column.generated != schema::Generated::kNo || column.hidden) continue;
    columns += (columns.empty() ? "" : ", ") + sql_name(column.name);
  }
  auto rows = TRY(connection.prepare("SELECT " + columns + " FROM main." + sql_name(table.name) + " NOT INDEXED"));
  const int count = sqlite3_column_count(rows.raw());
  TableContent content;
  std::string row;
  while (TRY(rows.step())) {
    row.clear();
    for (int i = 0; i < count; ++i) append_exactly(cell_of(rows.raw(), i), row);
    content.hash.add(fingerprint_of(row));
    ++content.rows;
  }
  return content;
}

Result<std::map<std::string, TableContent>> read_content(Connection& connection, const schema::Snapshot& schema) {
  std::map<std::string, TableContent> content;
  for (const auto& table : schema.tables)
    if (table.kind != schema::TableKind::kVirtual)
      content[table.name] = TRY(read_content(connection, table).with_context("table " + table.name));
  return content;
}

Result<std::map<std::string, int64_t>> read_sequences(Connection& connection) {
  std::map<std::string, int64_t> sequences;
  if (TRY(connection.integer("SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_sequence'")) == 0)
    return sequences;
  auto rows = TRY(connection.prepare("SELECT name, seq FROM main.sqlite_sequence"));
  while (TRY(rows.step())) sequences[rows.text(0)] = std::max(sequences[rows.text(0)], rows.integer(1));
  return sequences;
}

Result<void> measure_file(const std::string& path, Manifest& into) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_error(path);
  std::string block(kManifestBlock, '\0');
  Sha256 sha;
  into.blocks.clear();
  into.size = 0;
  while (true) {
    size_t filled = 0;
    ssize_t n = 0;
    while (filled < block.size() && (n = ::read(fd, block.data() + filled, block.size() - filled)) > 0)
      filled += static_cast<size_t>(n);
    if (n < 0) {
      const Error error = errno_error("reading " + path);
      ::close(fd);
      return error;
    }
    if (filled == 0) break;
    const std::string_view bytes(block.data(), filled);
    sha.update(bytes);
    into.blocks.push_back(fingerprint_of(bytes).hex());
    into.size += filled;
  }
  ::close(fd);
  into.sha256 = sha.hex();
  return {};
}

}  // namespace backout::database

#include "database/postgresql/facts.h"

#include <fmt/format.h>

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr int kHasProviders = 150000, kHasRules = 160000, kHasLocale = 170000;

/// Columns that came with later versions; what an older server has instead.
std::string locale_columns(int version) {
  if (version < kHasProviders) return "'libc', '', '', ''";
  const std::string provider =
      "CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, coalesce(d.{}, ''), {}, "
      "coalesce(d.datcollversion, '')";
  return fmt::format(fmt::runtime(provider), version >= kHasLocale ? "datlocale" : "daticulocale",
                     version >= kHasRules ? "coalesce(d.daticurules, '')" : "''");
}

Result<std::vector<Grant>> read_grants(Connection& connection, const std::string& database) {
  // No ACL stands for the default one: acldefault says what that is.
  const Rows rows = TRY(connection.query(
      "SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable "
      "FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = $1 "
      "ORDER BY 1, 2, 3",
      {database}));
  std::vector<Grant> grants;
  for (int i = 0; i < rows.count(); ++i) grants.push_back({rows.text(i, 0), rows.text(i, 1), rows.flag(i, 2)});
  return grants;
}

Result<std::vector<Setting>> read_settings(Connection& connection, const std::string& database) {
  const Rows rows = TRY(connection.query(
      "SELECT coalesce(r.rolname, ''), split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting s "
      "JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c "
      "WHERE d.datname = $1 ORDER BY 1, 2",
      {database}));
  std::vector<Setting> settings;
  for (int i = 0; i < rows.count(); ++i) settings.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2)});
  return settings;
}

// Pinned roles (the one that initdb made) are not in pg_shdepend: owners are looked for in the catalogues as well.
// Extensions and what belongs to them are given to nobody by a restore: whoever makes them owns them.
constexpr const char* kRoles = R"(
WITH of_extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
  UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension),
used AS (
  SELECT refobjid AS role, bool_or(deptype = 'o') AS owns FROM pg_shdepend s
  WHERE refclassid = 'pg_authid'::regclass AND deptype IN ('o', 'a', 'r')
    AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid, objid) NOT IN (SELECT classid, objid FROM of_extensions) GROUP BY 1
  UNION ALL SELECT relowner, true FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND ('pg_class'::regclass, oid) NOT IN (SELECT classid, objid FROM of_extensions)
  UNION ALL SELECT proowner, true FROM pg_proc WHERE oid >= 16384
    AND ('pg_proc'::regclass, oid) NOT IN (SELECT classid, objid FROM of_extensions)
  UNION ALL SELECT nspowner, true FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
  UNION ALL SELECT datdba, true FROM pg_database WHERE datname = current_database()
  UNION ALL SELECT s.setrole, false FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database() AND s.setrole <> 0
  UNION ALL SELECT a.grantee, false FROM pg_database d, aclexplode(d.datacl) a
    WHERE d.datname = current_database() AND a.grantee <> 0)
SELECT r.rolname, bool_or(u.owns), json_build_object('superuser', r.rolsuper, 'createdb', r.rolcreatedb,
  'createrole', r.rolcreaterole, 'inherit', r.rolinherit, 'login', r.rolcanlogin, 'replication', r.rolreplication,
  'bypassrls', r.rolbypassrls, 'connection_limit', r.rolconnlimit, 'valid_until', r.rolvaliduntil,
  'member_of', coalesce((SELECT json_agg(g.rolname ORDER BY g.rolname) FROM pg_auth_members m
                         JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid), '[]'::json))::text
FROM used u JOIN pg_roles r ON r.oid = u.role
WHERE r.rolname !~ '^pg_'
GROUP BY r.oid, r.rolname, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolinherit, r.rolcanlogin, r.rolreplication,
  r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil
ORDER BY 1)";

}  // namespace

Result<DatabaseFacts> read_database_facts(Connection& connection, const std::string& database) {
  const Rows row = TRY(connection.query(
      "SELECT pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, t.spcname, "
      "coalesce(shobj_description(d.oid, 'pg_database'), ''), d.datconnlimit, " +
          locale_columns(connection.server_version()) +
          " FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1",
      {database}));
  if (row.count() == 0) return Error{Code::kNotFound, "there is no database " + database, ""};
  DatabaseFacts facts;
  facts.name = database;
  facts.owner = row.text(0, 0);
  facts.encoding = row.text(0, 1);
  facts.collate = row.text(0, 2);
  facts.ctype = row.text(0, 3);
  facts.tablespace = row.text(0, 4);
  facts.comment = row.text(0, 5);
  facts.connection_limit = row.integer(0, 6);
  facts.provider = row.text(0, 7);
  facts.locale = row.text(0, 8);
  facts.rules = row.text(0, 9);
  facts.collation_version = row.text(0, 10);
  facts.grants = TRY(read_grants(connection, database));
  facts.settings = TRY(read_settings(connection, database));
  return facts;
}

Result<std::vector<Role>> read_roles(Connection& connection) {
  const Rows rows = TRY(connection.query(kRoles).with_context("roles"));
  std::vector<Role> roles;
  for (int i = 0; i < rows.count(); ++i) {
    Json attributes = TRY(parse_json(rows.view(i, 2)));
    roles.push_back({rows.text(i, 0), rows.flag(i, 1), std::move(attributes)});
  }
  return roles;
}

Result<std::map<std::string, std::string>> read_extensions(Connection& connection) {
  const Rows rows =
      TRY(connection.query("SELECT extname, extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"));
  std::map<std::string, std::string> extensions;
  for (int i = 0; i < rows.count(); ++i) extensions[rows.text(i, 0)] = rows.text(i, 1);
  return extensions;
}

Result<std::map<std::string, SequencePosition>> read_sequences(Connection& connection) {
  const Rows rows = TRY(connection.query(
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), s.seqincrement FROM pg_sequence s JOIN pg_class "
      "c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND NOT "
      "EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') "
      "ORDER BY 1"));
  std::map<std::string, SequencePosition> sequences;
  for (int i = 0; i < rows.count(); ++i) {
    const Rows at = TRY(connection.query("SELECT last_value, is_called FROM " + rows.text(i, 0))
                            .with_context("sequence " + rows.text(i, 0)));
    sequences[rows.text(i, 0)] = {at.integer(0, 0), at.flag(0, 1), rows.integer(i, 1)};
  }
  return sequences;
}

Json to_json(const DatabaseFacts& facts) {
  Json grants = Json::array(), settings = Json::array();
  for (const Grant& grant : facts.grants)
    grants.push_back({{"grantee", grant.grantee}, {"privilege", grant.privilege}, {"grantable", grant.grantable}});
  for (const Setting& setting : facts.settings)
    settings.push_back({{"role", setting.role}, {"name", setting.name}, {"value", setting.value}});
  return {{"name", facts.name},
          {"owner", facts.owner},
          {"encoding", facts.encoding},
          {"provider", facts.provider},
          {"collate", facts.collate},
          {"ctype", facts.ctype},
          {"locale", facts.locale},
          {"rules", facts.rules},
          {"collation_version", facts.collation_version},
          {"tablespace", facts.tablespace},
          {"comment", facts.comment},
          {"connection_limit", facts.connection_limit},
          {"grants", grants},
          {"settings", settings}};
}

Result<DatabaseFacts> database_facts_from_json(const Json& value) {
  DatabaseFacts facts;
  facts.name = get_string(value, "name");
  facts.owner = get_string(value, "owner");
  facts.encoding = get_string(value, "encoding");
  facts.provider = get_string(value, "provider");
  facts.collate = get_string(value, "collate");
  facts.ctype = get_string(value, "ctype");
  facts.locale = get_string(value, "locale");
  facts.rules = get_string(value, "rules");
  facts.collation_version = get_string(value, "collation_version");
  facts.tablespace = get_string(value, "tablespace");
  facts.comment = get_string(value, "comment");
  facts.connection_limit = get_int(value, "connection_limit", -1);
  for (const Json& grant : get(value, "grants"))
    facts.grants.push_back(
        {get_string(grant, "grantee"), get_string(grant, "privilege"), get_bool(grant, "grantable")});
  for (const Json& setting : get(value, "settings"))
    facts.settings.push_back({get_string(setting, "role"), get_string(setting, "name"), get_string(setting, "value")});
  if (facts.name.empty() || facts.owner.empty() || facts.encoding.empty())
    return Error{Code::kCorrupt, "the database is not described", ""};
  return facts;
}

Json to_json(const std::vector<Role>& roles) {
  Json list = Json::array();
  for (const Role& role : roles)
    list.push_back({{"name", role.name}, {"owns", role.owns}, {"attributes", role.attributes}});
  return list;
}

std::vector<Role> roles_from_json(const Json& value) {
  std::vector<Role> roles;
  for (const Json& role : value)
    roles.push_back({get_string(role, "name"), get_bool(role, "owns"), get(role, "attributes")});
  return roles;
}

Json to_json(const std::map<std::string, SequencePosition>& sequences) {
  Json map = Json::object();
  for (const auto& [name, at] : sequences)
    map[name] = {{"last_value", at.last_value}, {"is_called", at.is_called}, {"increment", at.increment}};
  return map;
}

std::map<std::string, SequencePosition> sequences_from_json(const Json& value) {
  std::map<std::string, SequencePosition> sequences;
  for (const auto& [name, at] : value.items())
    sequences[name] = {get_int(at, "last_value"), get_bool(at, "is_called"), get_int(at, "increment", 1)};
  return sequences;
}

}  // namespace backout::postgresql

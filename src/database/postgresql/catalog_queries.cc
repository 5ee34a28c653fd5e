#include <vector>

#include "base/text.h"
#include "database/postgresql/catalog_queries.h"
#include "database/postgresql/slot.h"

namespace backout::postgresql {
namespace {

/// {grants ACL KIND OWNER}, {user TABLE OID} and {schema} stand for what recurs in the queries.
std::string grants(const std::string& acl, const std::string& kind, const std::string& owner) {
  return "(SELECT json_agg(json_build_object('to', CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE "
         "pg_get_userbyid(g.grantee) END, 'may', g.privilege_type, 'grantable', g.is_grantable) ORDER BY "
         "pg_get_userbyid(g.grantee), g.privilege_type) FROM aclexplode(coalesce(" +
         acl + ", acldefault('" + kind + "', " + owner + "))) g)";
}

std::string users(const std::string& catalog, const std::string& oid) {
  return "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend e WHERE "
         "e.classid = '" +
         catalog + "'::regclass AND e.objid = " + oid + " AND e.deptype = 'e')";
}

const std::string kColumn =
    "json_build_object('name', a.attname, 'number', a.attnum, 'type', format_type(a.atttypid, a.atttypmod), "
    "'not_null', a.attnotnull, 'default', CASE a.attgenerated WHEN '' THEN pg_get_expr(d.adbin, d.adrelid) END, "
    "'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, "
    "'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END, "
    "'collation', CASE WHEN a.attcollation <> t.typcollation THEN (SELECT l.collnamespace::regnamespace || '.' || "
    "quote_ident(l.collname) FROM pg_collation l WHERE l.oid = a.attcollation) END)";

std::string columns_of(const std::string& kinds) {
  return "SELECT a.attrelid::bigint, " + kColumn +
         " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
         "JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
         "WHERE c.relkind IN (" +
         kinds + ") AND a.attnum > 0 AND NOT a.attisdropped AND " + users("pg_class", "c.oid") +
         " ORDER BY a.attrelid, a.attnum";
}

std::string action(const std::string& letter) {
  return "CASE " + letter +
         " WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN "
         "'d' "
         "THEN 'set default' END";
}

std::string constraints_of(const std::string& of, const std::string& join, const std::string& catalog) {
  const std::string name = "(SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(";
  return "SELECT k0." + of +
         "::bigint, json_build_object('name', k0.conname, 'type', CASE k0.contype WHEN 'c' THEN 'check' WHEN 'f' THEN "
         "'foreign key' WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'x' THEN 'exclude' ELSE 'trigger' END, "
         "'definition', regexp_replace(pg_get_constraintdef(k0.oid), '( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT "
         "VALID)?$', ''), 'expression', pg_get_expr(k0.conbin, k0.conrelid), "
         "'columns', " +
         name +
         "k0.conkey) WITH ORDINALITY k(c, n) JOIN pg_attribute a ON a.attrelid = k0.conrelid AND a.attnum = k.c), "
         "'parent', (SELECT pn.nspname || '.' || p.relname FROM pg_class p JOIN pg_namespace pn ON pn.oid = "
         "p.relnamespace WHERE p.oid = k0.confrelid), 'parent_columns', " +
         name +
         "k0.confkey) WITH ORDINALITY k(c, n) JOIN pg_attribute a ON a.attrelid = k0.confrelid AND a.attnum = k.c), "
         "'on_update', " +
         action("k0.confupdtype") + ", 'on_delete', " + action("k0.confdeltype") +
         ", 'deferrable', "
         "k0.condeferrable, 'deferred', k0.condeferred, 'validated', k0.convalidated) FROM pg_constraint k0 " +
         join + " WHERE k0.contype <> 'n' AND " + users(catalog, "k0." + of) + " ORDER BY k0." + of + ", k0.conname";
}

/// Rows of one system catalogue whose objects are compared as a whole.
std::string others(const std::string& kind, const std::string& catalog, const std::string& definition) {
  return "SELECT '" + kind + "' AS kind, i.identity AS name, " + definition + " AS definition FROM " + catalog +
         " x, LATERAL pg_identify_object('" + catalog +
         "'::regclass, x.oid, 0) i WHERE x.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '" +
         catalog + "'::regclass AND e.objid = x.oid AND e.deptype = 'e')";
}

std::string all_others() {
  const std::vector<std::string> parts = {
      others("cast", "pg_cast", "concat_ws(' ', x.castfunc::regprocedure, x.castcontext, x.castmethod)"),
      others("operator", "pg_operator",
             "concat_ws(' ', x.oprcode::regprocedure, x.oprresult::regtype, x.oprcanhash, x.oprcanmerge)"),
      others("operator class", "pg_opclass", "concat_ws(' ', x.opcintype::regtype, x.opcdefault)"),
      others("event trigger", "pg_event_trigger",
             "concat_ws(' ', x.evtevent, x.evtenabled, x.evtfoid::regprocedure, x.evttags::text)"),
      others("collation", "pg_collation",
             "concat_ws(' ', x.collprovider, x.collisdeterministic, x.collcollate, x.collctype)"),
      others("foreign server", "pg_foreign_server", "concat_ws(' ', x.srvtype, x.srvversion, md5(x.srvoptions::text))"),
      others("text search configuration", "pg_ts_config",
             "(SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), ',' ORDER BY "
             "m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = x.oid)"),
      others("text search dictionary", "pg_ts_dict", "concat_ws(' ', x.dicttemplate, x.dictinitoption)")};
  return "SELECT 0::bigint, json_build_object('kind', o.kind, 'name', o.name, 'definition', o.definition) FROM (" +
         join(parts, " UNION ALL ") +
         " UNION ALL SELECT 'range', format_type(r.rngtypid, NULL), concat_ws(' ', r.rngsubtype::regtype, "
         "r.rngcanonical::regproc, r.rngsubdiff::regproc) FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN "
         "pg_namespace n ON n.oid = t.typnamespace WHERE " +
         users("pg_type", "t.oid") + ") o ORDER BY o.kind COLLATE \"C\", o.name COLLATE \"C\"";
}

std::vector<CatalogQuery> all_queries() {
  const std::string user_class = users("pg_class", "c.oid"), user_type = users("pg_type", "t.oid");
  const std::string of_table = "JOIN pg_class c ON c.oid = x.";
  const std::string in_schema = " JOIN pg_namespace n ON n.oid = c.relnamespace ";
  return {
      {"schemas",
       "SELECT n.oid::bigint, json_build_object('name', n.nspname, 'owner', pg_get_userbyid(n.nspowner), "
       "'oid', n.oid::bigint, 'grants', " +
           grants("n.nspacl", "n", "n.nspowner") + ") FROM pg_namespace n WHERE " + users("pg_namespace", "n.oid") +
           " ORDER BY n.nspname"},
      {"tables",
       "SELECT c.oid::bigint, json_build_object('schema', n.nspname, 'name', c.relname, 'kind', CASE c.relkind WHEN "
       "'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view' ELSE "
       "'materialized view' END, 'owner', pg_get_userbyid(c.relowner), 'persistence', CASE c.relpersistence WHEN 'u' "
       "THEN 'unlogged' ELSE 'permanent' END, 'partition_key', CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) "
       "END, 'partition_bound', pg_get_expr(c.relpartbound, c.oid), 'parents', (SELECT json_agg(pn.nspname || '.' || "
       "p.relname ORDER BY h.inhseqno) FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn "
       "ON pn.oid = p.relnamespace WHERE h.inhrelid = c.oid), 'row_security', c.relrowsecurity, 'force_row_security', "
       "c.relforcerowsecurity, 'replica_identity', CASE c.relreplident WHEN 'd' THEN 'default' WHEN 'n' THEN 'nothing' "
       "WHEN 'f' THEN 'full' ELSE 'index' END, 'definition', CASE WHEN c.relkind IN ('v', 'm') THEN "
       "pg_get_viewdef(c.oid) END, 'populated', c.relispopulated, 'options', to_json(c.reloptions), 'oid', "
       "c.oid::bigint, 'grants', " +
           grants("c.relacl", "r", "c.relowner") + ") FROM pg_class c" + in_schema +
           "WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND " + user_class + " ORDER BY n.nspname, c.relname"},
      {"tables/columns", columns_of("'r', 'p', 'f', 'v', 'm'")},
      {"tables/grants",
       "SELECT x.attrelid::bigint, json_build_object('to', CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE "
       "pg_get_userbyid(g.grantee) END, 'may', g.privilege_type, 'column', x.attname, 'grantable', g.is_grantable) "
       "FROM pg_attribute x " +
           of_table + "attrelid" + in_schema +
           ", aclexplode(x.attacl) g WHERE NOT x.attisdropped AND x.attacl IS NOT NULL AND c.relkind <> 'S' AND " +
           user_class + " ORDER BY x.attrelid, x.attname, pg_get_userbyid(g.grantee), g.privilege_type"},
      {"tables/constraints",
       constraints_of("conrelid", "JOIN pg_class c ON c.oid = k0.conrelid" + in_schema, "pg_class")},
      {"tables/indexes",  // of a constraint's index only whether it is valid: the constraint tells the rest
       "SELECT x.indrelid::bigint, json_build_object('name', ic.relname, 'definition', substr(d.def, strpos(d.def, ' "
       "USING ') + 7), 'columns', CASE WHEN x.of_constraint THEN NULL ELSE (SELECT json_agg(coalesce(a.attname::text, "
       "'') ORDER BY k.n) FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(c, n) LEFT JOIN pg_attribute a ON a.attrelid "
       "= x.indrelid AND a.attnum = k.c AND k.c <> 0 WHERE k.n <= x.indnkeyatts) END, 'expressions', "
       "pg_get_expr(x.indexprs, x.indrelid), 'predicate', pg_get_expr(x.indpred, x.indrelid), 'unique', x.indisunique, "
       "'nulls_not_distinct', coalesce(d.def LIKE '% NULLS NOT DISTINCT%', false), 'valid', x.indisvalid, 'ready', "
       "x.indisready, 'of_constraint', x.of_constraint) FROM (SELECT *, indexrelid IN (SELECT k.conindid FROM "
       "pg_constraint k WHERE k.contype IN ('p', 'u', 'x')) AS of_constraint FROM pg_index) x JOIN pg_class ic ON "
       "ic.oid "
       "= x.indexrelid CROSS JOIN LATERAL (SELECT CASE WHEN NOT x.of_constraint THEN pg_get_indexdef(x.indexrelid) END "
       "AS def OFFSET 0) d " +
           of_table + "indrelid" + in_schema + "WHERE c.relkind IN ('r', 'p', 'm') AND " + user_class +
           " ORDER BY x.indrelid, ic.relname"},
      {"tables/triggers",
       "SELECT x.tgrelid::bigint, json_build_object('name', x.tgname, 'definition', pg_get_triggerdef(x.oid), "
       "'timing', CASE WHEN x.tgtype & 64 <> 0 THEN 'instead of' WHEN x.tgtype & 2 <> 0 THEN 'before' ELSE 'after' "
       "END, 'enabled', CASE x.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE "
       "'always' END) FROM pg_trigger x " +
           of_table + "tgrelid" + in_schema + "WHERE NOT x.tgisinternal AND " + user_class +
           " ORDER BY x.tgrelid, x.tgname"},
      {"tables/rules",
       "SELECT x.ev_class::bigint, json_build_object('name', x.rulename, 'definition', pg_get_ruledef(x.oid), "
       "'enabled', x.ev_enabled::text) FROM pg_rewrite x " +
           of_table + "ev_class" + in_schema + "WHERE x.rulename <> '_RETURN' AND " + user_class +
           " ORDER BY x.ev_class, x.rulename"},
      {"tables/policies",
       "SELECT x.polrelid::bigint, json_build_object('name', x.polname, 'command', CASE x.polcmd WHEN 'r' THEN "
       "'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, 'permissive', "
       "x.polpermissive, 'using', pg_get_expr(x.polqual, x.polrelid), 'check', pg_get_expr(x.polwithcheck, "
       "x.polrelid), 'roles', (SELECT json_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END ORDER BY "
       "pg_get_userbyid(r)) FROM unnest(x.polroles) r)) FROM pg_policy x " +
           of_table + "polrelid" + in_schema + "WHERE " + user_class + " ORDER BY x.polrelid, x.polname"},
      {"enums",
       "SELECT t.oid::bigint, json_build_object('schema', n.nspname, 'name', t.typname, 'oid', t.oid::bigint, "
       "'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = "
       "t.oid), 'grants', " +
           grants("t.typacl", "T", "t.typowner") +
           ") FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND " + user_type +
           " ORDER BY n.nspname, t.typname"},
      {"domains",
       "SELECT t.oid::bigint, json_build_object('schema', n.nspname, 'name', t.typname, 'oid', t.oid::bigint, 'type', "
       "format_type(t.typbasetype, t.typtypmod), 'not_null', t.typnotnull, 'default', t.typdefault, 'collation', (CASE "
       "WHEN t.typcollation NOT IN (0, 100) THEN t.typcollation::regcollation END)::text, 'grants', " +
           grants("t.typacl", "T", "t.typowner") +
           ") FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND " + user_type +
           " ORDER BY n.nspname, t.typname"},
      {"domains/constraints",
       constraints_of("contypid", "JOIN pg_type t ON t.oid = k0.contypid JOIN pg_namespace n ON n.oid = t.typnamespace",
                      "pg_type")},
      {"composites",
       "SELECT c.oid::bigint, json_build_object('schema', n.nspname, 'name', c.relname, 'oid', c.oid::bigint) FROM "
       "pg_class c" +
           in_schema + "WHERE c.relkind = 'c' AND " + user_class + " ORDER BY n.nspname, c.relname"},
      {"composites/columns", columns_of("'c'")},
      {"sequences",
       "SELECT c.oid::bigint, json_build_object('schema', n.nspname, 'name', c.relname, 'owner', "
       "pg_get_userbyid(c.relowner), 'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', "
       "s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle, "
       "'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END, 'oid', c.oid::bigint, "
       "'owned_by', (SELECT tn.nspname || '.' || tc.relname || '.' || a.attname FROM pg_depend d JOIN pg_class tc ON "
       "tc.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = tc.relnamespace JOIN pg_attribute a ON a.attrelid = "
       "d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND "
       "d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 LIMIT 1), 'grants', " +
           grants("c.relacl", "s", "c.relowner") + ") FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid" +
           in_schema + "WHERE " + user_class + " ORDER BY n.nspname, c.relname"},
      {"functions",
       "SELECT p.oid::bigint, json_build_object('schema', n.nspname, 'name', p.proname, 'identity', "
       "oidvectortypes(p.proargtypes), 'arguments', pg_get_function_arguments(p.oid), 'result', "
       "pg_get_function_result(p.oid), 'kind', CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN "
       "'a' THEN 'aggregate' ELSE 'window' END, 'language', l.lanname, 'owner', pg_get_userbyid(p.proowner), 'body', "
       "encode(sha256(convert_to(concat_ws('|', p.prosrc, p.probin, pg_get_function_sqlbody(p.oid), (SELECT "
       "concat_ws(' ', g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggtranstype::regtype, g.agginitval) FROM "
       "pg_aggregate g WHERE g.aggfnoid = p.oid)), 'UTF8')), 'hex'), 'volatility', CASE p.provolatile WHEN 'i' THEN "
       "'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END, 'parallel', p.proparallel::text, 'strict', "
       "p.proisstrict, 'security_definer', p.prosecdef, 'leakproof', p.proleakproof, 'settings', "
       "to_json(p.proconfig), 'as_builtin', EXISTS (SELECT FROM pg_proc b WHERE b.proname = p.proname AND "
       "b.pronamespace = 'pg_catalog'::regnamespace), 'oid', p.oid::bigint, 'grants', " +
           grants("p.proacl", "f", "p.proowner") +
           ") FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang "
           "WHERE " +
           users("pg_proc", "p.oid") + " ORDER BY n.nspname, p.proname, oidvectortypes(p.proargtypes) COLLATE \"C\""},
      {"extensions",
       "SELECT e.oid::bigint, json_build_object('name', e.extname, 'version', e.extversion, 'schema', "
       "e.extnamespace::regnamespace::text) FROM pg_extension e ORDER BY e.extname"},
      {"publications",
       "SELECT p.oid::bigint, json_build_object('name', p.pubname, 'all_tables', p.puballtables, 'actions', "
       "to_json(array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, "
       "CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL)), 'tables', "
       "(SELECT json_agg(t.schemaname || '.' || t.tablename ORDER BY t.schemaname, t.tablename) FROM "
       "pg_publication_tables t WHERE t.pubname = p.pubname AND NOT p.puballtables)) FROM pg_publication p WHERE NOT "
       "p.pubname " +
           std::string(kOurSlots) + " ORDER BY p.pubname"},
      {"others", all_others()}};
}

}  // namespace

const std::vector<CatalogQuery>& catalog_queries() {
  static const std::vector<CatalogQuery> queries = all_queries();
  return queries;
}

// Values of settings that PostgreSQL does not know itself may be anything, secrets too: only their digest is kept.
const char* const kWholeQuery =
    "SELECT json_build_object('encoding', pg_encoding_to_char(d.encoding), 'collate', to_jsonb(d) ->> 'datcollate', "
    "'ctype', to_jsonb(d) ->> 'datctype', 'locale_provider', to_jsonb(d) ->> 'datlocprovider', 'icu_locale', "
    "coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'), 'collation_version', to_jsonb(d) ->> "
    "'datcollversion', 'owner', pg_get_userbyid(d.datdba), 'connection_limit', d.datconnlimit, 'grants', (SELECT "
    "json_agg(json_build_object('to', CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END, 'may', "
    "g.privilege_type, 'grantable', g.is_grantable) ORDER BY pg_get_userbyid(g.grantee), g.privilege_type) FROM "
    "aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g), 'settings', (SELECT json_agg(json_build_object("
    "'role', CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole) END, 'here', s.setdatabase <> 0, 'name', "
    "v.name, 'value', CASE WHEN v.name ~ '[.]' THEN 'digest ' || encode(sha256(convert_to(v.value, 'UTF8')), 'hex') "
    "ELSE v.value END) ORDER BY s.setdatabase = 0, pg_get_userbyid(s.setrole), v.name) FROM pg_db_role_setting s, "
    "LATERAL (SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value FROM unnest(s.setconfig) c) "
    "v WHERE s.setdatabase IN (0, d.oid)), 'roles', (SELECT json_agg(json_build_object('name', r.rolname, 'login', "
    "r.rolcanlogin, 'superuser', r.rolsuper, 'bypass_rls', r.rolbypassrls, 'replication', r.rolreplication, "
    "'connection_limit', r.rolconnlimit, 'member_of', (SELECT json_agg(DISTINCT g.rolname) FROM pg_auth_members m JOIN "
    "pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)) ORDER BY r.rolname) FROM pg_roles r WHERE r.rolname !~ "
    "'^pg_')) FROM pg_database d WHERE d.datname = current_database()";
const char* const kOriginQuery =
    "SELECT s.system_identifier || '/' || d.oid FROM pg_control_system() s, pg_database d WHERE d.datname = "
    "current_database()";

}  // namespace backout::postgresql

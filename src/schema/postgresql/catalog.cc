#include "schema/postgresql/catalog.h"

#include "base/hash.h"

// One list of fields a struct, walked by the writer, the reader and the hash.
namespace backout::schema::postgresql {
namespace {

template <class V>
void fields(V& v, Grant& x) {
  v("to", x.grantee), v("may", x.privilege), v("column", x.column), v("grantable", x.grantable);
}
template <class V>
void fields(V& v, Column& x) {
  v("name", x.name), v("type", x.type), v("not_null", x.not_null), v("default", x.default_text);
  v("identity", x.identity), v("generated", x.generated), v("collation", x.collation), v.mark("number", x.number);
}
template <class V>
void fields(V& v, Constraint& x) {
  v("name", x.name), v("type", x.type), v("definition", x.definition), v("expression", x.expression);
  v("columns", x.columns), v("parent", x.parent), v("parent_columns", x.parent_columns);
  v("on_update", x.on_update), v("on_delete", x.on_delete), v("deferrable", x.deferrable);
  v("deferred", x.deferred), v("validated", x.validated);
}
template <class V>
void fields(V& v, Index& x) {
  v("name", x.name), v("definition", x.definition), v("columns", x.columns), v("expressions", x.expressions);
  v("predicate", x.predicate), v("unique", x.unique), v("nulls_not_distinct", x.nulls_not_distinct);
  v("valid", x.valid), v("ready", x.ready), v("of_constraint", x.of_constraint);
}
template <class V>
void fields(V& v, Trigger& x) {
  v("name", x.name), v("definition", x.definition), v("timing", x.timing), v("enabled", x.enabled);
}
template <class V>
void fields(V& v, Policy& x) {
  v("name", x.name), v("command", x.command), v("using", x.using_text), v("check", x.check_text);
  v("permissive", x.permissive), v("roles", x.roles);
}
template <class V>
void fields(V& v, Rule& x) {
  v("name", x.name), v("definition", x.definition), v("enabled", x.enabled);
}
template <class V>
void fields(V& v, Table& x) {
  v("schema", x.schema), v("name", x.name), v("kind", x.kind), v("owner", x.owner), v("persistence", x.persistence);
  v("partition_key", x.partition_key), v("partition_bound", x.partition_bound), v("parents", x.parents);
  v("row_security", x.row_security), v("force_row_security", x.force_row_security);
  v("replica_identity", x.replica_identity), v("definition", x.definition), v("populated", x.populated);
  v("options", x.options), v("columns", x.columns), v("constraints", x.constraints), v("indexes", x.indexes);
  v("triggers", x.triggers), v("rules", x.rules), v("policies", x.policies), v("grants", x.grants);
  v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Enum& x) {
  v("schema", x.schema), v("name", x.name), v("labels", x.labels), v("grants", x.grants), v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Domain& x) {
  v("schema", x.schema), v("name", x.name), v("type", x.type), v("collation", x.collation);
  v("not_null", x.not_null), v("default", x.default_text), v("constraints", x.constraints), v("grants", x.grants);
  v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Composite& x) {
  v("schema", x.schema), v("name", x.name), v("columns", x.columns), v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Sequence& x) {
  v("schema", x.schema), v("name", x.name), v("owner", x.owner), v("type", x.type), v("start", x.start);
  v("increment", x.increment), v("minimum", x.minimum), v("maximum", x.maximum), v("cache", x.cache);
  v("cycle", x.cycle), v("persistence", x.persistence), v("owned_by", x.owned_by), v("grants", x.grants);
  v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Function& x) {
  v("schema", x.schema), v("name", x.name), v("identity", x.identity), v("arguments", x.arguments);
  v("result", x.result), v("kind", x.kind), v("language", x.language), v("owner", x.owner), v("body", x.body);
  v("volatility", x.volatility), v("parallel", x.parallel), v("strict", x.strict);
  v("security_definer", x.security_definer), v("leakproof", x.leakproof), v("as_builtin", x.as_builtin);
  v("settings", x.settings), v("grants", x.grants), v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Schema& x) {
  v("name", x.name), v("owner", x.owner), v("grants", x.grants), v.mark("oid", x.oid);
}
template <class V>
void fields(V& v, Extension& x) {
  v("name", x.name), v("version", x.version), v("schema", x.schema);
}
template <class V>
void fields(V& v, Publication& x) {
  v("name", x.name), v("all_tables", x.all_tables), v("actions", x.actions), v("tables", x.tables);
}
template <class V>
void fields(V& v, Other& x) {
  v("kind", x.kind), v("name", x.name), v("definition", x.definition);
}
template <class V>
void fields(V& v, Role& x) {
  v("name", x.name), v("login", x.login), v("superuser", x.superuser), v("bypass_rls", x.bypass_rls);
  v("replication", x.replication), v("connection_limit", x.connection_limit), v("member_of", x.member_of);
}
template <class V>
void fields(V& v, Setting& x) {
  v("role", x.role), v("here", x.here), v("name", x.name), v("value", x.value);
}
template <class V>
void fields(V& v, Whole& x) {
  v("server_version", x.server_version), v("encoding", x.encoding), v("collate", x.collate), v("ctype", x.ctype);
  v("locale_provider", x.locale_provider), v("icu_locale", x.icu_locale), v("collation_version", x.collation_version);
  v("owner", x.owner), v("connection_limit", x.connection_limit), v("grants", x.grants), v("settings", x.settings);
  v("roles", x.roles);
}
template <class V>
void fields(V& v, Catalog& x) {
  v("schemas", x.schemas), v("tables", x.tables), v("enums", x.enums), v("domains", x.domains);
  v("composites", x.composites), v("sequences", x.sequences), v("functions", x.functions);
  v("extensions", x.extensions), v("publications", x.publications), v("others", x.others), v("whole", x.whole);
  v.mark("origin", x.origin);
}

template <class T>
Json written(const T& value, bool marks);

class Writer {
 public:
  Writer(Json& into, bool marks) : into_(into), marks_(marks) {}
  template <class F>
  void operator()(const char* name, const F& field) {
    into_[name] = of(field);
  }
  template <class F>
  void mark(const char* name, const F& field) {
    if (marks_) (*this)(name, field);
  }

 private:
  template <class F>
  Json of(const std::vector<F>& list) {
    Json out = Json::array();
    for (const F& item : list) out.push_back(of(item));
    return out;
  }
  static Json of(const std::string& text) { return text; }
  static Json of(bool flag) { return flag; }
  static Json of(int number) { return number; }
  static Json of(int64_t number) { return number; }
  static Json of(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }
  template <class F>
  Json of(const F& item) {
    return written(item, marks_);
  }
  Json& into_;
  bool marks_;
};

template <class T>
Json all_fields(T value, bool marks) {
  Json out = Json::object();
  Writer writer(out, marks);
  fields(writer, value);
  return out;
}

/// What is as in an empty value is left out: small files, and old ones stay readable.
template <class T>
Json written(const T& value, bool marks) {
  static const Json kEmpty = all_fields(T{}, true);
  Json out = all_fields(value, marks);
  for (auto field = out.begin(); field != out.end();)
    field = get(kEmpty, field.key()) == field.value() ? out.erase(field) : std::next(field);
  return out;
}

/// Fields that are absent or null stay as they are; one of another type is remembered as a fault.
class Reader {
 public:
  explicit Reader(const Json& from) : from_(from) {}
  template <class F>
  void operator()(const char* name, F& field) {
    const Json& value = get(from_, name);
    if (!value.is_null() && !take(value, field) && fault_.empty()) fault_ = name;
  }
  template <class F>
  void mark(const char* name, F& field) {
    (*this)(name, field);
  }
  const std::string& fault() const { return fault_; }

 private:
  template <class F>
  bool take(const Json& value, std::vector<F>& list) {
    if (!value.is_array()) return false;
    list.clear();
    for (const Json& item : value)
      if (!take(item, list.emplace_back())) return false;
    return true;
  }
  static bool take(const Json& value, std::string& text) {
    if (!value.is_string()) return false;
    text = value.get<std::string>();
    return true;
  }
  static bool take(const Json& value, std::optional<std::string>& text) { return take(value, text.emplace()); }
  static bool take(const Json& value, bool& flag) {
    if (!value.is_boolean()) return false;
    flag = value.get<bool>();
    return true;
  }
  static bool take(const Json& value, int& number) {
    if (!value.is_number_integer()) return false;
    number = value.get<int>();
    return true;
  }
  static bool take(const Json& value, int64_t& number) {
    if (!value.is_number_integer()) return false;
    number = value.get<int64_t>();
    return true;
  }
  template <class F>
  bool take(const Json& value, F& item) {
    if (!value.is_object()) return false;
    Reader inner(value);
    fields(inner, item);
    if (!inner.fault().empty() && fault_.empty()) fault_ = inner.fault();
    return inner.fault().empty();
  }
  const Json& from_;
  std::string fault_;
};

}  // namespace

Json to_json(const Catalog& catalog) {
  Json out = written(catalog, true);
  out["catalog"] = 1;
  return out;
}

Result<Catalog> catalog_from_json(const Json& value) {
  const std::string next = "take a new checkpoint: backout checkpoint";
  if (!value.is_object() || get_int(value, "catalog") != 1)
    return Error{Code::kCorrupt, "this is not the catalogue of a PostgreSQL database in a form that is known", next};
  Catalog catalog;
  Reader reader(value);
  fields(reader, catalog);
  if (!reader.fault().empty())
    return Error{Code::kCorrupt, "the catalogue of a PostgreSQL database has a wrong '" + reader.fault() + "'", next};
  return catalog;
}

std::string hash_of(const Catalog& catalog) { return sha256_hex(canonical(written(catalog, false))); }

std::string hash_of_objects(const Catalog& catalog) {
  Catalog objects = catalog;
  objects.whole = {};
  return hash_of(objects);
}

}  // namespace backout::schema::postgresql

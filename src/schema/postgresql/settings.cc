#include <array>

#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kSettingRules[] = {
    {"setting-changed", Fit::kNo, "RWX", "sessions of the code find other names, see other values, or are cancelled"},
    {"setting-changed-harmless", Fit::kYes, "", "it changes speed or logs, no result"},
    {"server-version", Fit::kYes, "", "a minor version: results are the same"},
    {"server-version-major", Fit::kNo, "U", "another major version of PostgreSQL"},
    {"database-locale", Fit::kNo, "RX", "text is stored, sorted or compared in another way"},
    {"collation-version", Fit::kNo, "X", "the operating system sorts in another way: indexes on text may be wrong"},
    {"database-owner", Fit::kYes, "", "statements work"},
    {"database-connections", Fit::kNo, "RW", "fewer connections are let in (53300)"},
    {"publication-added", Fit::kYes, "", "every table in it has a replica identity, or it publishes inserts only"},
    {"publication-added-refuses", Fit::kNo, "W",
     "updates and deletes fail on tables in it without a replica identity (55000)"},
    {"publication-removed", Fit::kYes, "", "statements work; its subscribers stop"},
    {"publication-changed", Fit::kYes, "", "statements work; its subscribers see other changes"},
};

/// Settings that change no result and refuse nothing.
bool is_harmless(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kNames{"work_mem",
                                                           "maintenance_work_mem",
                                                           "temp_buffers",
                                                           "effective_cache_size",
                                                           "random_page_cost",
                                                           "seq_page_cost",
                                                           "jit",
                                                           "effective_io_concurrency",
                                                           "synchronous_commit",
                                                           "hash_mem_multiplier",
                                                           "track_functions",
                                                           "track_io_timing",
                                                           "application_name",
                                                           "client_min_messages"};
  return name.starts_with("log_") || name.starts_with("auto_explain.") || name.starts_with("pg_stat_statements.") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

const Setting* same_setting(const std::vector<Setting>& list, const Setting& setting) {
  for (const Setting& each : list)
    if (each.role == setting.role && each.here == setting.here && each.name == setting.name) return &each;
  return nullptr;
}

void compare_settings(const Whole& was, const Whole& is, Findings& findings) {
  const auto add = [&](const Setting& setting, const std::string& words) {
    findings.add(is_harmless(setting.name) ? "setting-changed-harmless" : "setting-changed", setting.full_name(),
                 words);
  };
  for (const Setting& setting : was.settings) {
    const Setting* other = same_setting(is.settings, setting);
    if (other == nullptr) {
      add(setting, "was " + setting.value + ", is not set");
    } else if (other->value != setting.value) {
      add(setting, "was " + setting.value + ", is " + other->value);
    }
  }
  for (const Setting& setting : is.settings)
    if (same_setting(was.settings, setting) == nullptr) add(setting, "was not set, is " + setting.value);
}

/// Updates and deletes of published rows need to say which row.
bool has_identity(const Table& table) {
  if (table.replica_identity == "full" || table.replica_identity == "index") return true;
  return table.replica_identity == "default" &&
         std::any_of(table.constraints.begin(), table.constraints.end(),
                     [](const Constraint& constraint) { return constraint.type == "primary key"; });
}

bool refuses(const Catalog& catalog, const Publication& publication) {
  const auto publishes = [&](const char* action) {
    return std::find(publication.actions.begin(), publication.actions.end(), action) != publication.actions.end();
  };
  if (!publishes("update") && !publishes("delete")) return false;
  return std::any_of(catalog.tables.begin(), catalog.tables.end(), [&](const Table& table) {
    const bool in = publication.all_tables || std::find(publication.tables.begin(), publication.tables.end(),
                                                        table.full_name()) != publication.tables.end();
    return in && table.kind == "table" && table.persistence == "permanent" && !has_identity(table);
  });
}

void compare_publications(const Sides& sides, Findings& findings) {
  for (const Publication& publication : sides.there.publications) {
    const Publication* before = find(sides.wanted.publications, publication.name);
    if (before != nullptr && *before == publication) continue;
    const bool refused = refuses(sides.there, publication);
    if (refused && (before == nullptr || !refuses(sides.wanted, *before))) {
      findings.add("publication-added-refuses", publication.name);
    } else {
      findings.add(before == nullptr ? "publication-added" : "publication-changed", publication.name);
    }
  }
  for (const Publication& publication : sides.wanted.publications)
    if (find(sides.there.publications, publication.name) == nullptr)
      findings.add("publication-removed", publication.name);
}

void compare_all_settings(const Sides& sides, Findings& findings) {
  const Whole &was = sides.wanted.whole, &is = sides.there.whole;
  constexpr int64_t kMajor = 10000;
  if (was.server_version != is.server_version)
    findings.add(was.server_version / kMajor == is.server_version / kMajor ? "server-version" : "server-version-major",
                 "the server");
  if (was.encoding != is.encoding || was.collate != is.collate || was.ctype != is.ctype ||
      was.locale_provider != is.locale_provider || was.icu_locale != is.icu_locale)
    findings.add("database-locale", "the database");
  if (was.collation_version != is.collation_version) findings.add("collation-version", "the database");
  if (was.owner != is.owner) findings.add("database-owner", "the database");
  if (is.connection_limit >= 0 && (was.connection_limit < 0 || is.connection_limit < was.connection_limit))
    findings.add("database-connections", "the database");
  compare_settings(was, is, findings);
  compare_publications(sides, findings);
}

}  // namespace

const Family kSettings{"settings", kSettingRules, &compare_all_settings};

}  // namespace backout::schema::postgresql

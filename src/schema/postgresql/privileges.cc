#include <map>
#include <set>

#include "base/text.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kPrivilegeRules[] = {
    {"privilege-removed", Fit::kNo, "RW", "statements of the role fail (42501)"},
    {"privilege-added", Fit::kYes, "", "what worked still works"},
    {"row-security-enabled", Fit::kNo, "WX",
     "reads return fewer rows, or none, without an error; writes are refused (42501)"},
    {"row-security-disabled", Fit::kNo, "X", "reads return rows that they must not"},
    {"row-security-forced", Fit::kNo, "WX", "the owner of the table, too, sees fewer rows, or no longer does"},
    {"policy-added", Fit::kNo, "WX", "other rows are seen, and other writes refused (42501)"},
    {"policy-added-unused", Fit::kYes, "", "row security is off on this table"},
    {"policy-removed", Fit::kNo, "WX", "other rows are seen, and other writes refused (42501)"},
    {"policy-changed", Fit::kNo, "WX", "other rows are seen, and other writes refused (42501)"},
    {"role-removed", Fit::kNo, "RW", "it had rights here: who connects as it is refused (28000)"},
    {"role-restricted", Fit::kNo, "RW",
     "it may no longer log in, has fewer rights or connections (28000, 42501, 53300)"},
    {"role-extended", Fit::kYes, "", "what worked still works"},
    {"role-row-security", Fit::kNo, "X", "row security holds for it now, or no longer does"},
};

using GrantMap = std::set<std::tuple<std::string, std::string, std::string>>;  // role, privilege, column

GrantMap map_of(const Grants& grants) {
  GrantMap out;
  for (const Grant& grant : grants) out.insert({grant.grantee, grant.privilege, grant.column});
  return out;
}

/// The same right, by another way: to everybody, or on the whole table.
bool holds(const GrantMap& grants, const std::tuple<std::string, std::string, std::string>& wanted) {
  const auto& [role, privilege, column] = wanted;
  for (const std::string& who : {role, std::string("PUBLIC")})
    if (grants.contains({who, privilege, column}) || grants.contains({who, privilege, ""})) return true;
  return false;
}

/// `owners`: their rights are those of the owner, and another owner has a rule of its own.
void compare_grants(const Grants& was, const Grants& is, const std::set<std::string>& owners, const std::string& object,
                    Findings& findings) {
  const GrantMap before = map_of(was), now = map_of(is);
  std::map<std::string, std::vector<std::string>> lost, won;
  const auto word = [](const auto& grant) {
    return std::get<2>(grant).empty() ? std::get<1>(grant) : std::get<1>(grant) + "(" + std::get<2>(grant) + ")";
  };
  for (const auto& grant : before)
    if (!holds(now, grant) && !(owners.size() > 1 && owners.contains(std::get<0>(grant))))
      lost[std::get<0>(grant)].push_back(word(grant));
  for (const auto& grant : now)
    if (!holds(before, grant) && !owners.contains(std::get<0>(grant))) won[std::get<0>(grant)].push_back(word(grant));
  for (const auto& [role, privileges] : lost)
    findings.add("privilege-removed", object, join(privileges, ", ") + " from " + role);
  for (const auto& [role, privileges] : won)
    findings.add("privilege-added", object, join(privileges, ", ") + " to " + role);
}

template <class T>
void compare_lists(const std::vector<T>& was, const std::vector<T>& is, Findings& findings) {
  for (const T& item : was) {
    const T* other = find(is, item.full_name());
    if (other == nullptr) continue;
    std::set<std::string> owners;
    if constexpr (requires { item.owner; }) owners = {item.owner, other->owner};
    compare_grants(item.grants, other->grants, owners, item.full_name(), findings);
  }
}

void compare_policies(const Table& was, const Table& is, Findings& findings) {
  const std::string name = was.full_name();
  if (was.row_security != is.row_security)
    findings.add(is.row_security ? "row-security-enabled" : "row-security-disabled", name);
  if (was.force_row_security != is.force_row_security && (was.row_security || is.row_security))
    findings.add("row-security-forced", name);
  for (const Policy& policy : was.policies) {
    const Policy* other = find_named(is.policies, policy.name);
    if (!is.row_security && !was.row_security) continue;
    if (other == nullptr) {
      findings.add("policy-removed", name + "." + policy.name);
    } else if (*other != policy) {
      findings.add("policy-changed", name + "." + policy.name);
    }
  }
  for (const Policy& policy : is.policies)
    if (find_named(was.policies, policy.name) == nullptr)
      findings.add(is.row_security ? "policy-added" : "policy-added-unused", name + "." + policy.name);
}

/// Roles that own something here or were granted something, and their members: any of them may be the code's.
std::set<std::string> roles_of(const Catalog& catalog) {
  std::set<std::string> out{catalog.whole.owner};
  const auto take = [&](const auto& list) {
    for (const auto& item : list) {
      if constexpr (requires { item.owner; }) out.insert(item.owner);
      for (const Grant& grant : item.grants) out.insert(grant.grantee);
    }
  };
  take(catalog.schemas), take(catalog.tables), take(catalog.sequences), take(catalog.functions);
  for (const Grant& grant : catalog.whole.grants) out.insert(grant.grantee);
  for (size_t before = 0; before != out.size();) {
    before = out.size();
    for (const Role& role : catalog.whole.roles)
      if (std::any_of(role.member_of.begin(), role.member_of.end(),
                      [&](const std::string& group) { return out.contains(group); }))
        out.insert(role.name);
  }
  return out;
}

void compare_roles(const Sides& sides, Findings& findings) {
  for (const auto& name : roles_of(sides.wanted)) {
    const Role* was = find(sides.wanted.whole.roles, name);
    if (was == nullptr) continue;
    const Role* is = find(sides.there.whole.roles, name);
    if (is == nullptr) {
      findings.add("role-removed", name);
      continue;
    }
    const auto tighter = [](int64_t before, int64_t now) { return now >= 0 && (before < 0 || now < before); };
    const bool left = std::any_of(was->member_of.begin(), was->member_of.end(), [&](const std::string& group) {
      return std::find(is->member_of.begin(), is->member_of.end(), group) == is->member_of.end();
    });
    if ((was->login && !is->login) || (was->superuser && !is->superuser) || left ||
        tighter(was->connection_limit, is->connection_limit)) {
      findings.add("role-restricted", name);
    } else if (*was != *is && was->bypass_rls == is->bypass_rls) {
      findings.add("role-extended", name);
    }
    if (was->bypass_rls != is->bypass_rls || was->superuser != is->superuser) findings.add("role-row-security", name);
  }
}

void compare_all_privileges(const Sides& sides, Findings& findings) {
  compare_lists(sides.wanted.schemas, sides.there.schemas, findings);
  compare_lists(sides.wanted.tables, sides.there.tables, findings);
  compare_lists(sides.wanted.sequences, sides.there.sequences, findings);
  compare_lists(sides.wanted.functions, sides.there.functions, findings);
  compare_lists(sides.wanted.enums, sides.there.enums, findings);
  compare_lists(sides.wanted.domains, sides.there.domains, findings);
  compare_grants(sides.wanted.whole.grants, sides.there.whole.grants,
                 {sides.wanted.whole.owner, sides.there.whole.owner}, "the database", findings);
  for (const Table& table : sides.wanted.tables)
    if (const Table* other = find(sides.there.tables, table.full_name())) compare_policies(table, *other, findings);
  compare_roles(sides, findings);
}

}  // namespace

const Family kPrivileges{"privileges", kPrivilegeRules, &compare_all_privileges};

}  // namespace backout::schema::postgresql

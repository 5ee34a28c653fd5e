#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kFunctionRules[] = {
    {"function-added", Fit::kYes, "", "the code does not know it"},
    {"function-overloaded", Fit::kNo, "RX", "a call may be ambiguous (42725), or reach the new one"},
    {"function-removed", Fit::kNo, "RW", "calls fail (42883)"},
    {"function-result", Fit::kNo, "RX", "calls give another type, or another number of rows"},
    {"function-arguments", Fit::kNo, "RW",
     "names or defaults of its arguments are not the same: calls may fail (42883, 42725)"},
    {"function-body", Fit::kNo, "XU", "it does something else"},
    {"function-properties", Fit::kNo, "RWX",
     "it answers NULLs, runs with rights, or is computed ahead, in another way"},
    {"function-owner", Fit::kNo, "RW", "it runs with the rights of another role (SECURITY DEFINER)"},
    {"extension-added", Fit::kYes, "", "the code does not know it"},
    {"extension-removed", Fit::kNo, "RW", "its types, functions and operators are gone"},
    {"extension-version", Fit::kNo, "U", "what it offers may not be the same"},
    {"extension-moved", Fit::kNo, "RW", "what it offers is found only by another search_path"},
    {"object-added", Fit::kYes, "", "the code does not know it"},
    {"object-added-meddles", Fit::kNo, "RX",
     "expressions of the code may be ambiguous (42725), or mean something else"},
    {"object-removed", Fit::kNo, "RW", "statements that use it fail (42883, 42846, 42704)"},
    {"object-changed", Fit::kNo, "RXU", "what it does is not the same"},
};

void compare_function(const Function& was, const Function& is, Findings& findings) {
  const std::string name = was.full_name();
  if (was.result != is.result || was.kind != is.kind)
    findings.add("function-result", name, "was " + was.result + ", is " + is.result);
  if (was.arguments != is.arguments)
    findings.add("function-arguments", name, "was (" + was.arguments + "), is (" + is.arguments + ")");
  if (was.body != is.body || was.language != is.language) findings.add("function-body", name);
  if (was.strict != is.strict || was.security_definer != is.security_definer || was.volatility != is.volatility ||
      was.settings != is.settings)
    findings.add("function-properties", name);
  if (was.owner != is.owner && is.security_definer)
    findings.add("function-owner", name, "owned by " + was.owner + ", now " + is.owner);
}

void compare_functions(const Sides& sides, Findings& findings) {
  for (const Function& function : sides.wanted.functions) {
    if (const Function* other = find(sides.there.functions, function.full_name())) {
      compare_function(function, *other, findings);
    } else {
      findings.add("function-removed", function.full_name());
    }
  }
  for (const Function& function : sides.there.functions) {
    if (find(sides.wanted.functions, function.full_name()) != nullptr) continue;
    // A trigger function cannot be called by a statement.
    const bool callable = function.result != "trigger" && function.result != "event_trigger";
    const bool known = std::any_of(sides.wanted.functions.begin(), sides.wanted.functions.end(),
                                   [&](const Function& each) { return each.name == function.name; });
    findings.add(callable && (known || function.as_builtin) ? "function-overloaded" : "function-added",
                 function.full_name());
  }
}

void compare_extensions(const Sides& sides, Findings& findings) {
  for (const Extension& extension : sides.wanted.extensions) {
    const Extension* other = find(sides.there.extensions, extension.name);
    if (other == nullptr) {
      findings.add("extension-removed", extension.name);
      continue;
    }
    if (other->version != extension.version)
      findings.add("extension-version", extension.name, "was " + extension.version + ", is " + other->version);
    if (other->schema != extension.schema) findings.add("extension-moved", extension.name);
  }
  for (const Extension& extension : sides.there.extensions)
    if (find(sides.wanted.extensions, extension.name) == nullptr) findings.add("extension-added", extension.name);
}

void compare_others(const Sides& sides, Findings& findings) {
  for (const Other& other : sides.wanted.others) {
    const Other* now = find(sides.there.others, other.full_name());
    if (now == nullptr) {
      findings.add("object-removed", other.full_name());
    } else if (now->definition != other.definition) {
      findings.add("object-changed", other.full_name());
    }
  }
  for (const Other& other : sides.there.others) {
    if (find(sides.wanted.others, other.full_name()) != nullptr) continue;
    const bool meddles = other.kind == "cast" || other.kind == "operator" || other.kind == "operator class";
    findings.add(meddles ? "object-added-meddles" : "object-added", other.full_name());
  }
}

void compare_all_functions(const Sides& sides, Findings& findings) {
  compare_functions(sides, findings);
  compare_extensions(sides, findings);
  compare_others(sides, findings);
}

}  // namespace

const Family kFunctions{"functions", kFunctionRules, &compare_all_functions};

}  // namespace backout::schema::postgresql

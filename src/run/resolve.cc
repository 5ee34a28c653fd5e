#include "run/resolve.h"

#include "base/text.h"

namespace backout::run {
namespace {

struct Names {
  const std::string &host, &run, &runs;
};

Result<Json> expand(const Json& value, const Names& names, const std::map<std::string, Json>* evidence) {
  if (value.is_string()) {
    std::string text = replaced(value.get<std::string>(), "{host}", names.host);
    if (!names.run.empty()) text = replaced(replaced(std::move(text), "{runs}", names.runs), "{run}", names.run);
    return Json(std::move(text));
  }
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value) list.push_back(TRY(expand(item, names, evidence)));
    return list;
  }
  if (!value.is_object()) return value;
  Json object = Json::object();
  if (evidence != nullptr && value.contains("evidence_of")) {
    const std::string step = get_string(value, "evidence_of");
    const auto found = evidence->find(step);
    if (found == evidence->end())
      return Error{Code::kInternal, "the evidence of step '" + step + "' is needed, but it left none", ""};
    object = found->second;
  }
  for (const auto& [key, member] : value.items())
    if (evidence == nullptr || key != "evidence_of") object[key] = TRY(expand(member, names, evidence));
  return object;
}

}  // namespace

Result<Action> resolved(const Action& action, const std::string& host, const std::string& run, const std::string& runs,
                        const std::map<std::string, Json>& evidence) {
  Json args = TRY(expand(action.args, {host, run, runs}, &evidence));
  return Action{action.driver, action.verb, std::move(args)};
}

Json with_host(const Json& value, const std::string& host) {
  static const std::string none;
  return expand(value, {host, none, none}, nullptr).value();
}

}  // namespace backout::run

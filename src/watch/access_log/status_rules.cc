#include "watch/access_log/status_rules.h"

#include "base/text.h"

namespace backout::watch {
namespace {

/// Three signs, digits or 'x', as the lowest or the highest status they can be. -1: they are not that.
int edge_of(std::string_view text, char filled) {
  std::string status(text);
  if (status.size() != 3) return -1;
  for (size_t i = 1; i < 3; ++i)
    if ((status[i] | 0x20) == 'x') status[i] = filled;
  return read_status(status);
}

}  // namespace

Result<StatusRules> StatusRules::parse(const std::vector<std::string>& list) {
  StatusRules rules;
  if (list.empty()) return rules;
  rules.failed_.reset();
  for (const std::string& written : list) {
    const std::string_view text = trimmed(written);
    const size_t dash = text.find('-');
    const int from = edge_of(trimmed(text.substr(0, dash)), '0');
    const int to = edge_of(trimmed(dash == std::string_view::npos ? text : text.substr(dash + 1)), '9');
    if (from < 100 || to < from)
      return Error{Code::kInvalid,
                   fmt::format("access log: '{}' is no class of answers", shortened(one_line(text), 40)),
                   "write errors: [5xx, 499, 500-504]"};
    for (int status = from; status <= to; ++status) rules.failed_.set(static_cast<size_t>(status));
  }
  return rules;
}

}  // namespace backout::watch

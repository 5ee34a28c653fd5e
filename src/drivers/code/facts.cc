#include "drivers/code/facts.h"

#include <charconv>

#include "base/text.h"

namespace backout::drivers {

Facts Facts::parse(std::string_view output) {
  Facts facts;
  for (const std::string& line : split(output, '\n')) {
    const size_t space = line.find(' ');
    const std::string key = line.substr(0, space);
    if (key.empty()) continue;
    facts.values_[key].push_back(space == std::string::npos ? "" : one_line(line.substr(space + 1)));
  }
  return facts;
}

const std::vector<std::string>& Facts::all(std::string_view key) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(key);
  return found == values_.end() ? none : found->second;
}

std::string Facts::text(std::string_view key) const { return has(key) ? all(key).front() : ""; }

int64_t Facts::number(std::string_view key, int64_t otherwise) const {
  const std::string value = text(key);
  int64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  return !value.empty() && parsed.ec == std::errc() && parsed.ptr == value.data() + value.size() ? number : otherwise;
}

Result<Facts> look(host::Host& host, std::string_view script, std::vector<std::string> arguments,
                   const std::string& user, std::stop_token stop, Millis timeout) {
  host::Command command = host::shell(std::string(script), std::move(arguments));
  command.user = user;
  command.timeout = timeout;
  const host::CommandResult result = TRY(host.run(command, std::move(stop)));
  if (!result.ok())
    return Error{Code::kUnavailable, "looking at " + host.name().str() + " failed: " + result.why_not_ok(), ""};
  Facts facts = Facts::parse(result.out);
  if (!facts.has("end")) return Error{Code::kUnavailable, "the answer of " + host.name().str() + " was cut off", ""};
  return facts;
}

}  // namespace backout::drivers

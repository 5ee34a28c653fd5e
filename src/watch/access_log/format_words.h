// The words of a log format: texts and variables, nginx's and Apache's brought to one set of names (those of nginx).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "watch/access_log/fields.h"

namespace backout::watch {

struct FormatWord {
  bool variable = false;
  std::string text;  // the text, or the variable's name: "remote_addr", "http_x_forwarded_for", "%D" is "duration_us"
  std::string written;  // as the format has it: "%{X-Forwarded-For}i"
};

/// "$a - ${b}"; also a whole `log_format name '...' '...';` as a configuration has it.
Result<std::vector<FormatWord>> nginx_words(std::string_view text);
/// "%h \"%r\""; also a whole `LogFormat "..." name`.
Result<std::vector<FormatWord>> apache_words(std::string_view text);
/// The name of a variable that a person wrote: "$x_release", "x_release", "%{X-Release}o".
Result<std::string> variable_name(std::string_view text);

/// How the value of a time variable reads; kInvalid when it cannot be read ("%{%A}t").
Result<TimeForm> time_form_of(std::string_view variable);
/// In which unit a variable or a key with this name counts, by the end of its name; seconds when it says nothing.
DurationUnit unit_of(std::string_view name);

}  // namespace backout::watch

#include "model/limit.h"

#include <charconv>

#include "base/text.h"

namespace backout {

bool Limit::holds(double figure) const {
  switch (is) {
    case Is::kBelow: return figure < value;
    case Is::kAtMost: return figure <= value;
    case Is::kAbove: return figure > value;
    case Is::kAtLeast: return figure >= value;
    case Is::kEqual: return figure == value;
  }
  return false;
}

Result<Limit> limit_from(std::string_view text) {
  const Error wrong{Code::kInvalid, "'" + shortened(one_line(text), 40) + "' is no limit",
                    "such as <90%, <=2.0, >1, 0 or <500MB"};
  std::string_view rest = trimmed(text);
  Limit limit;
  for (const auto& [sign, is] :
       {std::pair{"<=", Limit::Is::kAtMost}, std::pair{">=", Limit::Is::kAtLeast}, std::pair{"<", Limit::Is::kBelow},
        std::pair{">", Limit::Is::kAbove}, std::pair{"=", Limit::Is::kEqual}}) {
    if (!rest.starts_with(sign)) continue;
    limit.is = is;
    rest = trimmed(rest.substr(std::string_view(sign).size()));
    break;
  }
  const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), limit.value);
  if (failure != std::errc() || limit.value < 0 || !(limit.value < 1e18)) return wrong;
  rest = trimmed(rest.substr(static_cast<size_t>(end - rest.data())));
  if (rest.empty()) return limit;
  if (rest == "%") {
    limit.unit = "%";
    return limit;
  }
  for (const auto& [unit, factor] :
       {std::pair{"B", 1.0}, std::pair{"kB", 1e3}, std::pair{"MB", 1e6}, std::pair{"GB", 1e9}}) {
    if (rest != unit) continue;
    limit.value *= factor;
    limit.unit = "B";
    return limit;
  }
  return wrong;
}

}  // namespace backout

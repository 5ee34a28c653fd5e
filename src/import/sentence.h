// Sentences: what a line of words says: a condition to stop at, one for the list below it, an address to be asked.
// Pure.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace backout::import {

/// Is one of the words in the text?
bool says(std::string_view text, std::initializer_list<std::string_view> words);

/// "Stop if:", "STOP: when ...", "Do not continue unless": a condition; "Stop services" and a lone "STOP" are none.
bool is_stop_condition(std::string_view plain);
/// Sentences above a list that say when the steps hold, not what the steps are.
bool is_condition(std::string_view intro);

/// "/health/ returns 200 (ok)", "`GET /ready` → 204": an address and the status that is expected of it.
struct AskedAddress {
  std::string address;
  int status = 200;
};
std::optional<AskedAddress> address_in(std::string_view text);

}  // namespace backout::import

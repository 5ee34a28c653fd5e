// What a name that a person gave is called in the id of a step: "Turn the flag ON!" is turn-the-flag-on.
#pragma once
#include <string>
#include <string_view>

namespace backout {

/// Lowercase; anything else than [a-z0-9.] becomes one '-', none at either end; at most 60 bytes. Where that tells too
/// little (no letter of ours is left, as of a name in another alphabet, or the name is longer), eight digits of the
/// name's SHA-256 stand for it. Two names may still come to one word ("C", "C++"): the configuration refuses those
/// together.
std::string step_word(std::string_view name);

}  // namespace backout

// trailer: how the end of a dump shows that it is whole. Pure.
#pragma once
#include <string>
#include <string_view>

#include "database/archive/kind.h"

namespace backout::archive {

/// What is wrong with the end of a dump of this kind, from its last bytes; empty: it ends as the tool that wrote it
/// ends one. `head`: its first bytes. Kinds whose end says nothing are empty.
std::string fault_of_end(Kind kind, std::string_view head, std::string_view tail);

/// Whether a dump of this kind, from its first bytes, has a mark at its end: without one a cut between two statements
/// does not show. Kinds that are no text have other means, and are true.
bool marks_its_end(Kind kind, std::string_view head);
/// What to say of one that does not.
inline constexpr const char* kNoMark = "no mark of its end is known: a cut between two statements would not show";

}  // namespace backout::archive

// Areas: what the parts of a runbook are about, by the words of their headings, in several languages. Pure.
#pragma once
#include <vector>

#include "import/item.h"

namespace backout::import {

enum class Area {
  kNone,
  kDecide,
  kContacts,
  kNote,
  kReport,
  kMessage,  // not steps
  kPrepare,
  kClose,
  kSwitch,
  kStart,
  kVerify,
  kAfter  // steps, in the order of a rollback
};

/// One for each section of the runbook; what a heading does not say it has from the one above it.
std::vector<Area> areas_of(const Runbook& runbook);

/// Small letters of ASCII; others as they are.
std::string lowered(std::string_view text);

}  // namespace backout::import

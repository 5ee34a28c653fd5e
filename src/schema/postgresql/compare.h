// compare: does code written for one catalogue work on another? See schema/compare.h for the question; the rules are in
// rules.h and docs/design/postgresql.md. Pure.
#pragma once
#include "schema/compare.h"
#include "schema/postgresql/catalog.h"

namespace backout::schema::postgresql {

/// `wanted`: what the code was written for; `there`: what it would meet. What is not known to be harmless does not fit.
Comparison compare(const Catalog& wanted, const Catalog& there);

}  // namespace backout::schema::postgresql

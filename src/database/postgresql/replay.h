// replay: asks the server what it makes of the code's statements on the new schema, and of the same on the old one.
//
// A statement is prepared, never run: about 0.2 ms each, no row is touched, no lock outlives it. What preparing cannot
// show (an INSERT that leaves a column out, a name that means another column now, a JOIN over all common names) is read
// from its text.
#pragma once
#include "database/postgresql/connection.h"
#include "database/postgresql/statements.h"
#include "schema/postgresql/catalog.h"
#include "schema/postgresql/evidence.h"

namespace backout::postgresql {

struct ReplaySides {
  const schema::postgresql::Catalog& wanted;  // what the code was written for
  const schema::postgresql::Catalog& now;     // of `there`
  Connection& there;
  Connection* control = nullptr;  // a database with the old schema, rows or not
};

/// What fails on both schemas is no evidence. Without a control, only errors that speak of names, types and columns are
/// taken for the new schema's. Also asks the questions of `comparison` that a query answers. Not inside of a
/// transaction.
Result<schema::postgresql::Evidence> replay(const ReplaySides& sides, const Statements& statements,
                                            const schema::Comparison& comparison);

}  // namespace backout::postgresql

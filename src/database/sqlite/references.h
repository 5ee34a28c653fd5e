// Foreign keys after rows were carried: whoever points nowhere now, because of us, is taken back and reported.
//
// Rows are carried with enforcement off, since ON DELETE CASCADE would delete what users did not; this is the check of
// all of it at the end. A reference that was broken in the restored file already is one that the application does not
// keep: its rows stay, and are counted.
#pragma once
#include "database/sqlite/carrier.h"

namespace backout::database {

struct ReferenceReport {
  Json unenforced = Json::object();  // {"items.order_id -> orders": rows that point nowhere}
  Json cascaded = Json::object();  // {table: rows of tables set to `leave` that went with a parent that users deleted}
  int64_t left_dangling = 0;       // rows that could not be helped; 0 in all but made-up cases
};

/// REQUIRES: the rescue's transaction is open and `pristine` attached.
Result<ReferenceReport> mend_references(Connection& target, const schema::Snapshot& schema, Carrier& carrier);

/// Is the table on either end of a foreign key?
bool in_references(const schema::Snapshot& schema, const std::string& table);

}  // namespace backout::database

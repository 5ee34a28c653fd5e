// The migration tools by name. One function each: their order of initialisation then does not matter.
#pragma once
#include "database/postgresql/migration_tool.h"

namespace backout::postgresql {

const MigrationTool& django_tool();
const MigrationTool& rails_tool();
const MigrationTool& knex_tool();
const MigrationTool& own_tool();  // "command"
// Of these the SQL of a down is at hand; see migrations_by_sql.cc.
const MigrationTool& alembic_tool();
const MigrationTool& prisma_tool();
const MigrationTool& sql_tool();

}  // namespace backout::postgresql

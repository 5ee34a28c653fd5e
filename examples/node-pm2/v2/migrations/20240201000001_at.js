exports.up = (knex) => knex.schema.alterTable('notes', (t) => t.timestamp('at').notNullable().defaultTo(knex.fn.now()))
exports.down = (knex) => knex.schema.alterTable('notes', (t) => t.dropColumn('at'))

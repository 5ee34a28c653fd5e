'use strict'
exports.up = async (knex) => {
  await knex.schema.alterTable('orders', (t) => t.boolean('wrapped').notNullable().defaultTo(false))
  await knex.raw('ALTER TABLE orders ALTER wrapped DROP DEFAULT')
}
exports.down = (knex) => knex.schema.alterTable('orders', (t) => t.dropColumn('wrapped'))

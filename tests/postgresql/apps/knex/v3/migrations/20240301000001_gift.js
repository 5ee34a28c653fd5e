'use strict'
// Only additions: the statements of the release before need not know them. Its migrator does not take them all the same.
exports.up = async (knex) => {
  await knex.schema.alterTable('orders', (t) => t.boolean('gift'))
  await knex.schema.alterTable('reviews', (t) => t.text('text'))
}
exports.down = async (knex) => {
  await knex.schema.alterTable('reviews', (t) => t.dropColumn('text'))
  await knex.schema.alterTable('orders', (t) => t.dropColumn('gift'))
}

'use strict'
// NOT NULL, with a default for the old rows alone: the release before cannot insert.
exports.up = async (knex) => {
  await knex.schema.alterTable('orders', (t) => t.string('channel').notNullable().defaultTo('web'))
  await knex.raw('ALTER TABLE orders ALTER channel DROP DEFAULT')
}
exports.down = (knex) => knex.schema.alterTable('orders', (t) => t.dropColumn('channel'))

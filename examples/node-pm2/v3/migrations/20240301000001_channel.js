// NOT NULL, and a default for the old rows alone: v2 cannot leave a note any more.
exports.up = async (knex) => {
  await knex.schema.alterTable('notes', (t) => t.text('channel').notNullable().defaultTo('old'))
  await knex.raw('ALTER TABLE notes ALTER channel DROP DEFAULT')
}
exports.down = (knex) => knex.schema.alterTable('notes', (t) => t.dropColumn('channel'))

exports.up = (knex) => knex.schema.createTable('notes', (t) => {
  t.bigIncrements('id')
  t.text('text').notNullable()
})
exports.down = (knex) => knex.schema.dropTable('notes')

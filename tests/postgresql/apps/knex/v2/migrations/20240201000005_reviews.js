'use strict'
exports.up = (knex) => knex.schema.createTable('reviews', (t) => {
  t.bigIncrements('id')
  t.bigInteger('order_id').notNullable().references('orders.id').onDelete('CASCADE')
  t.integer('stars').notNullable()
})
exports.down = (knex) => knex.schema.dropTable('reviews')

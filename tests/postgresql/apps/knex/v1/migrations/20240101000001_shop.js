'use strict'

exports.up = async (knex) => {
  await knex.schema.createTable('customers', (t) => {
    t.bigIncrements('id')
    t.string('email').notNullable().unique()
  })
  await knex.schema.createTable('products', (t) => {
    t.bigIncrements('id')
    t.string('name').notNullable()
    t.decimal('price', 8, 2).notNullable()
  })
  await knex.schema.createTable('orders', (t) => {
    t.bigIncrements('id')
    t.string('token').notNullable().unique()
    t.bigInteger('customer_id').notNullable().references('customers.id').onDelete('CASCADE')
    t.bigInteger('product_id').notNullable().references('products.id')
    t.string('note').notNullable()
    t.string('status').notNullable().defaultTo('new')
    t.timestamp('created').notNullable().defaultTo(knex.fn.now())
  })
  await knex('products').insert([{name: 'bread', price: '3.20'}, {name: 'milk', price: '1.10'}])
}

exports.down = async (knex) => {
  for (const table of ['orders', 'products', 'customers']) await knex.schema.dropTable(table)
}

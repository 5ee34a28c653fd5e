'use strict'
exports.up = (knex) => knex.schema.alterTable('orders', (t) => t.dropColumn('note'))
exports.down = (knex) => knex.schema.alterTable('orders', (t) => t.string('note').notNullable().defaultTo(''))

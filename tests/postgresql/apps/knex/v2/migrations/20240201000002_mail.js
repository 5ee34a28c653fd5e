'use strict'
exports.up = (knex) => knex.schema.alterTable('customers', (t) => t.renameColumn('email', 'mail'))
exports.down = (knex) => knex.schema.alterTable('customers', (t) => t.renameColumn('mail', 'email'))

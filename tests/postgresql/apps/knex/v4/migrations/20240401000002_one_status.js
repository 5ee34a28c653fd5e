'use strict'
// Fails: there are several orders of one status. It cannot be in a transaction, so the migration before it is applied by then.
exports.up = (knex) => knex.raw('CREATE UNIQUE INDEX CONCURRENTLY orders_one_status ON orders (status)')
exports.down = (knex) => knex.raw('DROP INDEX CONCURRENTLY orders_one_status')
exports.config = {transaction: false}

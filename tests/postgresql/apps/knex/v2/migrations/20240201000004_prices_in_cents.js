'use strict'
// A backfill, and irreversible: nothing says how to go back.
exports.up = (knex) => knex('products').update({price: knex.raw('price * 100')})
exports.down = () => { throw new Error('prices in cents cannot be taken back') }

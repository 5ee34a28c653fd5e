'use strict'
const path = require('path')

module.exports = require('knex')({
  client: 'pg',
  connection: {host: process.env.SHOP_PG, user: 'shop', database: 'shop'},
  pool: {min: 0, max: 8},
  migrations: {directory: path.join(__dirname, 'migrations')}
})

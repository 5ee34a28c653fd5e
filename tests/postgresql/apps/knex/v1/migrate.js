'use strict'
const db = require('./db')

db.migrate.latest().then(() => db.destroy(), (error) => {
  console.error(error.message)
  process.exit(1)
})

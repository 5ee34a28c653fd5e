'use strict'
// The shop, by HTTP: what a release knows of an order is in release.js. Like many that use Knex, it migrates when it starts.
const fs = require('fs')
const http = require('http')
const path = require('path')
const db = require('./db')
const release = require('./release')

const version = fs.readFileSync(path.join(__dirname, 'VERSION'), 'utf8').trim()

async function place(trx, token, address, fields) {
  const who = release.customer(address)
  await trx('customers').insert(who).onConflict(Object.keys(who)).ignore()
  const {id} = await trx('customers').where(who).first('id')
  const product = await trx('products').orderBy('id').first('id')
  const [made] = await trx('orders').insert({token, customer_id: id, product_id: product.id, ...release.details(fields)}).returning('id')
  return Number(made.id)
}

const pages = {
  '/health/': async () => [200, (await db('products').count()) && 'ok'],
  '/version': async () => [200, version],
  '/order': async (fields) => {
    const token = fields.get('token')
    const id = await db.transaction((trx) => place(trx, token, fields.get('customer'), fields))
    return [201, JSON.stringify({id, token})]
  },
  '/ship': async (fields) => [200, JSON.stringify({shipped: await db('orders').where({token: fields.get('token')}).update({status: 'shipped'})})],
  '/cancel': async (fields) => [200, JSON.stringify({cancelled: await db('orders').where({token: fields.get('token')}).del()})],
  // Places an order, reads it and takes it back.
  '/selftest': async (fields) => {
    const trx = await db.transaction()
    try {
      await trx('orders').where({id: await place(trx, 'selftest', 'selftest@shop.example', fields)}).first()
    } finally {
      await trx.rollback()
    }
    return [200, 'ok']
  }
}

async function answer(request, body) {
  // Closed: 503 for everybody who does not come from behind the door.
  if (fs.existsSync(process.env.SHOP_DOOR) && !request.headers['x-behind']) return [503, 'closed']
  const page = pages[request.url]
  return page ? page(new URLSearchParams(body)) : [404, 'no such page']
}

const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => {
    answer(request, body).catch((error) => [500, error.message]).then(([status, text]) => {
      response.writeHead(status)
      response.end(text)
    })
  })
})

db.migrate.latest().then(() => server.listen(Number(process.argv[2]), '127.0.0.1'), (error) => {
  console.error(error.message)
  process.exit(1)
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))

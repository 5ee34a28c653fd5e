'use strict'
// Notes: anybody may leave one. Two workers under PM2, one PostgreSQL.
const fs = require('fs')
const http = require('http')
const path = require('path')
const db = require('knex')(require('./knexfile'))
const notes = require('./notes')

const version = fs.readFileSync(path.join(__dirname, 'VERSION'), 'utf8').trim()

const pages = {
  'GET /health': async () => [200, (await db.raw('SELECT 1')) && 'ok'],
  'GET /version': async () => [200, version],
  'GET /notes': async () => [200, (await db('notes').orderBy('id', 'desc').limit(10)).map(notes.line).join('\n')],
  'POST /notes': async (text) => {
    const [made] = await db('notes').insert(notes.row(text)).returning('id')
    return [201, String(made.id)]
  }
}

http.createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', async () => {
    const page = pages[`${request.method} ${request.url}`] || (async () => [404, 'no such page'])
    const [status, text] = await page(body).catch((error) => {
      console.error(error)
      return [500, 'broken']
    })
    response.writeHead(status)
    response.end(text + '\n')
  })
}).listen(process.env.PORT, '127.0.0.1')

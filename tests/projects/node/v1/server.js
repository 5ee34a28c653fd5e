// Visits: who was here, a line of JSON each. Two workers under PM2, one file.
const express = require('express')
const fs = require('fs')
const path = require('path')

const file = process.env.VISITS_FILE
const version = fs.readFileSync(path.join(__dirname, 'VERSION'), 'utf8').trim()
const app = express()
app.use(express.urlencoded({ extended: false }))

const visits = () => fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line)) : []

app.get('/version', (request, response) => response.type('text').send(version))
app.get('/health', (request, response) => response.type('text').send(`ok, worker ${process.pid}\n`))
app.post('/visits', (request, response) => {
  fs.appendFileSync(file, JSON.stringify({ name: request.body.name, at: new Date() }) + '\n', { flush: true })
  response.status(201).send('stored\n')
})
app.use(require('./pages')(visits))
app.listen(3000, '127.0.0.1')

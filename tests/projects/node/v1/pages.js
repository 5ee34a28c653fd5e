const express = require('express')

module.exports = visits => {
  const pages = express.Router()
  pages.get('/', (request, response) => {
    const last = visits().slice(-10)
    response.send('<h1>Visits</h1>' + last.map(one => `<p>${one.name}</p>`).join(''))
  })
  return pages
}

// build/app-HASH.js from app.js.
const crypto = require('crypto')
const fs = require('fs')

const text = fs.readFileSync('app.js')
fs.rmSync('build', { recursive: true, force: true })
fs.mkdirSync('build')
fs.writeFileSync(`build/app-${crypto.createHash('sha256').update(text).digest('hex').slice(0, 8)}.js`, text)

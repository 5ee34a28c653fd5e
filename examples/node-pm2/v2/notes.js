'use strict'
exports.row = (text) => ({ text })
exports.line = (note) => `<p>${note.text} <small>at ${note.at.toISOString()}</small></p>`

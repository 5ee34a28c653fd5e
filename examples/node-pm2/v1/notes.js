'use strict'
exports.row = (text) => ({ text })
exports.line = (note) => `<p>${note.text}</p>`

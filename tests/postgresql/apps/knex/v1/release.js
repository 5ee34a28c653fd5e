'use strict'
// What differs between the releases.
exports.customer = (address) => ({email: address})
exports.details = (fields) => ({note: fields.get('note') || ''})

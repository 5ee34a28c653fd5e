'use strict'
// What differs between the releases.
exports.customer = (address) => ({mail: address})
exports.details = (fields) => ({channel: fields.get('channel') || 'web'})

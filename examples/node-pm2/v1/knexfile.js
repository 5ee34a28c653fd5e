module.exports = {
  client: 'pg',
  connection: { host: '/run/postgresql', user: 'notes', database: process.env.NOTES_DB || 'notes' },
  migrations: { directory: './migrations' }
}

module.exports = {
  apps: [{
    name: 'visits', script: 'server.js', cwd: '/srv/visits', exec_mode: 'cluster', instances: 2,
    env: { NODE_ENV: 'production', VISITS_FILE: '/srv/visits-data/visits.jsonl' }
  }]
}

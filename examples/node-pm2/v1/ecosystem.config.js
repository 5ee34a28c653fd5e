module.exports = {
  apps: [{
    name: 'notes', script: 'server.js', cwd: __dirname, exec_mode: 'cluster', instances: 2,
    env: { NODE_ENV: 'production', PORT: 3000 }
  }]
}

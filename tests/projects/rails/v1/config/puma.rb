bind "tcp://127.0.0.1:3000"
threads 2, 2
environment "production"

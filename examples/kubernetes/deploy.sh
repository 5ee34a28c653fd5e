#!/bin/sh
# The team's own way to deploy: ./deploy.sh VERSION [GREETING]
set -eu
cd "$(dirname "$0")"
sed "s/@VERSION@/$1/; s/@GREETING@/${2-hello}/; s/@KEY@/key-of-$1/" shop.yaml |
  kubectl apply ${KUBECTL_APPLY-} -f -
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl -n shop rollout status statefulset/queue --timeout=60s

#!/bin/sh
# Prints the secrets of a new deployment as manifests, with new keys and passwords:
#
#   deployment/k8s/secrets.sh | kubectl create -f -
#
# `create` refuses where they exist, so that no key is ever overwritten. With DATABASE_URL in the environment the
# service uses that PostgreSQL; without, the one of overlays/development. Needs openssl. Keep a copy of ENCRYPTION_KEY
# elsewhere: without it nothing that is stored can be read again.
set -eu
umask 077

NAMESPACE=${NAMESPACE:-facial-auth}
command -v openssl >/dev/null || { echo "secrets.sh needs openssl" >&2; exit 69; }

key() { openssl rand -base64 32 | tr -d '\n'; }
word() { openssl rand -hex 24; }
indented() { sed 's/^/    /' "$1"; }

encryption_key=$(key)
secret_key=$(key)
redis_password=$(word)
postgres_password=$(word)
database_url=${DATABASE_URL:-postgresql://facekey:${postgres_password}@postgres:5432/facekey}
case $database_url in
*\'* | *"
"*)
    echo "DATABASE_URL has a character that a URL can't have: write it as %XX" >&2
    exit 65
    ;;
esac

# An authority for one certificate: nobody else has its key, and nobody keeps it.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cat >"$folder/redis.cnf" <<CNF
basicConstraints = critical, CA:false
extendedKeyUsage = serverAuth
subjectAltName = DNS:redis, DNS:redis.$NAMESPACE, DNS:redis.$NAMESPACE.svc, DNS:redis.$NAMESPACE.svc.cluster.local
CNF
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=FaceKey Redis authority" \
        -addext "keyUsage = critical, keyCertSign, cRLSign" -keyout "$folder/ca.key" -out "$folder/ca.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=redis" \
        -keyout "$folder/redis.key" -out "$folder/redis.csr"
    openssl x509 -req -in "$folder/redis.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 3650 \
        -extfile "$folder/redis.cnf" -out "$folder/redis.pem"
} 2>"$folder/log" || { cat "$folder/log" >&2; exit 70; }

cat <<YAML
apiVersion: v1
kind: Secret
metadata: {name: facekey, namespace: $NAMESPACE}
stringData:
  ENCRYPTION_KEY: '$encryption_key'
  SECRET_KEY: '$secret_key'
---
apiVersion: v1
kind: Secret
metadata: {name: database, namespace: $NAMESPACE}
stringData:
  DATABASE_URL: '$database_url'
---
apiVersion: v1
kind: Secret
metadata: {name: redis-client, namespace: $NAMESPACE}
stringData:
  REDIS_URL: 'rediss://facekey:$redis_password@redis:6379/0?ssl_ca_certs=/run/secrets/redis-ca.pem'
  redis-ca.pem: |
$(indented "$folder/ca.pem")
---
apiVersion: v1
kind: Secret
metadata: {name: redis-server, namespace: $NAMESPACE}
stringData:
  users.acl: |
    user default off
    user facekey on >$redis_password resetchannels ~facekey:* &facekey:* +@all -@admin -@dangerous +info
  redis-ca.pem: |
$(indented "$folder/ca.pem")
  redis.pem: |
$(indented "$folder/redis.pem")
  redis.key: |
$(indented "$folder/redis.key")
YAML
[ -n "${DATABASE_URL:-}" ] || cat <<YAML
---
apiVersion: v1
kind: Secret
metadata: {name: postgres, namespace: $NAMESPACE}
stringData:
  POSTGRES_PASSWORD: '$postgres_password'
YAML

#!/bin/sh
# Prepares a deployment with compose: settings, keys, passwords and certificates, each of them new.
#
#   ./init.sh faces.example.org
#
# Makes, beside this file: .env (what compose fills in), facekey.env (further settings of the service) and secrets/.
# Refuses where one of them exists: a key that is overwritten takes every enrolled person with it. Needs openssl.
set -eu
umask 077
cd "$(dirname "$0")"

stop() { echo "init.sh: $2" >&2; exit "$1"; }

[ $# -eq 1 ] || stop 64 "say the name that users see: ./init.sh faces.example.org"
name=$1
case $name in
    '' | .* | -* | *.. | *[!A-Za-z0-9.-]*) stop 64 "$name is no host name: write faces.example.org, without https://" ;;
esac
[ ${#name} -le 64 ] || stop 64 "the name may have 64 characters at most"
command -v openssl >/dev/null || stop 69 "openssl is needed: install it and call this again"
for there in .env facekey.env secrets; do
    [ ! -e "$there" ] || stop 73 "$there is there already; nothing was changed. A new deployment starts in a new folder"
done

# Everything is made beside its place and moved there in the end: whole or not at all.
made=$(mktemp -d "$PWD/.init-XXXXXX")
trap 'rm -rf "$made"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$made/secrets" "$made/secrets/tls" "$made/secrets/alertmanager"
cd "$made/secrets"

key() { openssl rand -base64 32 | tr '+/' '-_'; }
word() { openssl rand -hex 24; }
say() { printf '%s\n' "$2" >"$1"; }

key >ENCRYPTION_KEY
key >SECRET_KEY
word >postgres_password
word >database_password
word >grafana_admin_password
redis_password=$(word)
ca=/run/secrets/internal_ca
say DATABASE_URL "postgresql://facekey:$(cat database_password)@postgres:5432/facekey?sslmode=verify-full&sslrootcert=$ca"
say REDIS_URL "rediss://facekey:$redis_password@redis:6379/0?ssl_ca_certs=$ca"
# The service may do with its own keys what it needs; `health` may ask whether Redis is there, and nothing else.
cat >redis_users <<ACL
user default off
user health on nopass -@all +ping
user facekey on >$redis_password ~facekey:* resetchannels &facekey:* +@all -@admin -@dangerous +info
ACL
# Filled in by ./monitor-key.sh, when there is a service that can make the key.
: >facekey_monitor_key

# An authority of this deployment alone, for PostgreSQL and Redis. Its key is thrown away: it signs these two and no more.
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
{
    # shellcheck disable=SC2086 # the words of $ec are words
    openssl req -x509 $ec -days 3650 -subj "/CN=FaceKey internal authority" \
        -addext "keyUsage = critical, keyCertSign, cRLSign" -keyout ca.key -out internal_ca
    for server in postgres redis; do
        printf 'basicConstraints = critical, CA:false\nextendedKeyUsage = serverAuth\nsubjectAltName = DNS:%s\n' \
            "$server" >extensions
        # shellcheck disable=SC2086
        openssl req $ec -subj "/CN=$server" -keyout "${server}_tls_key" -out request
        openssl x509 -req -in request -CA internal_ca -CAkey ca.key -CAcreateserial -days 3650 \
            -extfile extensions -out "${server}_tls_certificate"
    done
    # To begin with; ./certificate.sh puts a real one in its place.
    # shellcheck disable=SC2086
    openssl req -x509 $ec -days 365 -subj "/CN=$name" -addext "subjectAltName = DNS:$name" \
        -addext "extendedKeyUsage = serverAuth" -keyout tls/privkey.pem -out tls/fullchain.pem
} 2>openssl.log || { cat openssl.log >&2; stop 70 "openssl could not make a certificate"; }
rm -f ca.key request extensions openssl.log ./*.srl

# The folder is closed to everybody but its owner. Containers see single files of it, as users of their own, so the
# files themselves may be read.
chmod 0644 ./* tls/*
chmod 0755 tls alertmanager
cd ../..

sed "s|^FACEKEY_PUBLIC_URL=.*|FACEKEY_PUBLIC_URL=https://$name|" .env.example >"$made/.env"
cat >"$made/facekey.env" <<'SETTINGS'
# Further settings of the service, one a line; .env.example in the root of the repository explains each.
# Secrets don't belong here but into secrets/ (docs/deployment.md).
#FACEKEY_CONSENT=required
#FACEKEY_INDEX=pgvector
#FACEKEY_SMTP_HOST=mail.example.org
SETTINGS
mkdir -p acme && chmod 0755 acme
# Containers read these as users of their own, whatever this machine's umask was when they were copied here.
for folder in nginx postgres redis prometheus alertmanager grafana ../docs/runbooks; do
    [ ! -d "$folder" ] || chmod -R a+rX "$folder"
done
mv "$made/secrets" "$made/.env" "$made/facekey.env" .
rmdir "$made"

cat <<SAID
Made .env, facekey.env and secrets/ for $name.

Keep a copy of secrets/ENCRYPTION_KEY in a safe place, apart from backups: without it nothing that is stored can be
read again. The certificate is self-signed; ./certificate.sh FULLCHAIN KEY puts another in its place.

    docker-compose up -d --build
    docker-compose run --rm api facekey accounts add ada --role admin
    ./monitor-key.sh
SAID

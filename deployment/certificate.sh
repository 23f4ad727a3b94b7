#!/bin/sh
# Puts a certificate into use: ./certificate.sh /etc/letsencrypt/live/NAME/fullchain.pem .../privkey.pem
#
# Looks first whether the key belongs to it and how long it is good; then nginx reads it without dropping a connection.
# To be called by the ACME client after each renewal (docs/deployment.md).
set -eu
umask 077
stop() { echo "certificate.sh: $2" >&2; exit "$1"; }

[ $# -eq 2 ] || stop 64 "say which: ./certificate.sh FULLCHAIN.pem PRIVKEY.pem"
chain=$(realpath "$1") && key=$(realpath "$2")
cd "$(dirname "$0")"
[ -d secrets/tls ] || stop 78 "there is no secrets/tls: call ./init.sh first"

said=$(openssl x509 -in "$chain" -noout -pubkey 2>&1) || stop 65 "$1 is no certificate in PEM form"
public=$(openssl pkey -in "$key" -pubout 2>&1) || stop 65 "$2 is no private key in PEM form, or has a passphrase"
[ "$said" = "$public" ] || stop 65 "the key doesn't belong to the certificate"
openssl x509 -in "$chain" -noout -checkend 0 >/dev/null || stop 65 "the certificate has ended already"

install -m 0644 "$chain" secrets/tls/fullchain.pem.new
install -m 0644 "$key" secrets/tls/privkey.pem.new
mv secrets/tls/privkey.pem.new secrets/tls/privkey.pem
mv secrets/tls/fullchain.pem.new secrets/tls/fullchain.pem
echo "in place, good until $(openssl x509 -in "$chain" -noout -enddate | cut -d= -f2)"

# shellcheck source=deployment/compose.sh
. ./compose.sh
if [ -n "$(compose ps -q nginx)" ]; then
    compose exec -T nginx nginx -s reload ||
        stop 75 "it is in place, but nginx could not be told: docker-compose restart nginx"
fi

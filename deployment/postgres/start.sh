#!/bin/sh
# Starts the PostgreSQL of the compose file. It takes its TLS key only from a file that nobody else may read, and a
# secret can be read by every user of its container: so a copy in memory.
set -eu
install -m 0600 /run/secrets/postgres_tls_key /tmp/server.key
exec docker-entrypoint.sh postgres \
    -c hba_file=/etc/facekey/pg_hba.conf \
    -c password_encryption=scram-sha-256 \
    -c ssl=on -c ssl_min_protocol_version=TLSv1.2 \
    -c ssl_cert_file=/run/secrets/postgres_tls_certificate \
    -c ssl_key_file=/tmp/server.key \
    -c log_statement=none -c log_min_error_statement=panic -c log_error_verbosity=terse

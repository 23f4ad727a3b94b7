#!/bin/sh
# Makes the API key that Prometheus reads /metrics with, and puts it where Prometheus looks for it: ./monitor-key.sh
#
# The key is good for a year. Call this again to change it, then revoke the old one (facekey api-keys list, revoke).
# Prometheus takes the new one at its next question.
set -eu
umask 077
cd "$(dirname "$0")"
[ -f secrets/facekey_monitor_key ] || { echo "monitor-key.sh: call ./init.sh first" >&2; exit 78; }

# shellcheck source=deployment/compose.sh
. ./compose.sh
said=$(compose run --rm -T api facekey api-keys add "prometheus-$(date -u +%Y%m%d-%H%M%S)" --role monitor --days 365)
key=$(printf '%s\n' "$said" | tail -n 1)
case $key in
    '' | *[!A-Za-z0-9._-]*) echo "monitor-key.sh: the service gave no key; nothing was changed" >&2; exit 70 ;;
esac
# Into the same file: the container sees this one, and would not see another in its place.
printf '%s\n' "$key" >secrets/facekey_monitor_key
echo "Prometheus reads /metrics with a new key, good for a year"

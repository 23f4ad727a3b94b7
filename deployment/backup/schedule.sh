#!/usr/bin/env bash
# A backup at once and then every FACEKEY_BACKUP_EVERY_HOURS (24), each of them restored to try it. Stops on SIGTERM.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
every=${FACEKEY_BACKUP_EVERY_HOURS:-24}
[[ $every =~ ^[1-9][0-9]{0,2}$ ]] || { echo "FACEKEY_BACKUP_EVERY_HOURS is a number of hours, 1 or more" >&2; exit 78; }
trap 'exit 0' TERM INT
while true; do
    # A backup that fails is tried again in ten minutes; what Prometheus sees of it grows old meanwhile.
    wait_s=$((every * 3600))
    "$here/backup.sh" && "$here/rehearse.sh" || wait_s=600
    sleep "$wait_s" &
    wait $!
done

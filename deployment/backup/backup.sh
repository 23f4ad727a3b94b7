#!/usr/bin/env bash
# Makes one backup of the database, while the service runs.
#
#   DATABASE_URL=postgresql://... FACEKEY_BACKUP_DIR=/backups ./backup.sh
#
# A dump is one moment of the database. It appears under its name when it is whole and can be listed; with it comes
# its SHA-256. Dumps older than FACEKEY_BACKUP_KEEP_DAYS (14) go, never the newest. The index of pgvector isn't in it:
# it is built again from the templates. Exit codes: 78 a setting, 75 the database can't be had, 1 anything else.
set -euo pipefail
umask 077
. "$(dirname "$(readlink -f "$0")")/database.sh"

keep=${FACEKEY_BACKUP_KEEP_DAYS:-14}
[[ $keep =~ ^[1-9][0-9]{0,3}$ ]] || stop 78 "FACEKEY_BACKUP_KEEP_DAYS is a number of days, 1 or more"
mkdir -p "$folder" 2>/dev/null || true
[ -w "$folder" ] || stop 78 "FACEKEY_BACKUP_DIR: $folder can't be written to"
exec 9>"$folder/.lock"
flock --nonblock 9 || stop 75 "another backup is being made"
rm -f "$folder"/*.part

ask --command='SELECT 1' >/dev/null || stop 75 "the database can't be reached"
name=facekey-$(date -u +%Y%m%dT%H%M%SZ).dump
pg_dump --format=custom --no-owner --no-privileges --exclude-table='vector_index*' \
    --dbname="$url" --file="$folder/$name.part" || stop 1 "pg_dump failed; nothing was kept"
pg_restore --list "$folder/$name.part" >/dev/null || stop 1 "the dump can't be listed; nothing was kept"
sync "$folder/$name.part"
(cd "$folder" && mv "$name.part" "$name" && sha256sum "$name" >"$name.sha256")

tell backup facekey_backup_timestamp_seconds "When the newest backup was made." "$(date +%s)"
tell backup_size facekey_backup_bytes "Bytes of the newest backup." "$(stat -c %s "$folder/$name")"
find "$folder" -maxdepth 1 -name 'facekey-*.dump' ! -name "$name" -mmin "+$((keep * 1440))" -print |
    while read -r old; do rm -f "$old" "$old.sha256"; done
echo "$folder/$name"

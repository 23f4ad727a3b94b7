#!/usr/bin/env bash
# Restores the newest backup into a PostgreSQL of its own, which is thrown away: what was never restored is a hope.
#
#   FACEKEY_BACKUP_DIR=/backups ./rehearse.sh
#
# Needs PostgreSQL's own programs (initdb, pg_ctl) and a user who isn't root; touches no other server.
set -euo pipefail
umask 077
here=$(dirname "$(readlink -f "$0")")
DATABASE_URL=postgresql:///unused
. "$here/database.sh"

newest=$(find "$folder" -maxdepth 1 -name 'facekey-*.dump' | sort | tail -n 1)
[ -n "$newest" ] || stop 66 "there is no backup in $folder"
scratch=$(mktemp -d "$folder/.rehearsal-XXXXXX")
socket=$(mktemp -d /tmp/rehearsal-XXXXXX) # the path of a socket must be short
end() {
    pg_ctl --pgdata="$scratch/data" --mode=immediate --silent stop 2>/dev/null || true
    rm -rf "$scratch" "$socket"
}
trap end EXIT
trap 'exit 130' INT TERM

# No network, and nothing that would outlast it.
initdb --pgdata="$scratch/data" --username=facekey --auth=trust --encoding=UTF8 --no-sync >/dev/null ||
    stop 70 "a PostgreSQL to restore into could not be made"
pg_ctl --pgdata="$scratch/data" --silent --wait --log="$scratch/log" \
    --options="-c listen_addresses='' -c unix_socket_directories='$socket' -c fsync=off" start ||
    stop 70 "a PostgreSQL to restore into could not be started"
createdb --host="$socket" --username=facekey facekey
said=$(DATABASE_URL="postgresql://facekey@/facekey?host=$socket" "$here/restore.sh" "$newest")
# The chain's end is where its sealed head says, and every record follows the one before.
broken=$(psql --no-psqlrc --quiet --tuples-only --no-align --host="$socket" --username=facekey --dbname=facekey --command="
    SELECT (SELECT count(*) FROM (SELECT previous, lag(digest) OVER (ORDER BY sequence) AS before,
                                         sequence FROM audit) AS chain
            WHERE sequence > 1 AND previous IS DISTINCT FROM before)
         + (SELECT count(*) FROM audit_head WHERE sequence <> (SELECT coalesce(max(sequence), 0) FROM audit))")
[ "$broken" = 0 ] || stop 65 "$newest was restored, and its audit log doesn't add up"
tell restored facekey_backup_restored_timestamp_seconds "When the newest backup was restored to try it." "$(date +%s)"
echo "$(basename "$newest") $said"

#!/usr/bin/env bash
# Puts a backup back, whole or not at all.
#
#   ./restore.sh /backups/facekey-20260101T030000Z.dump            into an empty database
#   ./restore.sh --replace /backups/facekey-20260101T030000Z.dump  what is there is put aside, into a schema of its own
#
# (1) The dump is what was written, by its SHA-256. (2) No service is connected: it would go on with what it remembers.
# (3) All of it happens in one transaction. Afterwards: facekey database check, facekey audit verify, then start the
# service, and erase again who was erased since the backup (docs/backup.md). Exit codes as of backup.sh.
set -euo pipefail
umask 077
. "$(dirname "$(readlink -f "$0")")/database.sh"

replace=no
[ "${1:-}" != --replace ] || { replace=yes; shift; }
[ $# -eq 1 ] || stop 64 "say which dump: ./restore.sh [--replace] /backups/facekey-....dump"
dump=$1
[ -r "$dump" ] || stop 66 "$dump can't be read"

# (1)
if [ -r "$dump.sha256" ]; then
    (cd "$(dirname "$dump")" && sha256sum --quiet --check "$(basename "$dump").sha256") ||
        stop 65 "$dump isn't what was written: take another backup"
else
    echo "$(basename "$0"): $dump.sha256 isn't there, so changes can't be seen" >&2
fi
contents=$(mktemp)
trap 'rm -f "$contents"' EXIT
# What the database's superuser made there belongs to it: the schema itself, and extensions.
pg_restore --list "$dump" | grep -Ev ' (SCHEMA|EXTENSION|COMMENT) - ' >"$contents" || stop 65 "$dump is no dump of pg_dump"
grep -q ' TABLE DATA public audit ' "$contents" || stop 65 "$dump isn't a backup of FaceKey"

# (2)
connected=$(ask --command="SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'facekey'") ||
    stop 75 "the database can't be reached"
[ "$connected" = 0 ] || stop 75 "$connected connections of the service are open: stop it first"
there=$(ask --command="SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
[ "$there" = 0 ] || [ "$replace" = yes ] ||
    stop 73 "the database has $there tables; nothing was changed. --replace puts them aside"

# (3)
aside=before_$(date -u +%Y%m%dt%H%M%Sz)
{
    if [ "$there" != 0 ]; then
        cat <<SQL
CREATE SCHEMA $aside;
DO \$\$
DECLARE one record;
BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE public.%I SET SCHEMA $aside', one.tablename);
    END LOOP;
    FOR one IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA $aside', one.name);
    END LOOP;
END
\$\$;
SQL
    fi
    pg_restore --no-owner --no-privileges --use-list="$contents" --file=- "$dump"
} | psql --no-psqlrc --quiet --single-transaction --set=ON_ERROR_STOP=1 --dbname="$url" >/dev/null ||
    stop 1 "it could not be restored; the database is as it was"

records=$(ask --command='SELECT count(*) FROM public.audit')
people=$(ask --command='SELECT count(*) FROM public.subjects')
echo "restored: $people people, $records records in the audit log"
[ "$there" = 0 ] || echo "what was there is in the schema $aside; when it isn't needed: DROP SCHEMA $aside CASCADE"

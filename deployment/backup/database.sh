# Read by the other scripts: where the database is, without its password on any command line.
#
# Takes DATABASE_URL from the environment, or from the file of that name in FACEKEY_SECRETS_DIR (/run/secrets).

stop() { echo "$(basename "$0"): $2" >&2; exit "$1"; }

url=${DATABASE_URL:-}
if [ -z "$url" ]; then
    secrets=${FACEKEY_SECRETS_DIR:-/run/secrets}
    [ -r "$secrets/DATABASE_URL" ] || stop 78 "DATABASE_URL is missing, and so is the file $secrets/DATABASE_URL"
    url=$(<"$secrets/DATABASE_URL")
fi
case $url in
    postgresql://* | postgres://*) ;;
    postgresql+psycopg://*) url=postgresql://${url#*://} ;;
    *) stop 78 "DATABASE_URL is no postgresql://...; a SQLite database is backed up by its own tool (docs/backup.md)" ;;
esac
# What stands between the first colon of the user's part and the @ is the password, with %XX for what is special.
if [[ $url =~ ^(postgres(ql)?://[^:/@?]*):([^/@?]*)@(.*)$ ]]; then
    printf -v PGPASSWORD '%b' "${BASH_REMATCH[3]//%/\\x}"
    export PGPASSWORD
    url=${BASH_REMATCH[1]}@${BASH_REMATCH[4]}
fi
export PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-10}
folder=${FACEKEY_BACKUP_DIR:-/backups}

ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$url" "$@"; }

# Figures for /metrics (FACEKEY_METRICS_DIR, docs/monitoring.md): whole or not at all, readable by the service.
tell() { # tell FILE NAME HELP VALUE
    [ -n "${FACEKEY_METRICS_DIR:-}" ] || return 0
    local part="$FACEKEY_METRICS_DIR/.$1.part"
    printf '# HELP %s %s\n# TYPE %s gauge\n%s %s\n' "$2" "$3" "$2" "$2" "$4" >"$part"
    chmod 0644 "$part"
    mv "$part" "$FACEKEY_METRICS_DIR/$1.prom"
}

#!/usr/bin/env bash
# Make the types of the API client from the service's own description; with --check only compare.
# Usage: client.sh PYTHON [--check]
set -euo pipefail
cd "$(dirname "$0")/.."
types=src/shared/api/schema.d.ts
made=$(mktemp -d)
trap 'rm -r "$made"' EXIT
"$1" scripts/api_description.py > "$made/openapi.json"
node_modules/.bin/openapi-typescript "$made/openapi.json" --output "$made/schema.d.ts" --alphabetize > /dev/null
if [[ "${2:-}" == --check ]]; then
  cmp --silent "$made/schema.d.ts" "$types" || { echo "frontend/$types is stale: run make api-client" >&2; exit 1; }
else
  cp "$made/schema.d.ts" "$types"
fi

"""`make dashboards`: writes dashboards/*.json, which Grafana reads, out of the Python beside this.

With `--check` it writes nothing and ends with 1 where a file isn't what would be written.
"""

import json
import sys
from pathlib import Path

import recognition
import security
import service
from panels import as_json

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = (service.DASHBOARD, recognition.DASHBOARD, security.DASHBOARD)


def texts() -> dict[Path, str]:
    """What each file should hold."""
    return {
        FOLDER / f"{dashboard.uid}.json": json.dumps(as_json(dashboard), indent=1, ensure_ascii=False) + "\n"
        for dashboard in DASHBOARDS
    }


def main(words: list[str]) -> int:
    """Write, or check."""
    wanted = texts()
    old = [
        path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    old += [path for path in FOLDER.glob("*.json") if path not in wanted]
    if words == ["--check"]:
        sys.stderr.writelines(f"{path.name} is not current: make dashboards\n" for path in old)
        return 1 if old else 0
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

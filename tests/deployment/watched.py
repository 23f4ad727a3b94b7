"""A real Prometheus and Alertmanager with the files of `deployment`, and a service to look at."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from facekey.evaluation.rates import share
from facekey.evaluation.report import Figure, Line, Report, Section
from facekey.evaluation.textfile import write_textfile
from tests.debian import UNPACKED, program
from tests.e2e.conftest import ROOT, free_port

PROMETHEUS = ROOT / "deployment" / "prometheus"
ALERTMANAGER = ROOT / "deployment" / "alertmanager"
DASHBOARDS = ROOT / "deployment" / "grafana" / "dashboards"
TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
BESIDE = 'mount --bind "$0" /usr/share && exec "$@"'
"""For one process and its own view of the machine's files."""

START_S = 20.0
WEEK_S = 7 * 86400
NAME = re.compile(r"\b(?:[a-z_]+:)?facekey_[a-z_]+(?::[a-z0-9_]+)?\b")
SELECTOR = re.compile(r"(?<![:\w])((?:facekey|prometheus|alertmanager)_[a-z_]+|up)(?![:\w])(\{[^}]*\})?")
SUFFIXES = ("_bucket", "_sum", "_count")

Answer = list[dict[str, object]]


@cache
def rules() -> list[dict[str, str]]:
    """Every rule of every file."""
    return [
        rule
        for file in sorted(PROMETHEUS.glob("rules/*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[str]:
    return [rule["alert"] for rule in rules() if "alert" in rule]


@cache
def dashboards() -> dict[str, dict[str, object]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard: Mapping[str, object]) -> list[dict[str, object]]:
    """All but the headings."""
    found = dashboard["panels"]
    assert isinstance(found, list)
    return [panel for panel in found if panel["type"] != "row"]


def queries(uid: str) -> dict[str, str]:
    """What every panel asks, by where it stands; variables filled in as Grafana would."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", "1m")
        .replace("$job", "facekey")
        .replace("$instance", ".+")
        for panel in panels(dashboards()[uid])
        for target in panel["targets"]  # type: ignore[attr-defined]
    }


@dataclass(frozen=True)
class Prometheus:
    """A running one, and the Alertmanager beside it."""

    url: str
    mail_url: str
    client: httpx.Client

    def ask(self, query: str) -> Answer:
        answer = self.client.post(f"{self.url}/api/v1/query", data={"query": query}, timeout=30)
        assert answer.is_success, f"{query}: {answer.text}"
        found: Answer = answer.json()["data"]["result"]
        return found

    def told(self, query: str) -> list[float]:
        """The values of an answer that are numbers."""
        values = [float(one["value"][1]) for one in self.ask(query)]  # type: ignore[index]
        return [value for value in values if value == value]  # noqa: PLR0124 - NaN isn't

    def until(self, query: str) -> None:
        deadline = time.monotonic() + START_S
        while not self.ask(query):
            assert time.monotonic() < deadline, f"{query}: {httpx.get(f'{self.url}/api/v1/targets').text}"
            time.sleep(0.1)


@contextmanager
def started(command: list[str], ready: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while True:
            with suppress(httpx.TransportError):
                if httpx.get(ready, timeout=5).is_success:
                    break
            assert process.poll() is None, command
            assert time.monotonic() < deadline, command
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def alertmanager(folder: Path, port: int) -> list[str]:
    """The command; Debian's looks for its templates in one place, and an unpacked one has them elsewhere."""
    found = program("prometheus-alertmanager")
    command = [
        str(found),
        f"--config.file={ALERTMANAGER / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    if TEMPLATES.exists() or UNPACKED not in found.parents:
        return command
    seen = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        BESIDE,
        str(UNPACKED / "usr/share"),
    ]
    if shutil.which("unshare") is None or subprocess.run([*seen, "true"], check=False).returncode != 0:
        pytest.skip(f"Debian's Alertmanager needs {TEMPLATES}: install prometheus-alertmanager")
    return [*seen, *command]


@contextmanager
def prometheus(folder: Path, *, service: str, key: Path) -> Iterator[Prometheus]:
    """With the deployment's own files: only places, addresses and intervals are others."""
    port, mail_port = free_port(), free_port()
    settings = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    settings["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
    jobs = {job["job_name"]: job for job in settings["scrape_configs"]}
    del jobs["facekey"]["dns_sd_configs"]
    jobs["facekey"]["authorization"]["credentials_file"] = str(key)
    for name, address in (
        ("facekey", service),
        ("prometheus", f"127.0.0.1:{port}"),
        ("alertmanager", f"127.0.0.1:{mail_port}"),
    ):
        jobs[name]["static_configs"] = [{"targets": [address]}]
    settings["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"127.0.0.1:{mail_port}"]}]}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(settings))
    a_week_ago(folder)
    url, mail_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{mail_port}"
    with (
        started(alertmanager(folder, mail_port), f"{mail_url}/-/ready"),
        started(
            [
                str(program("prometheus")),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                "--storage.tsdb.retention.time=30d",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            f"{url}/-/ready",
        ),
        httpx.Client() as client,
    ):
        yield Prometheus(url, mail_url, client)


def a_week_ago(folder: Path) -> None:
    """What Prometheus recorded a week before, for whatever is held against it."""
    now = int(time.time())
    lines = []
    for series, value in (
        ("job:facekey_genuine_evidence:mean_1d{job='facekey'}", 6.0),
        ("job:facekey_genuine_evidence:increase1d{job='facekey'}", 500),
        ("job:facekey_quality_score:mean_1d{job='facekey'}", 0.8),
        ("job:facekey_quality_score:increase1d{job='facekey'}", 500),
        ("job_action:facekey_liveness_score:mean_1d{action='authenticate',job='facekey'}", 0.9),
        ("job_action:facekey_liveness_score:increase1d{action='authenticate',job='facekey'}", 500),
        ("job_action:facekey_accepted:ratio_1h{action='authenticate',job='facekey'}", 0.9),
        ("job_action:facekey_unmatched:ratio_1h{action='authenticate',job='facekey'}", 0.05),
    ):
        lines.append(f"# TYPE {series.partition('{')[0]} gauge")
        labelled = series.replace("'", '"')
        lines += [f"{labelled} {value} {now - WEEK_S + minute * 60}" for minute in range(-10, 10)]
    kept = folder / "week.txt"
    kept.write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", kept, folder / "tsdb"],
        capture_output=True,
        timeout=60,
        check=True,
    )


def figures_of_others(folder: Path) -> None:
    """Files as an evaluation and the backup job leave them."""
    names = (
        *("accuracy", "eer", "tar_at_threshold", "fmr_at_threshold", "failure_to_acquire", "bpcer"),
        *("detection_recall", "fpir_at_threshold", "fnir_at_threshold", "fnmr_at_fmr"),
    )
    counted = share(2970, 3000)
    section = Section(
        "lfw",
        "LFW",
        (),
        tuple(
            Figure.of(
                name, name, "fusion", Line.PIPELINE, counted, at=1e-4 if name == "fnmr_at_fmr" else None
            )
            for name in names
        ),
        "f" * 64,
        7701,
    )
    made = Report(datetime.now(UTC), "0.1.0", "machine", "facekey evaluate lfw", 1e-4, 0.5, (), (section,))
    write_textfile(made, folder / "lfw.prom")
    now = int(time.time())
    for name, value in (
        ("facekey_backup_timestamp_seconds", now - 3600),
        ("facekey_backup_restored_timestamp_seconds", now - 3000),
        ("facekey_backup_bytes", 5_000_000),
    ):
        (folder / f"{name}.prom").write_text(f"# HELP {name} x\n# TYPE {name} gauge\n{name} {value}\n")

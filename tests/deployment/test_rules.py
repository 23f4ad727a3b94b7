"""Prometheus' and Alertmanager's files: right, each alert tested both ways, each with a page to read."""

import json
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from tests.debian import program
from tests.deployment.watched import ALERTMANAGER, PROMETHEUS, alertmanager, alerts, rules, started
from tests.e2e.conftest import ROOT, free_port
from tests.unit.test_documented import commands_in, missing_in

RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.stem != "README")
HEADINGS = ["What it means", "First look", "What to do", "When it is over"]
SEVERITIES = {"critical", "warning", "info"}
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


def said(command: Sequence[str | Path]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_prometheus_takes_the_files() -> None:
    promtool = program("promtool")
    said([promtool, "check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml"])
    said([promtool, "check", "rules", "--lint=all", "--lint-fatal", *sorted(PROMETHEUS.glob("rules/*.yml"))])


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_on_what_they_must_and_on_nothing_else(file: Path) -> None:
    said([program("promtool"), "test", "rules", file])


def test_every_alert_is_tested_both_ways() -> None:
    fires: set[str] = set()
    quiet: dict[str, set[str]] = {}
    for file in TESTS:
        for group in yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["tests"]:
            for one in group["alert_rule_test"]:
                if one["exp_alerts"]:
                    fires.add(one["alertname"])
                else:
                    quiet.setdefault(group["name"], set()).add(one["alertname"])
    assert fires == set(alerts())
    unused, used = (name for name, silent in quiet.items() if silent == set(alerts()))
    assert "just started" in unused
    assert "is used and well" in used
    near = set().union(*(silent for name, silent in quiet.items() if name not in {unused, used}))
    assert set(alerts()) - near == set(), "quiet next to what it fires on"


@pytest.mark.parametrize(
    "rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"]
)
def test_an_alert_says_what_happened_and_where_to_read_on(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert told["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}/{rule['alert']}.md"
    assert (RUNBOOKS / f"{rule['alert']}.md").is_file()


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert [page.stem for page in PAGES] == sorted(alerts())
    index = (RUNBOOKS / "README.md").read_text()
    assert re.findall(r"\]\((\w+)\.md\)", index) == [*dict.fromkeys(re.findall(r"\]\((\w+)\.md\)", index))]
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == set(alerts())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_can_be_followed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    missing = {command: missing_in(command.split()) for command in commands_in(text)}
    assert {command: word for command, word in missing.items() if word is not None} == {}
    for target in re.findall(r"\]\(([^)#]+\.md)", text):
        assert (page.parent / target).is_file(), target


@pytest.mark.parametrize("file", ["alertmanager.yml", "notify.yml"])
def test_alertmanager_takes_the_file_and_sends_each_severity_where_it_belongs(file: str) -> None:
    amtool = program("amtool")
    said([amtool, "check-config", ALERTMANAGER / file])
    routed = [str(amtool), "config", "routes", "test", f"--config.file={ALERTMANAGER / file}"]
    for severity, receiver in (
        ("critical", "at-once"),
        ("warning", "working-hours"),
        ("info", "working-hours"),
    ):
        assert said([*routed, f"severity={severity}"]).strip() == receiver
    assert said([*routed, "severity=other"]).strip() == "nobody"


def test_both_files_of_alertmanager_differ_in_whom_they_tell_alone() -> None:
    plain, notify = (
        yaml.safe_load((ALERTMANAGER / file).read_text()) for file in ("alertmanager.yml", "notify.yml")
    )
    assert plain["route"] == notify["route"]
    assert plain["inhibit_rules"] == notify["inhibit_rules"]
    assert [one["name"] for one in plain["receivers"]] == [one["name"] for one in notify["receivers"]]
    assert all(set(one) == {"name"} for one in plain["receivers"])
    told = {one["name"] for one in notify["receivers"] if len(one) > 1}
    assert told == {"at-once", "working-hours"}
    text = (ALERTMANAGER / "notify.yml").read_text()
    assert not re.search(r"(password|secret|token|credentials): ", text), "secrets lie in files"
    assert set(re.findall(r"_file: (\S+)/", text)) == {"/run/secrets/alertmanager"}


def test_names_in_inhibitions_are_those_of_alerts() -> None:
    text = (ALERTMANAGER / "alertmanager.yml").read_text()
    matchers = re.findall(r"alertname(=~|=|!=|!~)\"([^\"]+)\"", text)
    for kind, name in matchers:
        known = [alert for alert in alerts() if re.fullmatch(name, alert)]
        assert known, (kind, name)
        if "~" in kind and ".+" not in name:
            for part in re.split(r"\|(?![^(]*\))", name):
                assert [alert for alert in alerts() if re.fullmatch(part, alert)], part


def test_an_outage_silences_what_follows_from_it(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    a, b = ({"job": "facekey", "instance": instance} for instance in ("a:8000", "b:8000"))
    service = {"job": "facekey"}
    firing = {
        "FaceKeyDown": a,
        "FaceKeyQueueFull": a,
        "FaceKeyWorkersMissing": b,
        "FaceKeyDatabaseFails": service,
        "FaceKeyErrors": service,
        "FaceKeySpoofs": service,
        "MonitoringDown": {"job": "alertmanager"},
    }
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    posted = [{"labels": {"alertname": name, **labels}, "endsAt": until} for name, labels in firing.items()]
    with started(alertmanager(tmp_path, port), f"{url}/-/ready"):
        httpx.post(
            f"{url}/api/v2/alerts", content=json.dumps(posted), headers={"Content-Type": "application/json"}
        )
        shown = httpx.get(f"{url}/api/v2/alerts", params={"inhibited": "false"}).json()
    assert {one["labels"]["alertname"] for one in shown} == set(firing) - {
        "FaceKeyQueueFull",
        "FaceKeyErrors",
    }

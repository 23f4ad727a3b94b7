"""Grafana's dashboards: current, whole, and what Grafana's own schema knows."""

import json
import re
import subprocess
import sys
from itertools import combinations
from typing import get_args

import pytest
import yaml  # type: ignore[import-untyped]
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.deployment.watched import alerts, dashboards, panels
from tests.e2e.conftest import ROOT

GRAFANA = ROOT / "deployment" / "grafana"
COMPOSE = yaml.safe_load((ROOT / "deployment" / "docker-compose.yml").read_text())
OF_PROMETHEUS = {"definition", "step", "titleFormat", "textFormat", "useValueForTime"}
"""What Grafana's data source for Prometheus adds to variables and marks."""

LINK = re.compile(r"/public/runbooks/(\w+)\.md")
UNITS = {get_args(kind)[0] for name, kind in vars(units).get("__annotations__", {}).items()}


def lost(ours: object, theirs: object, path: str = "") -> set[str]:
    """What Grafana's schema doesn't know, or holds for something else."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        unknown = {name for name in ours if name not in theirs}
        inner = (lost(ours[name], theirs[name], f"{path}.{name}") for name in ours if name in theirs)
        return unknown.union(*inner)
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return set().union(*(lost(one, other, path) for one, other in zip(ours, theirs, strict=True)))
    return set() if ours == theirs else {path}


@pytest.mark.parametrize("uid", dashboards())
def test_grafana_knows_all_that_stands_in_a_dashboard(uid: str) -> None:
    plugins.register_default_plugins()
    made = dashboards()[uid]
    back = json.loads(json.dumps(Dashboard.from_json(made), cls=JSONEncoder))
    assert lost(made, back) <= OF_PROMETHEUS
    assert lost({**made, "tittle": "x", "graphTooltip": 0}, back) >= {"tittle", ".graphTooltip"}


def test_dashboards_are_what_their_program_makes() -> None:
    checked = subprocess.run(
        [sys.executable, GRAFANA / "make_dashboards.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("uid", dashboards())
def test_a_dashboard_can_be_read(uid: str) -> None:
    made = dashboards()[uid]
    assert made["uid"] == uid
    placed = made["panels"]
    assert isinstance(placed, list)
    assert len({panel["id"] for panel in placed}) == len(placed)
    spots = [panel["gridPos"] for panel in placed]
    for spot in spots:
        assert spot["x"] + spot["w"] <= 24
    for one, other in combinations(spots, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
    shown = panels(made)
    assert len({str(panel["title"]) for panel in shown}) == len(shown)
    for panel in shown:
        assert len(str(panel["description"])) > 8, panel["title"]
        assert panel["targets"], panel["title"]
        defaults = panel["fieldConfig"]["defaults"]  # type: ignore[index]
        assert defaults["unit"] in UNITS, panel["title"]
        assert defaults["thresholds"]["steps"], panel["title"]


def test_dashboards_ask_the_source_that_is_provisioned() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    provisioned = {source["uid"] for source in sources["datasources"]}
    text = "".join(path.read_text() for path in sorted((GRAFANA / "dashboards").glob("*.json")))
    named = set(re.findall(r'"datasource": \{\s*"type": "prometheus",\s*"uid": "([^"]+)"', text))
    assert named == {"facekey-prometheus"}
    assert named <= provisioned
    assert text.count('"datasource"') == len(re.findall(r'"datasource": \{\s*"type": "prometheus"', text))


def test_runbooks_that_are_linked_to_are_there_and_grafana_serves_them() -> None:
    text = "".join(path.read_text() for path in sorted((GRAFANA / "dashboards").glob("*.json")))
    linked = set(LINK.findall(text))
    assert linked - set(alerts()) == set()
    assert (
        "../docs/runbooks:/usr/share/grafana/public/runbooks:ro" in COMPOSE["services"]["grafana"]["volumes"]
    )


def test_grafana_looks_for_dashboards_where_compose_puts_them() -> None:
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "facekey.yml").read_text())
    [folder] = [one["options"]["path"] for one in provider["providers"]]
    volumes = COMPOSE["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{folder}:ro" in volumes
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in volumes

"""A real Prometheus looks at a real service that real faces ask: every picture and every rule has data."""

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner
from websockets.sync.client import connect

from facekey.api.shadow_meters import ShadowMeters
from facekey.cli.main import app
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.zoo.zoo import Zoo
from tests.deployment.watched import (
    NAME,
    SELECTOR,
    Prometheus,
    dashboards,
    figures_of_others,
    prometheus,
    queries,
    rules,
)
from tests.e2e.conftest import ROOT, free_port, running
from tests.e2e.streaming import frame_message, new_session, start_message, stream_url
from tests.photos import Photos, encoded, on_a_screen
from tests.servers import RedisServer

USER, OPERATOR, PASSWORD = "zaphod-4711", "marvin", "not the password of anybody"
WRONG_SIGN_INS = 50
MOST_SAMPLES = 4000
NEVER_HERE = {
    "facekey_shadow_": "no network is in shadow: the default pack has none to try beside its own",
    "facekey_bias_ratio": "a ratio takes hundreds of attempts by declared groups",
    "facekey_bias_alarm": "as above",
}
"""Metrics that stay empty in this test, and why. Their names are checked all the same."""

NOT_NOW = {
    'facekey_requests_total{route="/health/ready",status="503"}': "the service is ready",
    'facekey_requests_total{route!~"/health.*|/metrics",status=~"5.."}': "nothing fails",
    "alertmanager_notifications_failed_total": "nobody is told, so nobody can be missed",
}
"""What rules ask for that must not be there; without the labels it is."""


@dataclass(frozen=True)
class Watched:
    """A service that was used, and who looks at it."""

    prometheus: Prometheus
    metrics: str

    @cached_property
    def families(self) -> set[str]:
        """Names as queries have them: counters with their ending."""
        told = [self.metrics, generate_latest(shadow_registry()).decode()]
        return {
            family.name + "_total" * (family.type == "counter")
            for text in told
            for family in text_string_to_metric_families(text)
        }


def shadow_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ShadowMeters(registry, "any")
    return registry


def command(environment: dict[str, str], *words: str) -> str:
    ended = CliRunner().invoke(app, list(words), env=environment)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def used(client: httpx.Client, photos: Photos, key: str) -> None:
    """What a day brings: the rightful, a stranger, a spoof, a search, a stream, wrong sign-ins."""
    for user_id, photo, reason in (
        (USER, photos.obama3, "live_match"),
        (USER, photos.biden, "no_match"),
        (USER, on_a_screen(photos.obama3), "spoof_suspected"),
        (USER, encoded(np.full((240, 320, 3), 90, np.uint8)), "no_face"),
    ):
        answer = client.post("/api/v1/authenticate", data={"user_id": user_id}, files={"image": photo})
        assert answer.json().get("reason") == reason, answer.text
    assert client.post("/api/v1/identify", files={"image": photos.obama3}).json()["found"]
    session = new_session()
    with connect(
        stream_url(str(client.base_url).rstrip("/")), additional_headers={"Authorization": f"Bearer {key}"}
    ) as socket:
        socket.send(start_message(USER, session))
        socket.send(frame_message(photos.obama, USER, session))
        time.sleep(0.5)
    for _ in range(WRONG_SIGN_INS):
        form = {"username": OPERATOR, "password": PASSWORD}
        assert client.post("/api/v1/auth/token", data=form).status_code in {401, 429}
    assert httpx.get(f"{client.base_url}/api/v1/users").status_code == 401


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, zoo: Zoo, photos: Photos, redis_server: RedisServer
) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    figures_of_others(folder)
    environment = {
        "DATABASE_URL": f"sqlite:///{folder}/facekey.db",
        "REDIS_URL": redis_server.url,
        "FACEKEY_KEY_PROVIDER": "file",  # says when its keys were made
        "FACEKEY_KEY_FILE": str(folder / "root.keys"),
        "FACEKEY_PROFILE": "production",
        "FACEKEY_METRICS_DIR": str(folder),
        "SECRET_KEY": EncryptionKey.generate().written(),
        "FACEKEY_PORT": str(free_port()),
    }
    command(environment, "keys", "add")
    command(environment, "accounts", "add", "ada", "--role", "admin")
    monitor = command(environment, "api-keys", "add", "prometheus", "--role", "monitor").split()[-1]
    service = command(environment, "api-keys", "add", "shop", "--role", "operator").split()[-1]
    command(environment, "audit", "checkpoint")
    key = folder / "monitor_key"
    key.write_text(f"{monitor}\n")
    gunicorn = [sys.executable, "-m", "gunicorn", "app.main:app", "--workers", "1"]
    here = {**environment, "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    with (
        running(gunicorn, here) as (url, _),
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {service}"}, timeout=60) as client,
        prometheus(folder, service=url.removeprefix("http://"), key=key) as looking,
    ):
        files = [("images", photo) for photo in photos.enrolment()]
        assert client.post("/api/v1/register", data={"user_id": USER}, files=files).is_success
        client.get("/health/ready")
        for _ in range(2):  # a rate takes two looks
            used(client, photos, service)
            seen = int(time.time() * 1000)
            looking.until(f'timestamp(up{{job="facekey"}} == 1) * 1000 > {seen + 1000}')
        looking.until('ALERTS{alertname="FaceKeySignInsRefused",alertstate="firing"}')
        metrics = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {monitor}"}).text
        yield Watched(looking, metrics)


@pytest.mark.parametrize("uid", dashboards())
def test_every_picture_has_data(watched: Watched, uid: str) -> None:
    empty = {}
    for where, query in queries(uid).items():
        there = watched.prometheus.told(query)
        if not there and not any(name in query for name in NEVER_HERE):
            empty[where] = query
    assert empty == {}


@pytest.mark.parametrize("uid", dashboards())
def test_variables_and_marks_can_be_asked_for(watched: Watched, uid: str) -> None:
    text = json.dumps(dashboards()[uid])
    variables = re.findall(r'"definition": "label_values\((facekey_\w+)', text)
    assert len(variables) == 2
    assert all(watched.prometheus.told(name) for name in variables)
    marks = dashboards()[uid]["annotations"]["list"]  # type: ignore[index]
    for mark in marks:
        watched.prometheus.ask(mark["expr"].replace("$job", "facekey"))


def test_every_rule_has_data_to_judge(watched: Watched) -> None:
    for rule in rules():
        answer = watched.prometheus.ask(rule["expr"])
        if "record" in rule:
            assert answer, rule
            continue
        for metric, labels in SELECTOR.findall(rule["expr"]):
            if any(metric.startswith(name) for name in NEVER_HERE):
                continue
            selector = metric + labels
            if selector in NOT_NOW:
                assert not watched.prometheus.ask(f"{selector} > 0"), selector
                selector = metric
            assert watched.prometheus.ask(selector), (rule["alert"], selector)


def test_names_in_rules_and_pictures_are_those_of_the_service(watched: Watched) -> None:
    asked = "\n".join([*asked_for(), *(rule["expr"] for rule in rules())])
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    families = watched.families
    assert {name for name in NAME.findall(asked) if not known(name, families, recorded)} == set()
    assert not known("facekey_request_total", families, recorded)
    assert not known("job:facekey_request:rate5m", families, recorded)


def asked_for() -> list[str]:
    return [query for uid in dashboards() for query in queries(uid).values()]


def known(name: str, families: set[str], recorded: set[str]) -> bool:
    if ":" in name:
        return name in recorded
    return name in families or re.sub("_(bucket|sum|count)$", "", name) in families


def test_everything_that_the_service_tells_is_shown(watched: Watched) -> None:
    shown = "\n".join([*asked_for(), *(rule["expr"] for rule in rules())])
    told = {
        name for name in watched.families if name.startswith("facekey_") and not name.endswith("_created")
    }
    assert {name for name in told if name not in shown} == set()


def test_everything_that_the_service_tells_is_explained(watched: Watched) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = re.findall(r"`(facekey_[a-z_]+\*?)`", guide)
    told = {
        name for name in watched.families if name.startswith("facekey_") and not name.endswith("_created")
    }
    assert {name for name in told if not any(fnmatch(name, known) for known in named)} == set()
    assert {known for known in named if not any(fnmatch(name, known) for name in told)} == set()


def test_metrics_are_bounded_and_name_nobody(watched: Watched) -> None:
    samples = [line for line in watched.metrics.splitlines() if not line.startswith("#")]
    assert len(samples) < MOST_SAMPLES
    for secret in (USER, OPERATOR, PASSWORD, "127.0.0.1", "ada"):
        assert f'"{secret}' not in watched.metrics
        assert secret not in watched.metrics or secret == "ada"
    values: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(watched.metrics):
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault(f"{family.name} {label}", set()).add(value)
    assert {name: found for name, found in values.items() if len(found) > 60} == {}


def test_an_alert_comes_to_alertmanager_with_its_runbook(watched: Watched) -> None:
    deadline = time.monotonic() + 10
    while True:
        shown = httpx.get(f"{watched.prometheus.mail_url}/api/v2/alerts").json()
        found = [one for one in shown if one["labels"]["alertname"] == "FaceKeySignInsRefused"]
        if found or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    [alert] = found
    assert alert["labels"] == {"alertname": "FaceKeySignInsRefused", "job": "facekey", "severity": "warning"}
    assert alert["annotations"]["runbook_url"] == "docs/runbooks/FaceKeySignInsRefused.md"
    assert alert["receivers"] == [{"name": "working-hours"}]

"""Reports on people who declared groups: made, kept, put on record; over HTTP, metrics and pictures."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from facekey.api.app import create_app
from facekey.api.collectors import BiasCollector
from facekey.api.meters import Meters
from facekey.api.metrics import ProcessMetrics
from facekey.api.service import Service
from facekey.cli.bias_picture import draw
from facekey.cli.main import app as command_line
from facekey.core.audit import AuditEvent
from facekey.core.bias import BiasPolicy, Finding, Rate, Tally, Verdict, estimate
from facekey.core.consent import ConsentGiven
from facekey.core.errors import ConsentMissing, RequestInvalid, SettingsInvalid
from facekey.core.labels import PURPOSE
from facekey.core.types import References, SubjectId, Template
from facekey.services.bias import MonitorBias
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.labels import SqlLabels
from facekey.wiring.limits import vocabulary
from tests.contract.store.opened import Store, event, template
from tests.unit.api.requests import ask
from tests.unit.core.made import CALLER, MODEL, direction, near
from tests.unit.services.deployed import MATCHER, NOW, HandClock, Playback, recorded, services

ALICE = SubjectId("alice")
FEW = BiasPolicy(least_people=3, least_errors=2.0, chance=1.0)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def service(store: Store, analyzer: Playback, clock: HandClock) -> Service:
    return services(store, analyzer, clock=clock)


@pytest.fixture
def monitor(store: Store, clock: HandClock) -> MonitorBias:
    labels = SqlLabels(store.database, store.ring, store.audit)
    return MonitorBias(
        people=labels, matcher=MATCHER, match_threshold=4.0, audit=store.audit, clock=clock, policy=FEW
    )


async def declares(service: Service, store: Store, name: str, group: str, spread: float) -> None:
    seed = 1000 + sum(name.encode()) * 37
    vectors = np.stack([near(direction(seed), spread, 50 * seed + n + 7) for n in range(4)])
    person = Template(SubjectId(name), (References(MODEL, vectors),))
    await store.enrol(person, event("register", name))
    await service.consents.give(SubjectId(name), ConsentGiven(PURPOSE, "1", None), caller=CALLER)
    await service.label(SubjectId(name), {"gender": group}, caller=CALLER)


@pytest.fixture
async def unequal(service: Service, store: Store) -> None:
    """Women's photos differ among themselves, men's don't."""
    for number in range(5):
        await declares(service, store, f"w{number}", "woman", 0.6)
        await declares(service, store, f"m{number}", "man", 0.95)


async def test_labels_take_consent_and_are_on_record_without_their_values(
    service: Service, store: Store
) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    with pytest.raises(ConsentMissing):
        await service.label(ALICE, {"gender": "woman"}, caller=CALLER)
    with pytest.raises(RequestInvalid):
        await service.label(ALICE, {"gender": "Woman"}, caller=CALLER)
    await service.consents.give(ALICE, ConsentGiven(PURPOSE, "1", None), caller=CALLER)
    await service.label(ALICE, {"gender": "woman"}, caller=CALLER)
    assert await service.label.of(ALICE) == {"gender": "woman"}
    await service.label.forget(ALICE, caller=CALLER)
    assert await service.label.of(ALICE) == {}
    records = (await recorded(store))[-2:]
    assert [(one["action"], one["outcome"], one["details"]) for one in records] == [
        ("label", "labelled", {}),
        ("label", "forgotten", {}),
    ]


@pytest.mark.usefixtures("unequal")
async def test_a_group_that_is_worse_off_rings_once_a_week(
    monitor: MonitorBias, store: Store, clock: HandClock
) -> None:
    assert monitor.last is None
    report = await monitor()
    assert report.people == 10
    found = {(one.group, one.rate): one for one in report.findings}
    assert found["woman", Rate.FNMR].verdict is Verdict.ALARM
    assert found["man", Rate.FNMR].verdict is Verdict.NOT_WORSE
    assert found["woman", Rate.BPCER].verdict is Verdict.TOO_FEW_PEOPLE  # nobody tried to sign in
    alarms = [one for one in await recorded(store) if one["action"] == "bias_alarm"]
    assert len(alarms) == 1
    details = alarms[0]["details"]
    assert isinstance(details, dict)
    assert (details["attribute"], details["group"], details["measure"]) == ("gender", "woman", "fnmr")
    assert details["ratio"] == 1e6  # the men had no error at all
    assert await monitor() is report  # of the last hour
    for moved, rings in ((3600.0, 1), (7 * 86_400.0, 2)):
        clock.move(moved)
        await monitor()
        alarms = [one for one in await recorded(store) if one["action"] == "bias_alarm"]
        assert len(alarms) == rings


async def test_without_labels_there_is_nothing_to_say(monitor: MonitorBias) -> None:
    report = await monitor()
    assert (report.people, report.findings) == (0, ())


async def test_refused_spoofs_before_a_login_are_errors_of_liveness(
    service: Service, store: Store, monitor: MonitorBias
) -> None:
    for number in range(6):
        await declares(service, store, f"w{number}", "woman", 0.95)
        await declares(service, store, f"m{number}", "man", 0.95)
        for name, reasons in (
            (f"w{number}", ("spoof_suspected", "live_match")),
            (f"m{number}", ("live_match",)),
        ):
            for minute, reason in enumerate(reasons):
                at = NOW - timedelta(hours=1) + timedelta(minutes=minute)
                await store.audit.append(
                    AuditEvent("authenticate", "test", SubjectId(name), "x", reason, at, {})
                )
    found = {(one.group, one.rate): one for one in (await monitor()).findings}
    assert found["woman", Rate.BPCER].verdict is Verdict.ALARM
    own = found["woman", Rate.BPCER].own
    assert own is not None
    assert (own.errors, own.trials) == (6, 12)


@pytest.fixture
def app(service: Service, monitor: MonitorBias) -> FastAPI:
    served = replace(
        service, bias=monitor, metrics=ProcessMetrics(Meters(), BiasCollector(lambda: monitor.last))
    )
    built = create_app(served, max_image_bytes=10_000)
    built.state.service = served
    return built


@pytest.mark.usefixtures("unequal")
async def test_over_http_and_for_prometheus(app: FastAPI) -> None:
    before = await ask(app, "GET", "/metrics")
    assert before.status == 200
    assert b"# TYPE facekey_bias_ratio gauge" in before.body
    assert b"facekey_bias_alarm{" not in before.body
    told = json.loads((await ask(app, "GET", "/api/v1/bias/report")).body)
    assert (told["people"], told["alarms"]) == (10, 1)
    worst = next(one for one in told["findings"] if one["verdict"] == "alarm")
    assert (worst["group"], worst["rate"], worst["ratio"]) == ("woman", "fnmr", None)  # infinite is no JSON
    assert worst["group_rate"]["low"] <= worst["group_rate"]["rate"] <= worst["group_rate"]["high"]
    unknown = next(one for one in told["findings"] if one["verdict"] == "too_few_people")
    assert (unknown["group_rate"], unknown["ratio"]) == (None, None)
    after = (await ask(app, "GET", "/metrics")).body.decode()
    assert 'facekey_bias_alarm{attribute="gender",group="woman",rate="fnmr"} 1.0' in after
    assert 'facekey_bias_ratio{attribute="gender",group="man",rate="fnmr"} 0.0' in after
    assert "facekey_bias_report_timestamp_seconds" in after
    assert "w0" not in after


async def test_labels_over_http(app: FastAPI, store: Store, service: Service) -> None:
    path, body = "/api/v1/users/alice/labels", b'{"labels": {"gender": "woman"}}'
    json_headers = ((b"content-type", b"application/json"),)
    headers = (("host", "localhost"), *((name.decode(), value.decode()) for name, value in json_headers))

    async def put(said: bytes) -> tuple[int, str]:
        answer = await ask(app, "PUT", path, headers=headers, body=[said])
        return answer.status, "" if answer.status == 200 else answer.code

    assert await put(body) == (404, "user_unknown")
    await store.enrol(template("alice", 1), event("register", "alice"))
    assert await put(body) == (422, "consent_missing")
    await service.consents.give(ALICE, ConsentGiven(PURPOSE, "1", None), caller=CALLER)
    assert await put(body) == (200, "")
    assert await put(b'{"labels": {"gender": "fish"}}') == (422, "label_unknown")
    assert await put(b'{"labels": {}}') == (422, "labels_missing")
    assert await put(b'{"labels": {"' + b"g" * 40 + b'": "woman"}}') == (422, "request_invalid")
    told = json.loads((await ask(app, "GET", path)).body)
    assert told == {"user_id": "alice", "labels": {"gender": "woman"}}
    assert (await ask(app, "DELETE", path)).status == 200
    assert json.loads((await ask(app, "GET", path)).body)["labels"] == {}


async def test_adaptation_over_http(app: FastAPI, store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    told = json.loads((await ask(app, "GET", "/api/v1/users/alice/adaptation")).body)
    assert (told["version"], told["learned_vectors"], told["common_threshold"]) == (1, 0, 0.65)
    undo = await ask(app, "POST", "/api/v1/users/alice/adaptation/undo")
    assert (undo.status, undo.code) == (422, "nothing_to_undo")
    assert (await ask(app, "GET", "/api/v1/users/nobody/adaptation")).status == 404


def test_a_vocabulary_that_cannot_be_read_is_a_setting_that_cannot_be_used() -> None:
    assert vocabulary(Settings(bias_labels="hand=left|right")).values == {"hand": ("left", "right")}
    with pytest.raises(SettingsInvalid, match="FACEKEY_BIAS_LABELS"):
        vocabulary(Settings(bias_labels="hand"))


def rows(worse: str) -> str:
    lines = ["attribute,group,kind,score,subject"]
    for group, wrong in (("a", 2), (worse, 10)):
        for person in range(40):
            lines += [
                f"tone,{group},mated,{0.2 if trial < wrong else 0.9},{group}{person}" for trial in range(20)
            ]
    return "\n".join(lines)


@pytest.fixture
def scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "scores.csv"
    path.write_text(rows("b$$ $x_"))
    return path


def test_an_evaluation_becomes_a_table_a_picture_and_an_exit_code(scores: Path) -> None:
    picture = scores.with_name("bias.png")
    done = CliRunner().invoke(
        command_line, ["bias", "report", "--evaluation", str(scores), "--output", str(picture), "--json"]
    )
    assert done.exit_code == 1, done.output
    told = json.loads(done.output)
    assert [(one["group"], one["verdict"], one["ratio"]) for one in told] == [
        ("a", "not_worse", 0.2),
        ("b$$ $x_", "alarm", 5.0),
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")
    table = CliRunner().invoke(command_line, ["bias", "report", "--evaluation", str(scores)])
    assert "WORSE" in table.output
    fine = CliRunner().invoke(
        command_line, ["bias", "report", "--evaluation", str(scores), "--match-threshold", "0.1"]
    )
    assert fine.exit_code == 0
    assert "few" in fine.output


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"\xff\xfe\x00", b"", b"attribute,group,kind,score\nx,y,z,1\n"]
)
def test_evaluations_that_are_none(scores: Path, content: bytes) -> None:
    scores.write_bytes(content)
    done = CliRunner().invoke(command_line, ["bias", "report", "--evaluation", str(scores)])
    assert done.exit_code == 65, done.output


@pytest.mark.usefixtures("zoo")
def test_the_enrolled_are_reported_on_from_a_shell(
    scores: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(migrated, "here.db")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///here.db")
    monkeypatch.setenv("ENCRYPTION_KEY", EncryptionKey.generate().written())
    picture = scores.with_name("nobody.png")
    done = CliRunner().invoke(command_line, ["bias", "report", "--output", str(picture)])
    assert done.exit_code == 0, done.output
    assert "nobody declared a group" in done.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_picture_shows_what_is_not_known(tmp_path: Path) -> None:
    own = estimate([Tally(1, 10)] * 30)
    findings = (
        Finding("tone", "a", Rate.FNMR, 30, Verdict.TOO_FEW_ERRORS, own, own),
        Finding("tone", "b", Rate.FNMR, 3, Verdict.TOO_FEW_PEOPLE),
        Finding("age", "c", Rate.APCER, 3, Verdict.TOO_FEW_PEOPLE),
    )
    draw(findings, tmp_path / "bias.png", title="$x_")
    assert (tmp_path / "bias.png").stat().st_size > 10_000


def test_a_picture_that_cannot_be_written(scores: Path) -> None:
    done = CliRunner().invoke(
        command_line, ["bias", "report", "--evaluation", str(scores), "--output", "nowhere/bias.png"]
    )
    assert done.exit_code == 65
    assert "can't be written" in done.output.replace("\n", " ")

"""From a spoof in front of the camera to a mail and a signed request, as `wiring` puts it together."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from facekey.cli.main import app
from facekey.core.errors import SettingsInvalid
from facekey.core.types import Outcome, Reason, SubjectId
from facekey.settings import Settings, read_settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.ledger import SqlLedger
from facekey.wiring.alerts import alerting, channels, notifiers, open_outbox
from facekey.wiring.deployment import Deployment
from facekey.wiring.records import audit_log
from tests.contract.store.opened import ATTEMPTS, Store
from tests.receivers import Inbox, MailServerProcess, Receiver, answer_with
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import Playback, person, services

SECRET = "a secret of thirty-two characters"
ALICE = SubjectId("alice")


def settings_for(store: Store, mail: MailServerProcess, hook: Receiver, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "ENCRYPTION_KEY": EncryptionKey.generate().written(),
            "DATABASE_URL": store.url,
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_tls": "none",
            "alert_from": "facekey@example.org",
            "alert_to": "ops@example.org",
            "webhook_url": hook.url,
            "webhook_secret": SECRET,
            **more,
        }
    )


def deployed(store: Store, settings: Settings) -> Deployment:
    return Deployment(settings, store.database, store.ring, store.keys)


def alerted(store: Store, settings: Settings) -> Store:
    """The store with the audit log that the settings ask for."""
    log = audit_log(deployed(store, settings))
    ledger = SqlLedger(store.database, log, ATTEMPTS, pseudonym_key=store.keys.pseudonyms)
    return replace(store, audit=log, ledger=ledger)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a server in a thread
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("names", [False, True])
async def test_a_spoof_is_one_mail_and_one_request(store: Store, analyzer: Playback, names: bool) -> None:
    with MailServerProcess() as mail, Receiver() as hook:
        settings = settings_for(store, mail, hook, alert_names=names)
        store = alerted(store, settings)
        service = services(store, analyzer)
        await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
        for _ in range(3):
            shown = analyzer.photo(evidence(near(person(1), 0.9, 77), liveness=0.1))
            decision = await service.authenticate(ALICE, shown, caller=CALLER)
            assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.SPOOF_SUSPECTED)
        async with alerting(deployed(store, settings)):
            await until(lambda: bool(mail.inbox.raw and hook.posted))
            await asyncio.sleep(0.05)
    (sent,), (posted,) = mail.inbox.mails, hook.posted
    said = json.loads(posted.body)
    assert sent["Subject"].startswith("[FaceKey] 3 spoof attempts refused")
    assert (said["kind"], said["count"]) == ("spoof", 3)
    assert said["name"] == ("alice" if names else None)
    body = sent.get_body(("plain",))
    assert body is not None
    assert ("alice" in body.get_content()) == names
    assert said["facts"] == {"request": "authenticate", "caught_by": "spoof_suspected", "liveness": "low"}
    assert "0.1" not in json.dumps(said["facts"])


async def test_a_spoof_on_an_id_that_nobody_has_is_told_too(store: Store, analyzer: Playback) -> None:
    with MailServerProcess() as mail, Receiver() as hook:
        settings = settings_for(store, mail, hook)
        store = alerted(store, settings)
        shown = analyzer.photo(evidence(person(1), liveness=0.1))
        await services(store, analyzer).authenticate(SubjectId("nobody"), shown, caller=CALLER)
        waiting = await open_outbox(deployed(store, settings)).newest(10)
    assert {one.channel for one in waiting} == {"log", "email", "webhook"}
    assert {one.message.facts["caught_by"] for one in waiting} == {"spoof_suspected"}


async def test_a_match_is_told_to_nobody(store: Store, analyzer: Playback) -> None:
    with MailServerProcess() as mail, Receiver() as hook:
        settings = settings_for(store, mail, hook)
        store = alerted(store, settings)
        service = services(store, analyzer)
        await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
        for seed in (1, 2):
            shown = analyzer.photo(evidence(near(person(seed), 0.9, 77)))
            await service.authenticate(ALICE, shown, caller=CALLER)
        assert await open_outbox(deployed(store, settings)).newest(10) == []


Run = Callable[..., Result]


@pytest.fixture
def run(new_deployment: None) -> Run:
    """The command line of a new deployment without ways for alerts."""
    return lambda *words: CliRunner().invoke(app, ["alerts", *words])


@pytest.fixture
def ways(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], None]:
    def set_up(port: int, url: str) -> None:
        for name, value in {
            "FACEKEY_SMTP_HOST": "127.0.0.1",
            "FACEKEY_SMTP_PORT": str(port),
            "FACEKEY_SMTP_TLS": "none",
            "FACEKEY_ALERT_FROM": "facekey@example.org",
            "FACEKEY_ALERT_TO": "ops@example.org, second@example.org",
            "FACEKEY_WEBHOOK_URL": url,
            "FACEKEY_WEBHOOK_SECRET": SECRET,
        }.items():
            monkeypatch.setenv(name, value)

    return set_up


def test_a_test_message(run: Run, ways: Callable[[int, str], None]) -> None:
    assert "neither e-mail nor webhook" in run("test").output
    with MailServerProcess() as mail, Receiver() as hook:
        ways(mail.port, hook.url)
        tried = run("test")
        assert tried.exit_code == 0, tried.output
        assert json.loads(hook.posted[0].body)["kind"] == "test"
        assert mail.inbox.mails[0]["Subject"] == "[FaceKey] 1 test message"
        assert mail.inbox.recipients == [["ops@example.org", "second@example.org"]]
        mail.inbox.refuse = "550 no"
        hook.answer = lambda handler: answer_with(handler, 500)
        tried = run("test")
    assert tried.exit_code == 1
    assert "the mail server refused" in tried.output
    assert "the webhook answered 500" in tried.output
    assert SECRET not in tried.output


def test_nothing_waits(run: Run) -> None:
    assert "there is no alert" in run("list").output
    assert json.loads(run("list", "--json").stdout) == []
    assert "0 messages" in run("retry").output


async def test_the_state_of_each_message(
    store: Store, analyzer: Playback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("facekey.cli.alerts.console", Console(width=200))
    with MailServerProcess(Inbox()) as mail, Receiver() as hook:
        settings = settings_for(store, mail, hook)
    outbox = open_outbox(deployed(store, settings))
    store = alerted(store, settings)
    shown = analyzer.photo(evidence(person(1), liveness=0.1))
    await services(store, analyzer).authenticate(ALICE, shown, caller=CALLER)
    monkeypatch.setenv("DATABASE_URL", store.url)
    monkeypatch.setenv("ENCRYPTION_KEY", store.ring.keys.current().written())
    for channel in ("log", "email"):
        now = (await outbox.newest(1))[0].created_at
        claimed = await outbox.claim(channel, at=now, lease_s=1)
        assert claimed is not None
        if channel == "log":
            await outbox.sent(claimed, at=now)
        else:
            await outbox.failed(claimed, "[red]no answer", at=now, wait_s=None)
    listed = await asyncio.to_thread(CliRunner().invoke, app, ["alerts", "list"])
    assert listed.exit_code == 1, "something was given up"
    assert "given up: [red]no answer" in listed.output
    assert "sent 2026-01-02" in listed.output
    assert "due 2026-01-02" in listed.output
    as_json = json.loads(
        (await asyncio.to_thread(CliRunner().invoke, app, ["alerts", "list", "--json"])).stdout
    )
    assert {one["channel"]: one["last_error"] for one in as_json}["email"] == "[red]no answer"
    again = await asyncio.to_thread(CliRunner().invoke, app, ["alerts", "retry"])
    assert "1 messages will be tried again" in again.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FACEKEY_ALERT_TO", "ops@example.org, x@y\u2028z", "FACEKEY_ALERT_TO"),
        ("FACEKEY_ALERT_TO", "", "FACEKEY_ALERT_TO"),
        ("FACEKEY_ALERT_FROM", "Face Key <a@b.org>", "FACEKEY_ALERT_FROM"),
        ("FACEKEY_WEBHOOK_SECRET", "short", "FACEKEY_WEBHOOK_SECRET"),
        ("FACEKEY_WEBHOOK_URL", "http://hooks.example.org/5ec7e7", "FACEKEY_WEBHOOK_URL"),
        ("FACEKEY_ALERT_CA_FILE", "/does/not/exist", "FACEKEY_ALERT_CA_FILE"),
    ],
)
def test_settings_that_can_not_be_used(  # noqa: PLR0917 - fixtures
    run: Run,
    ways: Callable[[int, str], None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    said: str,
) -> None:
    ways(25, "https://hooks.example.org/")
    assert channels(read_settings()) == ("log", "email", "webhook")
    assert set(notifiers(read_settings())) == {"log", "email", "webhook"}
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=said) as refused:
        notifiers(read_settings())
    assert "5ec7e7" not in str(refused.value)
    assert run("test").exit_code == 78

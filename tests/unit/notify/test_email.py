"""Mails, handed to a real SMTP server."""

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from facekey.core.alerts import Alert, AlertKind, Message, message_of
from facekey.core.errors import DeliveryFailed, SettingsInvalid
from facekey.core.types import SubjectId
from facekey.notify import email
from facekey.notify.email import EmailNotifier, MailServer, MailTls
from facekey.notify.log import LogNotifier
from tests.receivers import PASSWORD, USER, Inbox, MailServerProcess, make_certificate
from tests.unit.services.deployed import NOW, FixedClock

UNTRUSTING = ssl.create_default_context()
FROM, TO = "facekey@example.org", ("ops@example.org", "second@example.org")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "mail.pem")


@pytest.fixture(scope="module")
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def at(  # noqa: PLR0917 - as short as a test reads
    port: int,
    tls: MailTls = MailTls.NONE,
    context: ssl.SSLContext = UNTRUSTING,
    user: str = "",
    password: str = "",
    recipients: tuple[str, ...] = TO,
) -> EmailNotifier:
    return EmailNotifier(
        server=MailServer("127.0.0.1", port, tls, context, user, password),
        sender=FROM,
        recipients=recipients,
        clock=FixedClock(),
        console="https://faces.example.org",
    )


def message(actor: str = "operator:1", **facts: str) -> Message:
    return message_of(Alert(AlertKind.SPOOF, NOW, actor, "f" * 32, facts), "0123456789abcdef" * 2)


async def test_a_mail_arrives_as_text_and_html() -> None:
    with MailServerProcess() as server:
        await at(server.port).send(replace(message(liveness="low", request="identify"), count=37))
    (mail,) = server.inbox.mails
    assert server.inbox.recipients == [list(TO)]
    assert mail["Subject"] == "[FaceKey] 37 spoof attempts refused in 1 second"
    assert (mail["From"], mail["To"]) == (FROM, ", ".join(TO))
    assert mail["Message-ID"] == f"<{'0123456789abcdef' * 2}@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        assert "2026-01-02 03:04:05" in part
        assert "f" * 32 in part
        assert "https://faces.example.org" in part
        assert "low" in part
        assert "Person" not in part, "no name unless it was asked for"


async def test_a_name_where_the_operator_asked_for_it() -> None:
    with MailServerProcess() as server:
        await at(server.port).send(replace(message(), name=SubjectId("alice@example.org")))
    (mail,) = server.inbox.mails
    assert "alice" not in str(mail["Subject"])
    body = mail.get_body(("plain",))
    assert body is not None
    assert "alice@example.org" in body.get_content()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server doesn't know of TLS from the first byte
@pytest.mark.parametrize("implicit", [False, True])
async def test_tls_and_login(certificate: Path, trusting: ssl.SSLContext, implicit: bool) -> None:
    tls = MailTls.IMPLICIT if implicit else MailTls.STARTTLS
    with MailServerProcess(tls=certificate, implicit=implicit, login=True) as server:
        await at(server.port, tls, trusting, USER, PASSWORD).send(message())
        assert len(server.inbox.raw) == 1
        with pytest.raises(DeliveryFailed, match="SMTPAuthenticationError 535") as failure:
            await at(server.port, tls, trusting, USER, "wrong").send(message())
        assert "wrong" not in str(failure.value)
        with pytest.raises(DeliveryFailed):  # a certificate that nobody vouches for
            await at(server.port, tls, UNTRUSTING, USER, PASSWORD).send(message())
    assert len(server.inbox.raw) == 1


async def test_a_server_without_tls_gets_nothing_when_tls_is_set(trusting: ssl.SSLContext) -> None:
    with MailServerProcess() as server:
        for tls in (MailTls.STARTTLS, MailTls.IMPLICIT):
            with pytest.raises(DeliveryFailed):
                await at(server.port, tls, trusting).send(message())
    assert server.inbox.raw == []


@pytest.mark.parametrize("answer", ["451 later", "550 never", "554 no"])
async def test_a_server_that_refuses(answer: str) -> None:
    inbox = Inbox(refuse=f"{answer} for ops@example.org")
    with MailServerProcess(inbox) as server, pytest.raises(DeliveryFailed, match=answer[:3]) as failure:
        await at(server.port).send(message())
    assert "example.org" not in str(failure.value)


async def test_recipients_that_are_refused() -> None:
    with MailServerProcess(Inbox(recipients_refused={TO[0]})) as server:
        with structlog.testing.capture_logs() as logs:
            await at(server.port).send(message())
        assert server.inbox.recipients == [[TO[1]]]
        (said,) = [line for line in logs if line["event"] == "alert_recipients_refused"]
        assert (said["count"], said["codes"]) == (1, [550])
        server.inbox.recipients_refused.add(TO[1])
        with pytest.raises(DeliveryFailed, match="SMTPRecipientsRefused"):
            await at(server.port).send(message())


async def test_a_server_that_is_away_then_there() -> None:
    with MailServerProcess() as server:
        pass
    with pytest.raises(DeliveryFailed, match="SMTPConnectError"):
        await at(server.port).send(message())
    with MailServerProcess(port=server.port) as server:
        await at(server.port).send(message())
        assert len(server.inbox.raw) == 1


async def test_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeliveryFailed, match="Timeout"):
        await at(silent.getsockname()[1]).send(message())


NASTY = [
    "x\r\nBcc: eve@example.org",
    "x\nSubject: other",
    "x\r\n\r\nbody of theirs",
    "x\x85Bcc: eve@example.org",
    "x\u2028Bcc: eve@example.org\u2029",
    "x\x0bBcc:\x0c",
    "y" * 4000,
    "\u202ehidden",
    "<script>alert(1)</script>",
    "{{ message }} {% raw %}",
    "\r\n.\r\nMAIL FROM:<eve@example.org>",
]


@pytest.mark.parametrize("text", NASTY)
async def test_text_of_others_changes_no_header_and_no_markup(text: str) -> None:
    nasty = replace(message(actor=text, of=text), name=SubjectId(text))
    with MailServerProcess() as server:
        await at(server.port).send(nasty)
    (mail,) = server.inbox.mails
    assert server.inbox.recipients == [list(TO)]
    assert sorted(mail.keys()) == sorted(
        [
            *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
            *("X-FaceKey-Alert", "MIME-Version", "Content-Type"),
        ]
    )
    assert mail["Subject"] == "[FaceKey] 1 spoof attempt refused"
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ops",
        "ops@",
        "@example.org",
        "Ops <ops@example.org>",
        "ops@example.org\r\nBcc: eve@example.org",
        "ops@example.org\n",
        "ops@exa\u2028mple.org",
        "öps@example.org",
        '"o ps"@example.org',
        "ops@example.org,eve@example.org",
        "ops@-example.org",
        "a" * 65 + "@example.org",
        "ops@" + ".".join(["a" * 60] * 5),
        "ops@example.org>",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match="FACEKEY_ALERT_TO") as refused:
        at(25, recipients=("ops@example.org", address))
    assert "eve" not in str(refused.value)
    with pytest.raises(SettingsInvalid, match="FACEKEY_ALERT_FROM"):
        EmailNotifier(
            server=MailServer("localhost", 25, MailTls.NONE, UNTRUSTING),
            sender=address,
            recipients=TO,
            clock=FixedClock(),
        )


@pytest.mark.parametrize("count", [0, 21])
def test_how_many_recipients(count: int) -> None:
    with pytest.raises(SettingsInvalid, match="1 to 20"):
        at(25, recipients=tuple(f"ops{number}@example.org" for number in range(count)))


def test_a_password_is_not_shown_to_the_network() -> None:
    with pytest.raises(SettingsInvalid, match="without TLS"):
        MailServer("mail.example.org", 25, MailTls.NONE, UNTRUSTING, USER, PASSWORD)
    with pytest.raises(SettingsInvalid, match="go together"):
        MailServer("mail.example.org", 25, MailTls.STARTTLS, UNTRUSTING, USER)
    server = MailServer("localhost", 25, MailTls.NONE, UNTRUSTING, USER, PASSWORD)
    assert PASSWORD not in repr(server)


async def test_the_log_says_it_too() -> None:
    with structlog.testing.capture_logs() as logs:
        await LogNotifier().send(replace(message(liveness="low"), name=SubjectId("alice")))
    assert logs[0]["event"] == "alert"
    assert (logs[0]["kind"], logs[0]["fact_liveness"]) == ("spoof", "low")
    assert "alice" not in str(logs)

"""Alerts as e-mail, over TLS, with a plain and an HTML part."""

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path

import aiosmtplib
import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from facekey.core.alerts import Message, one_line
from facekey.core.errors import DeliveryFailed, SettingsInvalid
from facekey.core.ports.clocks import Clock
from facekey.notify.addresses import parse_address
from facekey.notify.webhook import is_loopback

TEMPLATES = Path(__file__).parent / "templates"
TIMEOUT_S = 10.0  # for each answer of the server; the whole delivery has an end of its own
MAX_SUBJECT = 120
MAX_RECIPIENTS = 20

log = structlog.get_logger(__name__)


class MailTls(StrEnum):
    """What protects mails on their way to the server."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in.

    Attributes:
        tls: `NONE` is for a server on the same machine or in a network of one's own.
        context: which certificates are believed.
    """

    host: str
    port: int
    tls: MailTls
    context: ssl.SSLContext = field(repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse to show a password to the network.

        Raises:
            SettingsInvalid: it would be sent without TLS, or one of user and password is missing.
        """
        if bool(self.user) != bool(self.password):
            raise SettingsInvalid("FACEKEY_SMTP_USER and FACEKEY_SMTP_PASSWORD go together")
        if self.password and self.tls is MailTls.NONE and not is_loopback(self.host):
            raise SettingsInvalid("FACEKEY_SMTP_PASSWORD isn't sent without TLS; FACEKEY_SMTP_TLS is none")


class EmailNotifier:
    """Implements `core.ports.alerts.Notifier`."""

    def __init__(
        self,
        *,
        server: MailServer,
        sender: str,
        recipients: tuple[str, ...],
        clock: Clock,
        console: str = "",
    ) -> None:
        """Take the server and the addresses; `console` is the link to the web app.

        Raises:
            SettingsInvalid: an address is none, or there are none or too many.
        """
        self._server = server
        self._sender = parse_address(sender, "FACEKEY_ALERT_FROM")
        self._recipients = tuple(parse_address(one, "FACEKEY_ALERT_TO") for one in recipients)
        if not 1 <= len(self._recipients) <= MAX_RECIPIENTS:
            raise SettingsInvalid(f"FACEKEY_ALERT_TO needs 1 to {MAX_RECIPIENTS} addresses")
        self._clock = clock
        self._console = console
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._text = environment.get_template("alert.txt")
        self._html = environment.get_template("alert.html")

    async def send(self, message: Message) -> None:
        """Hand a mail in; a recipient that is refused is told to the log.

        Raises:
            DeliveryFailed: the server took it for nobody.
        """
        server = self._server
        try:
            refused, _ = await aiosmtplib.send(
                self.mail(message),
                sender=self._sender,
                recipients=list(self._recipients),
                hostname=server.host,
                port=server.port,
                username=server.user or None,
                password=server.password or None,
                use_tls=server.tls is MailTls.IMPLICIT,
                start_tls=server.tls is MailTls.STARTTLS,
                tls_context=None if server.tls is MailTls.NONE else server.context,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPResponseException as error:
            # The code alone: servers answer with addresses.
            raise DeliveryFailed(f"the mail server refused: {type(error).__name__} {error.code}") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryFailed(f"the mail server can't be used: {type(error).__name__}") from None
        if refused:
            codes = sorted({answer.code for answer in refused.values()})
            log.warning("alert_recipients_refused", uid=message.uid, count=len(refused), codes=codes)

    def mail(self, message: Message) -> EmailMessage:
        """The mail as it is sent.

        Nothing that anybody outside could choose is in a header, and what is there is one line.
        """
        said = {"message": message, "console": self._console, "facts": sorted(message.facts.items())}
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Subject"] = one_line(f"[FaceKey] {message.title}", MAX_SUBJECT)
        mail["Date"] = format_datetime(self._clock.now())
        # The same for each try, so that mail programs can tell that it is one message.
        mail["Message-ID"] = f"<{message.uid}@{self._sender.partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail["X-FaceKey-Alert"] = str(message.kind)
        mail.set_content(self._text.render(said))
        mail.add_alternative(self._html.render(said), subtype="html")
        return mail

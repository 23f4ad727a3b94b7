"""Messages that leave the service, and the watch over the log."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from secrets import SystemRandom

from facekey import __version__
from facekey.core.alerts import AlertPolicy
from facekey.core.errors import SettingsInvalid
from facekey.core.ports.alerts import Notifier, SubjectNames
from facekey.notify.email import EmailNotifier, MailServer, MailTls
from facekey.notify.log import LogNotifier
from facekey.notify.webhook import WebhookNotifier
from facekey.services.deliver import Deliver
from facekey.services.find_name import FindName
from facekey.services.repeat import repeating
from facekey.services.watch_audit import CheckTail, TellAuditBroken, WatchAudit
from facekey.settings import Settings
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.directory import SqlDirectory
from facekey.store.sql.names import Names
from facekey.store.sql.outbox import SqlOutbox
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment, open_deployment

AUDIT_LOOKS_S = 300.0

OUTBOX_LOOKS_S = 2.0

SMTP_PORTS = {MailTls.STARTTLS: 587, MailTls.IMPLICIT: 465, MailTls.NONE: 25}


def open_outbox(deployment: Deployment) -> SqlOutbox:
    """Where alerts wait until they are sent."""
    return SqlOutbox(
        deployment.database,
        channels=channels(deployment.settings),
        policy=AlertPolicy(every=timedelta(minutes=deployment.settings.alert_every_minutes)),
        pseudonym_key=deployment.keys.pseudonyms,
    )


def channels(settings: Settings) -> tuple[str, ...]:
    """The ways by which alerts leave; the log of the service is always one."""
    wanted = {"log": True, "email": bool(settings.smtp_host), "webhook": bool(_webhook_url(settings))}
    return tuple(channel for channel, is_wanted in wanted.items() if is_wanted)


def notifiers(settings: Settings) -> dict[str, Notifier]:
    """The carriers of alerts, by channel.

    Raises:
        SettingsInvalid: a setting can't be used.
    """
    made: dict[str, Notifier] = {"log": LogNotifier()}
    clock, console = SystemClock(), settings.public_url
    if settings.smtp_host:
        tls = MailTls(settings.smtp_tls)
        server = MailServer(
            host=settings.smtp_host,
            port=settings.smtp_port or SMTP_PORTS[tls],
            tls=tls,
            context=_trusted(settings),
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
        )
        made["email"] = EmailNotifier(
            server=server,
            sender=settings.alert_from,
            recipients=settings.alert_to,
            clock=clock,
            console=console,
        )
    if _webhook_url(settings):
        made["webhook"] = WebhookNotifier(
            url=_webhook_url(settings),
            secret=settings.webhook_secret.get_secret_value(),
            clock=clock,
            tls=_trusted(settings),
            console=console,
            user_agent=f"FaceKey/{__version__}",
        )
    return made


@asynccontextmanager
async def alerting(deployment: Deployment) -> AsyncIterator[WatchAudit]:
    """Send alerts and watch the audit log, as long as this is open; gives the watch.

    Raises:
        SettingsInvalid: a setting can't be used.
    """
    database, key = deployment.database, deployment.keys.pseudonyms
    outbox, clock = open_outbox(deployment), SystemClock()
    names: SubjectNames | None = None
    if deployment.settings.alert_names:
        directory = SqlDirectory(database, deployment.ring, Names(key))
        names = FindName(directory=directory, pseudonym_key=key)
    watch = WatchAudit(
        check=CheckTail(tail=SqlAuditTail(database), pseudonym_key=key),
        tell=TellAuditBroken(alarm=outbox, clock=clock),
        clock=clock,
    )
    async with AsyncExitStack() as running:
        for channel, notifier in notifiers(deployment.settings).items():
            deliver = Deliver(
                channel=channel,
                outbox=outbox,
                notifier=notifier,
                clock=clock,
                chance=SystemRandom().random,
                names=names,
            )
            await running.enter_async_context(repeating(f"alerts_{channel}", deliver, every_s=OUTBOX_LOOKS_S))
        await running.enter_async_context(repeating("audit_watch", watch, every_s=AUDIT_LOOKS_S))
        yield watch


@asynccontextmanager
async def open_alerts(settings: Settings) -> AsyncIterator[SqlOutbox]:
    """The outbox, without loading a network; raises what `open_deployment` raises."""
    async with open_deployment(settings) as deployment:
        yield open_outbox(deployment)


def _webhook_url(settings: Settings) -> str:
    return settings.webhook_url.get_secret_value().strip()


def _trusted(settings: Settings) -> ssl.SSLContext:
    """The authorities that mail servers and webhooks are believed by."""
    try:
        context = ssl.create_default_context()
        if settings.alert_ca_file is not None:
            context.load_verify_locations(settings.alert_ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsInvalid(f"FACEKEY_ALERT_CA_FILE can't be read: {error.strerror}") from error
    return context

"""Alerts in the log of the service: the channel that is always there."""

import structlog

from facekey.core.alerts import Message

log = structlog.get_logger(__name__)


class LogNotifier:
    """Implements `core.ports.alerts.Notifier`. Names nobody: logs are kept by others, for long."""

    async def send(self, message: Message) -> None:
        """Write one line; never fails."""
        log.warning(
            "alert",
            kind=str(message.kind),
            title=message.title,
            count=message.count,
            subject=message.subject,
            actor=message.actor,
            first_at=message.first_at.isoformat(timespec="seconds"),
            last_at=message.last_at.isoformat(timespec="seconds"),
            **{f"fact_{name}": value for name, value in message.facts.items()},
        )

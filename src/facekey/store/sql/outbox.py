"""Messages that are to leave, in the database: written with what they tell of, sent afterwards.

An alert and the audit record that it tells of are one transaction: neither is there without
the other. The rows hold pseudonyms and never a name.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update

from facekey.core.alerts import (
    SEVERAL,
    Alert,
    AlertKind,
    AlertPolicy,
    Message,
    alert_of,
    folded,
    merged,
    message_of,
    one_line,
)
from facekey.core.audit import AuditEvent, pseudonym
from facekey.core.ports.alerts import Claimed, Waiting
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import outbox
from facekey.store.sql.times import time_of, written

MAX_ERROR = 200
LOOKED_AT = 100  # due messages of one look; more of them wait for the next

_open = and_(outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None))


class SqlOutbox:
    """Implements `Alarm`, `Outbox` and `OutboxView` of `core.ports.alerts`, and `AuditFollower`."""

    def __init__(
        self, database: Database, *, channels: Sequence[str], policy: AlertPolicy, pseudonym_key: bytes
    ) -> None:
        """Take the channels that every alert leaves by."""
        self._database = database
        self._channels = tuple(channels)
        self._policy = policy
        self._key = pseudonym_key

    async def recorded(self, connection: Connection, event: AuditEvent) -> None:
        """Keep an alert, if the event is one, in the transaction of its audit record."""
        subject = None if event.subject_id is None else pseudonym(event.subject_id, self._key)
        alert = alert_of(event, subject)
        if alert is not None:
            await self._keep(connection, alert)

    async def tell(self, alert: Alert) -> None:
        """Keep an alert that has no audit record.

        Raises:
            StoreUnavailable: it was not kept.
        """
        await self._database.write(lambda connection: self._keep(connection, alert))

    async def claim(self, channel: str, *, at: datetime, lease_s: float) -> Claimed | None:
        """Take the next message that is due, those first that were tried least; None when none is.

        What waits beside it with the same kind and person, untried, leaves with it as one.
        """
        due = and_(_open, outbox.c.channel == channel, outbox.c.next_try_at <= written(at))

        async def look(connection: Connection) -> bool:
            return (await connection.execute(select(outbox.c.uid).where(due).limit(1))).first() is not None

        if not await self._database.read(look):  # without taking the lock that all writers wait for
            return None

        async def claiming(connection: Connection) -> Claimed | None:
            order = outbox.c.tries, outbox.c.created_at, outbox.c.uid
            rows = (
                await connection.execute(select(outbox).where(due).order_by(*order).limit(LOOKED_AT))
            ).all()
            if not rows:
                return None
            first, message = rows[0], _message(rows[0])
            same = [
                row
                for row in rows[1:]
                if first.tries == 0 and row.tries == 0 and _topic(_message(row)) == _topic(message)
            ]
            for row in same:
                message = merged(message, _message(row))
                await connection.execute(delete(outbox).where(outbox.c.uid == row.uid))
            await connection.execute(
                update(outbox)
                .where(outbox.c.uid == first.uid)
                .values(
                    payload=_payload(message),
                    tries=first.tries + 1,
                    next_try_at=written(at + timedelta(seconds=lease_s)),
                )
            )
            return Claimed(message, first.tries + 1)

        return await self._database.write(claiming)

    async def sent(self, claimed: Claimed, *, at: datetime) -> None:
        """Note that it left."""

        async def noting(connection: Connection) -> None:
            await connection.execute(
                update(outbox)
                .where(outbox.c.uid == claimed.message.uid)
                .values(sent_at=written(at), next_try_at=written(at), last_error=None)
            )

        await self._database.write(noting)

    async def failed(self, claimed: Claimed, why: str, *, at: datetime, wait_s: float | None) -> None:
        """Note that it could not be handed over. The others of its channel wait as long."""
        row = outbox.c.uid == claimed.message.uid
        error = one_line(why, MAX_ERROR)

        async def noting(connection: Connection) -> None:
            if wait_s is None:
                values = {"failed_at": written(at), "next_try_at": written(at), "last_error": error}
                await connection.execute(update(outbox).where(row).values(**values))
                return
            until = written(at + timedelta(seconds=wait_s))
            await connection.execute(update(outbox).where(row).values(next_try_at=until, last_error=error))
            channel = select(outbox.c.channel).where(row).scalar_subquery()
            others = and_(_open, outbox.c.channel == channel, outbox.c.next_try_at < until)
            await connection.execute(update(outbox).where(others).values(next_try_at=until))

        await self._database.write(noting)

    async def newest(self, limit: int) -> list[Waiting]:
        """The newest messages, sent ones included."""
        query = select(outbox).order_by(outbox.c.created_at.desc(), outbox.c.uid).limit(limit)

        async def reading(connection: Connection) -> list[Waiting]:
            return [_waiting(row) for row in await connection.execute(query)]

        return await self._database.read(reading)

    async def retry(self, *, at: datetime) -> int:
        """Let what was given up be tried again; give how many."""
        again = update(outbox).where(outbox.c.failed_at.is_not(None))

        async def renewing(connection: Connection) -> int:
            values = {"failed_at": None, "tries": 0, "next_try_at": written(at)}
            return (await connection.execute(again.values(**values))).rowcount

        return await self._database.write(renewing)

    async def _keep(self, connection: Connection, alert: Alert) -> None:
        for channel in self._channels:
            await self._keep_for(connection, channel, alert)

    async def _keep_for(self, connection: Connection, channel: str, alert: Alert) -> None:
        """Fold the alert into a message that waits, or write a new one.

        A new one is due at once, unless the last about the same left a moment ago.
        """
        # What is due, was tried or was sent in the last while; what waits longer is put
        # together when it is claimed. By this condition the table's index is used.
        recent = and_(
            outbox.c.channel == channel,
            outbox.c.kind == alert.kind,
            outbox.c.next_try_at > written(alert.at - self._policy.every),
        )
        rows = (await connection.execute(select(outbox).where(recent).order_by(outbox.c.next_try_at))).all()
        said = [(row, _message(row)) for row in rows]
        people = {message.subject for _, message in said} - {None, SEVERAL}
        if alert.subject is not None and alert.subject not in people and len(people) >= self._policy.people:
            alert = replace(alert, subject=SEVERAL)
        about = [(row, message) for row, message in said if message.subject == alert.subject]
        for row, message in about:
            if row.tries == 0 and row.sent_at is None and row.failed_at is None:
                more = _payload(folded(message, alert))
                await connection.execute(update(outbox).where(outbox.c.uid == row.uid).values(payload=more))
                return
        due = alert.at
        if about:
            due = max(due, datetime.fromisoformat(about[-1][0].next_try_at) + self._policy.every)
        new = message_of(alert, secrets.token_hex(16))
        await connection.execute(
            insert(outbox).values(
                uid=new.uid,
                channel=channel,
                kind=new.kind,
                payload=_payload(new),
                created_at=written(alert.at),
                next_try_at=written(due),
                tries=0,
            )
        )


def _topic(message: Message) -> tuple[AlertKind, str | None]:
    return message.kind, message.subject


def _payload(message: Message) -> str:
    return json.dumps(
        {
            "count": message.count,
            "first_at": written(message.first_at),
            "last_at": written(message.last_at),
            "actor": message.actor,
            "subject": message.subject,
            "facts": dict(message.facts),
        }
    )


def _message(row: Row[Any]) -> Message:
    said = json.loads(row.payload)
    return Message(
        uid=row.uid,
        kind=AlertKind(row.kind),
        count=said["count"],
        first_at=datetime.fromisoformat(said["first_at"]),
        last_at=datetime.fromisoformat(said["last_at"]),
        actor=said["actor"],
        subject=said["subject"],
        facts=said["facts"],
    )


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        channel=row.channel,
        message=_message(row),
        created_at=datetime.fromisoformat(row.created_at),
        next_try_at=datetime.fromisoformat(row.next_try_at),
        tries=row.tries,
        sent_at=time_of(row.sent_at),
        failed_at=time_of(row.failed_at),
        last_error=row.last_error,
    )

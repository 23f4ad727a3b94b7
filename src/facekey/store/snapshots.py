"""Keeps a sealed copy of the gallery on disk: a start then takes seconds, and opens no templates.

A snapshot is only a shortcut: whatever is wrong with it, the gallery is filled from the
sealed templates, as it is without one.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import structlog
from sqlalchemy import select

from facekey.core.errors import FaceKeyError, SealBroken
from facekey.store.gallery import MemoryGallery
from facekey.store.sealing import KeyRing, Seal
from facekey.store.snapshot_file import Label, Part, read_snapshot, write_snapshot
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.snapshot_key import SNAPSHOT, snapshot_key, some_snapshot_key
from facekey.store.sql.tables import gallery_changes

log = structlog.get_logger(__name__)

FILE = "gallery.snapshot"
INDEX_FORMAT = 1  # of the pieces that `store.index.faces` gives
JUST_WRITTEN_S = 60.0  # by another process of this service: it says the same


class Snapshots:
    """The snapshot of one process's gallery, in a folder that several processes may share."""

    def __init__(self, database: Database, ring: KeyRing, folder: Path, gallery: MemoryGallery) -> None:
        """Take the folder; it is made at the first snapshot."""
        self._database = database
        self._ring = ring
        self._path = folder / FILE
        self._gallery = gallery
        self._writing = Lock()
        self._written_at = -1  # the place in the log that the newest snapshot is of

    async def restore(self) -> bool:
        """Fill an empty gallery with the snapshot, if there is one that can be used.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        if not self._path.is_file():
            return False
        began = time.perf_counter()
        stored = await self._database.read(snapshot_key)
        try:
            if stored is None:
                raise SealBroken("somebody was erased since it was written, and its key destroyed")
            seal = self._ring.unwrap(stored, SNAPSHOT)
            label = await asyncio.to_thread(self._load, seal)
            seen = int(label["seen"])
            if await self._database.read(lambda connection: _entry(connection, seen)) != _told(label):
                raise SealBroken("it is of another time of the database, such as before it was restored")
        except (FaceKeyError, OSError, ValueError) as error:
            self._gallery.forget()
            log.warning("gallery_snapshot_refused", file=str(self._path), cause=str(error))
            return False
        self._written_at = seen
        self._gallery.resume(seen)
        log.info(
            "gallery_snapshot_read", people=self._gallery.size, seconds=round(time.perf_counter() - began, 2)
        )
        return True

    async def save(self) -> bool:
        """Write a snapshot, unless nothing has changed since the last; tells whether it did.

        A disk that is full is told in the log, and no reason to stop.

        Raises:
            KeyUnavailable, SealBroken, StoreUnavailable: the gallery can't be brought up to date.
        """
        if self._gallery.seen == self._written_at and self._path.is_file():
            return False
        stored = await self._database.read(snapshot_key)
        if stored is None:
            stored = await self._database.write(lambda connection: some_snapshot_key(connection, self._ring))
        # After the key: an erasure before it is taken in here, one after it destroys the key.
        await self._gallery.refresh()
        seal, began = self._ring.unwrap(stored, SNAPSHOT), time.perf_counter()
        seen = self._gallery.seen
        label = {"seen": seen, **await self._database.read(lambda connection: _entry(connection, seen))}
        try:
            await asyncio.to_thread(self._write, seal, label)
        except OSError as error:
            log.warning("gallery_snapshot_not_written", file=str(self._path), cause=str(error))
            return False
        self._written_at = seen
        log.info(
            "gallery_snapshot_written",
            people=self._gallery.size,
            seconds=round(time.perf_counter() - began, 2),
        )
        return True

    async def save_for_all(self) -> None:
        """The same, for a service of several processes: the first of them does it for the others."""
        if not self._is_fresh():
            await self.save()

    def _is_fresh(self) -> bool:
        try:
            return time.time() - self._path.stat().st_mtime < JUST_WRITTEN_S
        except OSError:  # such as none, or a folder that is no folder
            return False

    def _write(self, seal: Seal, label: Label) -> None:
        def parts() -> Iterator[Part]:
            yield Part({"what": "gallery", "index": INDEX_FORMAT, **label})
            yield from self._gallery.faces.dump()

        with self._writing:  # who gave up waiting for one that is being written, and asks again
            write_snapshot(self._path, seal, parts())

    def _load(self, seal: Seal) -> Label:
        parts = read_snapshot(self._path, seal)
        first = next(parts)
        if first.label.get("index") != INDEX_FORMAT:
            raise SealBroken("it is of another version's index")
        self._gallery.faces.load(parts)
        return first.label


async def _entry(connection: Connection, sequence: int) -> Label:
    """What the log says at a place: uids are random, so another log says something else."""
    row = (
        await connection.execute(select(gallery_changes).where(gallery_changes.c.sequence == sequence))
    ).first()
    return {} if row is None else {"kind": row.kind, "uid": row.subject_uid}


def _told(label: Label) -> Label:
    return {key: label[key] for key in ("kind", "uid") if key in label}

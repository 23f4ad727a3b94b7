"""Where faces are searched, and what replicas share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from facekey.core.errors import FaceKeyError, SealBroken, SettingsInvalid
from facekey.core.matching import Matcher
from facekey.core.ports.measures import UNMEASURED, StoreMeter
from facekey.services.rebuild_index import RebuildIndex
from facekey.services.repeat import repeating
from facekey.settings import Settings
from facekey.store.gallery import MemoryGallery
from facekey.store.index.faces import SearchPlan
from facekey.store.shared import SeenFramesLimits, Shared, in_process
from facekey.store.shared_gallery import SharedGallery
from facekey.store.shared_index import SharedIndex
from facekey.store.snapshots import Snapshots
from facekey.wiring.clocks import MonotonicTicker, SystemClock
from facekey.wiring.deployment import Deployment, open_deployment
from facekey.wiring.records import audit_log
from facekey.zoo.cores import usable_cores

log = structlog.get_logger(__name__)

FOLLOW_EVERY_S = 1.0  # docs/privacy.md promises it
SNAPSHOT_EVERY_S = 600.0


@asynccontextmanager
async def open_shared(deployment: Deployment, *, meter: StoreMeter = UNMEASURED) -> AsyncIterator[Shared]:
    """What all replicas share: in Redis when the settings name one, else in this process.

    Raises:
        SettingsInvalid: REDIS_URL is none.
    """
    settings, ticker = deployment.settings, MonotonicTicker()
    frames = SeenFramesLimits(settings.stream_seen_frames, 3600 * settings.stream_seen_hours)
    url = "" if settings.redis_url is None else settings.redis_url.get_secret_value().strip()
    if not url:
        yield in_process(ticker, frames)
        return
    # Only here: redis-py takes a tenth of a second to load, and one process alone has no use for it.
    from facekey.store.redis.shared import in_redis  # noqa: PLC0415

    # Derived from, never equal to: the pseudonyms of the audit log have this key for themselves.
    async with in_redis(
        url, secret=deployment.keys.pseudonyms, ticker=ticker, frames=frames, meter=meter
    ) as shared:
        yield shared


@asynccontextmanager
async def open_gallery(
    deployment: Deployment, matcher: Matcher
) -> AsyncIterator[MemoryGallery | SharedGallery]:
    """The gallery that the settings name, ready to be searched; kept on disk where they say so.

    Raises:
        SettingsInvalid: this database has no such index.
        SealBroken, KeyUnavailable: a template can't be opened.
    """
    database, ring = deployment.database, deployment.ring
    settings = deployment.settings
    gallery: MemoryGallery | SharedGallery
    snapshots = None
    if settings.index == "pgvector":
        gallery = SharedGallery(database, ring, matcher, await _prepared_index(deployment))
    else:
        gallery = MemoryGallery(database, ring, matcher, _plan(settings))
        if settings.index_snapshot_dir is not None:
            snapshots = Snapshots(database, ring, settings.index_snapshot_dir, gallery)
            await snapshots.restore()
    try:
        await gallery.refresh()
    except SealBroken as error:
        raise SealBroken(
            f"a stored template can't be opened, so nobody can be identified: {error}"
        ) from error
    try:
        async with AsyncExitStack() as running:
            if isinstance(gallery, MemoryGallery):
                # Whoever was erased by another process leaves this one's memory though nobody searches.
                follow = repeating("gallery_follow", gallery.refresh, every_s=FOLLOW_EVERY_S)
                await running.enter_async_context(follow)
            if snapshots is not None:
                save = repeating("gallery_snapshot", snapshots.save_for_all, every_s=SNAPSHOT_EVERY_S)
                await running.enter_async_context(save)
            yield gallery
        if snapshots is not None:
            await _last_snapshot(snapshots)
    finally:
        if isinstance(gallery, MemoryGallery):
            await gallery.close()


def _plan(settings: Settings) -> SearchPlan:
    return SearchPlan(
        kind=settings.index_search, scan_s=settings.index_scan_ms / 1000, threads=usable_cores()
    )


async def _last_snapshot(snapshots: Snapshots) -> None:
    """At the end nobody waits for an error; the next start does without what couldn't be written."""
    try:
        await snapshots.save_for_all()
    except FaceKeyError as error:
        log.warning("gallery_snapshot_not_written", cause=str(error))


async def _prepared_index(deployment: Deployment) -> SharedIndex:
    if not deployment.settings.database_url.startswith("postgres"):
        raise SettingsInvalid("FACEKEY_INDEX=pgvector needs DATABASE_URL=postgresql://...")
    index = SharedIndex(deployment.database, deployment.ring, audit_log(deployment))
    await index.prepare()
    return index


@asynccontextmanager
async def open_index(settings: Settings) -> AsyncIterator[RebuildIndex]:
    """Rebuilding of the shared index, without loading a network.

    Raises:
        SettingsInvalid: a setting can't be used, or there is no shared index.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used, or has no pgvector.
    """
    if settings.index != "pgvector":
        raise SettingsInvalid("there is no shared index: FACEKEY_INDEX is not pgvector")
    async with open_deployment(settings) as deployment:
        yield RebuildIndex(index=await _prepared_index(deployment), clock=SystemClock())


@dataclass(frozen=True, slots=True)
class StoresReadiness:
    """Implements `api.service.Readiness`: networks are loaded by then, so the stores are what is asked."""

    gallery: MemoryGallery | SharedGallery
    shared: Shared

    async def check(self) -> None:
        """Ask what replicas share, read the database and open what is new in it.

        Raises:
            Unavailable: one of them doesn't answer, or can't be opened.
        """
        await self.shared.check()
        await self.gallery.refresh()

"""The services on a real store, behind an analyzer that plays back what was prepared."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from facekey.api.service import NetworkStatus, Service, StreamLimits, SystemFacts
from facekey.core.audit import verify_chain
from facekey.core.errors import ImageRefused
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy, IdentifyPolicy, RegisterPolicy
from facekey.core.types import Evidence, Floats
from facekey.services.authenticate import Authenticate
from facekey.services.erase import Erase
from facekey.services.identify import Identify
from facekey.services.register import Register
from facekey.services.stream import Stream
from tests.contract.store.opened import Store
from tests.unit.core.made import CALIBRATION, MODEL, direction, evidence, near
from tests.unit.core.test_head import documented_head
from tests.unit.services.staged import Stage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MATCHER = Matcher({MODEL: CALIBRATION})
AUTHENTICATE = AuthenticatePolicy(match_threshold=4.0, liveness_threshold=0.5, head=documented_head())
IDENTIFY = IdentifyPolicy(match_threshold=4.0, false_positive_rate=0.01, liveness_threshold=0.5)
REGISTER = RegisterPolicy(same_person_threshold=3.0, two_people_threshold=2.0, liveness_threshold=0.5)


class FixedClock:
    """Implements `core.ports.Clock`."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Playback:
    """Implements `core.ports.Analyzer`: each picture says what was prepared for it."""

    prepared: dict[bytes, Evidence | Exception] = field(default_factory=dict)
    seen: list[bytes] = field(default_factory=list)

    async def analyze(self, image: bytes) -> Evidence:
        self.seen.append(image)
        await asyncio.sleep(0)
        said = self.prepared.get(image, ImageRefused("image_corrupt", "the picture can't be read"))
        if isinstance(said, Exception):
            raise said
        return said

    def photo(self, said: Evidence | Exception) -> bytes:
        """A new picture that says this."""
        image = f"picture {len(self.prepared)}".encode()
        self.prepared[image] = said
        return image

    def photos_of(self, centre: Floats, count: int = 5) -> list[bytes]:
        """Distinct pictures of one person."""
        first = len(self.prepared)
        return [
            self.photo(evidence(near(centre, 0.9, 100_000 + first + number), picture=first + number))
            for number in range(count)
        ]


def person(seed: int) -> Floats:
    """Somebody's face."""
    return direction(seed)


def services(store: Store, analyzer: Playback, stage: Stage | None = None) -> Service:
    clock = FixedClock()
    stage = stage or Stage()
    return Service(
        register=Register(
            analyzer=analyzer,
            templates=store.templates,
            directory=store.directory,
            gallery=store.gallery,
            matcher=MATCHER,
            policy=REGISTER,
            enrolled_policy=IDENTIFY,
            audit=store.audit,
            clock=clock,
        ),
        authenticate=Authenticate(
            analyzer=analyzer,
            templates=store.templates,
            decoy=store.decoy,
            matcher=MATCHER,
            policy=AUTHENTICATE,
            audit=store.audit,
            clock=clock,
        ),
        identify=Identify(
            analyzer=analyzer, gallery=store.gallery, policy=IDENTIFY, audit=store.audit, clock=clock
        ),
        erase=Erase(templates=store.templates, clock=clock),
        stream=Stream(
            watcher=stage,
            templates=store.templates,
            decoy=store.decoy,
            matcher=MATCHER,
            policy=AUTHENTICATE,
            stream_policy=stage.policy,
            single_use=stage.single_use,
            seen_frames=stage.seen_frames,
            audit=store.audit,
            clock=clock,
            ticker=stage.ticker,
            random=stage,
        ),
        stream_limits=StreamLimits(max_frame_bytes=50_000, frames_per_s=30.0, connections=3),
        directory=store.directory,
        readiness=StoreReadiness(store),
        facts=SystemFacts(
            version="0",
            profile="development",
            device="none",
            match_fmr=1e-4,
            match_threshold=0.65,
            liveness_threshold=0.5,
            networks=(NetworkStatus("made", "embed", "Made up", "MIT", True, True, None),),
        ),
    )


@dataclass(frozen=True)
class StoreReadiness:
    """Implements `api.service.Readiness`."""

    store: Store

    async def check(self) -> None:
        await self.store.gallery.refresh()


async def recorded(store: Store) -> list[Mapping[str, object]]:
    """All records, after a look at every link."""
    found = [record async for record in store.audit.records()]
    verify_chain(found)
    return [json.loads(record.body) for record in found]

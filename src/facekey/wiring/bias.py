"""Bias monitoring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.calibration import evidence_of_fmr
from facekey.core.matching import Matcher
from facekey.services.bias import MonitorBias
from facekey.settings import Settings
from facekey.store.sealing import KeyRing
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import load_deployment_keys
from facekey.store.sql.labels import SqlLabels
from facekey.wiring.clocks import SystemClock
from facekey.wiring.database import prepare_database
from facekey.wiring.keys import open_keys
from facekey.wiring.records import audit_log
from facekey.wiring.vision import EMBEDDERS, open_zoo, usable


@asynccontextmanager
async def open_bias(settings: Settings) -> AsyncIterator[MonitorBias]:
    """Bias reports on the enrolled who declared groups; loads no network, only what their cards say.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database, zoo = Database(settings.database_url), open_zoo(settings)
    try:
        keys = await load_deployment_keys(database, ring)
        audit = audit_log(settings, database, keys)
        cards = [zoo.card(name) for name in EMBEDDERS if usable(zoo, zoo.card(name))]
        matcher = Matcher({one.model_id: one.calibration for one in cards if one.calibration is not None})
        yield MonitorBias(
            people=SqlLabels(database, ring, audit),
            matcher=matcher,
            match_threshold=evidence_of_fmr(settings.match_fmr),
            audit=audit,
            clock=SystemClock(),
        )
    finally:
        await database.close()

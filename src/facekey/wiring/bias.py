"""Bias monitoring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.calibration import evidence_of_fmr
from facekey.core.matching import Matcher
from facekey.services.bias import MonitorBias
from facekey.settings import Settings
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.labels import SqlLabels
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import open_deployment
from facekey.wiring.records import audit_log
from facekey.wiring.vision import EMBEDDERS, open_zoo, usable


@asynccontextmanager
async def open_bias(settings: Settings) -> AsyncIterator[MonitorBias]:
    """Bias reports on the enrolled who declared groups; loads no network, only what their cards say.

    Raises what `open_deployment` raises.
    """
    zoo = open_zoo(settings)
    cards = [zoo.card(name) for name in EMBEDDERS if usable(zoo, zoo.card(name))]
    matcher = Matcher({one.model_id: one.calibration for one in cards if one.calibration is not None})
    async with open_deployment(settings) as deployment:
        audit = audit_log(deployment)
        labels = SqlLabels(deployment.database, deployment.ring, audit)
        yield make_bias(settings, matcher, labels, audit)


def make_bias(settings: Settings, matcher: Matcher, labels: SqlLabels, audit: SqlAuditLog) -> MonitorBias:
    """Bias reports by the threshold that decides."""
    return MonitorBias(
        people=labels,
        matcher=matcher,
        match_threshold=evidence_of_fmr(settings.match_fmr),
        audit=audit,
        clock=SystemClock(),
    )

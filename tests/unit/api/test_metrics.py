"""What `/metrics` counts: decisions, stages, requests, streams; and that no label names anybody."""

import time

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from facekey.api.meters import OTHER, UNMATCHED, Meters
from facekey.api.service import Service
from facekey.core.errors import RegistrationRefused, SampleRejected
from facekey.core.ports.measures import UNMEASURED, Decided
from facekey.core.types import Reason, SubjectId
from tests.unit.api.requests import ask
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import Playback, person

ALICE = SubjectId("alice")

Figures = dict[tuple[str, tuple[str, ...]], float]


def figures(text: bytes) -> Figures:
    """Every figure by its name and the values of its labels, without buckets."""
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


async def test_decisions_are_counted_by_what_was_told(service: Service, analyzer: Playback) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    with pytest.raises(RegistrationRefused):
        await service.register(SubjectId("again"), analyzer.photos_of(person(1)), caller=CALLER)
    live, spoof = (evidence(near(person(1), 0.9, 77), liveness=score) for score in (0.95, 0.1))
    for subject_id, said in (
        (ALICE, live),
        (ALICE, spoof),
        (SubjectId("nobody"), evidence(near(person(2), 0.9, 78))),
        (ALICE, SampleRejected(Reason.NO_FACE)),
    ):
        await service.authenticate(subject_id, analyzer.photo(said), caller=CALLER)
    await service.identify(analyzer.photo(live), top_k=1, caller=CALLER)
    await service.identify(analyzer.photo(SampleRejected(Reason.BLURRED)), top_k=1, caller=CALLER)
    found = figures(service.metrics.text())
    counted = {labels: count for (name, labels), count in found.items() if name == "facekey_decisions_total"}
    assert counted == {
        ("enrolled", "enrolled", "register"): 1,
        ("face_already_enrolled", "refused", "register"): 1,
        ("accept", "authenticate", "live_match"): 1,
        ("authenticate", "reject", "spoof_suspected"): 1,
        ("authenticate", "no_match", "reject"): 1,
        ("authenticate", "no_face", "retry"): 1,
        ("accept", "identify", "live_match"): 1,
        ("blurred", "identify", "reject"): 1,
    }
    assert found["facekey_match_confidence_count", ("authenticate",)] == 2
    assert found["facekey_liveness_score_count", ("authenticate",)] == 3
    assert found["facekey_match_confidence_count", ("identify",)] == 1
    assert found["facekey_quality_score_count", ()] == 4
    stages = {labels for (name, labels) in found if name == "facekey_stage_seconds_count"}
    assert stages == {("load",), ("compare",), ("search",), ("record",)}


async def test_requests_are_counted_under_their_pattern(app: FastAPI, service: Service) -> None:
    assert (await ask(app, path="/api/v1/users/SECRET")).status == 404
    assert (await ask(app, path="/nowhere/SECRET")).status == 404
    assert (await ask(app, "PATCH", "/api/v1/users/SECRET")).status == 405
    assert (await ask(app, "SECRET", "/api/v1/audit")).status == 405
    assert (await ask(app, path="/api/v1/users/SECRET", headers=(("host", "elsewhere"),))).status == 403
    told = service.metrics.text()
    assert b"SECRET" not in told
    counted = {
        labels: count for (name, labels), count in figures(told).items() if name == "facekey_requests_total"
    }
    assert counted == {
        tuple(sorted(("404", "/api/v1/users/{user_id}", "GET"))): 1,
        tuple(sorted(("404", UNMATCHED, "GET"))): 1,
        tuple(sorted(("405", "/api/v1/users/{user_id}", "PATCH"))): 1,
        tuple(sorted(("405", "/api/v1/audit", OTHER))): 1,
        tuple(sorted(("403", "/api/v1/users/{user_id}", "GET"))): 1,
    }


def test_states_are_looked_at_when_somebody_samples() -> None:
    meters, waiting = Meters(), [0.0]
    meters.gauge("facekey_pool_waiting", "that wait", lambda: waiting[0])
    meters.overloaded()
    waiting[0] = 7.0
    meters.sample()
    samples = {sample.name: sample.value for family in meters.registry.collect() for sample in family.samples}
    assert (samples["facekey_pool_waiting"], samples["facekey_overloaded_total"]) == (7.0, 1.0)


def test_scores_have_twenty_equal_buckets_and_stages_reach_from_half_a_millisecond_to_five_seconds() -> None:
    meters = Meters()
    meters.decided(Decided("authenticate", "accept", "live_match", 1.0, 1.0, 1.0))
    meters.took("decode", 0.0001)
    buckets: dict[str, list[float]] = {}
    for family in meters.registry.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                buckets.setdefault(sample.name, []).append(float(sample.labels["le"]))
    for name in (
        "facekey_match_confidence_bucket",
        "facekey_liveness_score_bucket",
        "facekey_quality_score_bucket",
    ):
        assert buckets[name] == [*(pytest.approx(n / 20) for n in range(1, 21)), float("inf")]
    assert (buckets["facekey_stage_seconds_bucket"][0], buckets["facekey_stage_seconds_bucket"][-2]) == (
        0.0005,
        5,
    )


def test_counting_costs_next_to_nothing() -> None:
    meters = Meters()
    best = min(_seconds(meters) for _ in range(20))
    assert best < 100e-6, "for one authentication; it takes about a third of that"


def _seconds(meters: Meters) -> float:
    decided = Decided("authenticate", "accept", "live_match", 0.7, 0.9, 0.8)
    began = time.perf_counter()
    for stage in (
        "queue",
        "decode",
        "detect",
        "mesh",
        "quality",
        "liveness",
        "embed",
        "load",
        "compare",
        "record",
    ):
        meters.took(stage, 0.01)
    meters.decided(decided)
    return time.perf_counter() - began


def test_who_wants_no_figures_gets_none() -> None:
    UNMEASURED.took("decode", 0.1)
    UNMEASURED.decided(Decided("authenticate", "accept", "live_match"))

"""Made-up people: vectors that lie near their own and far from others', and an engine that scores them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np

from facekey.core.calibration import Birth, Calibration
from facekey.core.matching import Matcher
from facekey.core.types import ModelId
from facekey.evaluation.acquire import Capture
from facekey.evaluation.engine import Engine, Network
from facekey.evaluation.material import Acquired, Picture
from facekey.evaluation.report import Report, Section

FIRST, SECOND = ModelId("first:0"), ModelId("second:0")
DIMENSIONS = {FIRST: 64, SECOND: 48}
BORN = Birth("made up", "none", 1, date(2026, 1, 1), "abc")


class NoAcquirer:
    """Nothing is looked at."""

    state = "none"

    def acquire(self, image: bytes) -> Capture:
        raise AssertionError(f"{len(image)} bytes were looked at")


def calibration(top: float = 0.6) -> Calibration:
    """Evidence 4 at two thirds of the way to `top`."""
    return Calibration(tuple((top * step / 6, float(step)) for step in range(1, 7)), BORN)


def engine(*models: ModelId) -> Engine:
    """One that decides by these networks."""
    calibrations = {model: calibration(0.6 + 0.05 * n) for n, model in enumerate(models or (FIRST,))}
    return Engine(
        faces=NoAcquirer(),
        aligned=NoAcquirer(),
        find=lambda _: [],
        matcher=Matcher(calibrations),
        calibrations=calibrations,
        match_evidence=4.0,
        liveness_threshold=0.5,
        networks=tuple(
            Network(model.partition(":")[0], "Made <up>", "embed", "0" * 64, "nothing")
            for model in calibrations
        ),
    )


def capture(person: int, picture: int, *, spread: float, models: Sequence[ModelId] = (FIRST,)) -> Capture:
    """A picture of a person; the same numbers give the same vectors."""
    vectors = {}
    for model in models:
        size = DIMENSIONS[model]
        middle = np.random.default_rng([person, size]).normal(size=size)
        middle /= np.linalg.norm(middle)
        noise = np.random.default_rng([person, picture, size]).normal(size=size)
        vector = middle + spread * noise / np.linalg.norm(noise)
        vectors[model] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return Capture(vectors, None, False, 0.9)


def acquired(captures: Mapping[str, Capture]) -> Acquired:
    """As if pictures had been looked at."""
    return Acquired(dict(captures), "f" * 64, {name: Picture(name, None, b"") for name in captures})


def crowd(
    people: int, pictures: int, *, spread: float = 0.6, models: Sequence[ModelId] = (FIRST,)
) -> Acquired:
    """`person_07/2.jpg` and so on."""
    return acquired(
        {
            f"person_{person:02}/{picture}.jpg": capture(person, picture, spread=spread, models=models)
            for person in range(people)
            for picture in range(pictures)
        }
    )


def report(*sections: Section) -> Report:
    """One evaluation."""
    return Report(
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "0.1.0 (abc)",
        "a machine",
        "facekey evaluate lfw",
        1e-4,
        0.5,
        engine(FIRST, SECOND).networks,
        sections,
    )

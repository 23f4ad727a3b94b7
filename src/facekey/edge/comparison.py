"""A bundle beside the service's own networks: sizes, time on one core, and how far the scores move."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ImageRefused, SampleRejected
from facekey.core.types import Evidence, ModelId
from facekey.edge.runner.runner import Runner
from facekey.zoo.onnx import OnnxSession

SHAPES: Mapping[str, tuple[int, int]] = {
    "retinaface": (480, 640),
    "facemesh": (192, 192),
    "mobilefacenet": (112, 112),
}
CONTEXT_PX = 128
SERVICE_LOOK_PX = 640


@dataclass(frozen=True, slots=True)
class Row:
    """One network of the table.

    Attributes:
        service_ms: the service's own network on one core, the fastest run: other programs
            only ever slow one down.
        bundle_ms: this one, run in turn with it.
    """

    network: str
    how: str
    size_bytes: int
    service_bytes: int
    service_ms: float
    bundle_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster than the service's."""
        return self.service_ms / self.bundle_ms


@dataclass(frozen=True, slots=True)
class Parity:
    """What the bundle said of photos beside what the service's networks said.

    Attributes:
        photos: how many could be judged by both.
        decisions_differ: of photos and pairs, how many were decided another way.
        embedding: the smallest cosine between the two vectors of one photo.
        match: largest difference of the cosine of a pair.
        liveness: largest difference of a liveness score.
    """

    photos: int
    pairs: int
    decisions_differ: int
    embedding: float
    match: float
    liveness: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The table of a bundle, timed so many times; `parity` is None where there were no photos."""

    precision: str
    times: int
    first_look_px: int
    rows: tuple[Row, ...]
    parity: Parity | None

    def as_json(self) -> str:
        """For programs."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def as_markdown(self) -> str:
        """For people."""
        lines = [
            f"# Parity and speed of this {self.precision} bundle",
            "",
            "Measured when the bundle was made, on the machine that made it: one core, the service's own "
            f"network and this one in turn on one picture, the fastest of {self.times} runs. The detector "
            f"first looks at {self.first_look_px} px here and at {SERVICE_LOOK_PX} in the service; its time "
            "goes with the pixels, and is that of 640 x 480 below. Another processor gives other times: "
            "`python -m facekey_edge speed photo.jpg` measures yours.",
            "",
            "| Network | Bytes | of the service's | ms | of the service's | times faster | How |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| {row.network} | {row.size_bytes:,} | {row.service_bytes:,} | {row.bundle_ms:.2f} "
                f"| {row.service_ms:.2f} | {row.ratio:.2f} | {row.how} |"
                for row in self.rows
            ),
            f"| all | {sum(row.size_bytes for row in self.rows):,} "
            f"| {sum(row.service_bytes for row in self.rows):,} "
            f"| {sum(row.bundle_ms for row in self.rows):.2f} "
            f"| {sum(row.service_ms for row in self.rows):.2f} | | |",
            "",
        ]
        if self.parity is None:
            return "\n".join([*lines, "Scores were not compared: no photos were given (`--photos`).", ""])
        one = self.parity
        return "\n".join(
            [
                *lines,
                f"Scores of {one.photos} photos and {one.pairs} pairs of them, beside the service's "
                f"networks: {one.decisions_differ} decided another way; cosine of the two embeddings of one "
                f"photo {one.embedding:.5f} at least; match scores differ by {one.match:.1e} at most, "
                f"liveness scores by {one.liveness:.1e}.",
                "",
            ]
        )


def compare_networks(name: str, how: str, service: bytes, bundle: bytes, *, times: int) -> Row:
    """Time two forms of one network in turn, so many times, on one core and a random picture."""
    height, width = SHAPES.get(name, (CONTEXT_PX, CONTEXT_PX))
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    ours = OnnxSession(service, model_id=ModelId(name), threads=1)
    small = OnnxSession(bundle, model_id=ModelId(name), threads=1)
    pairs = [(_seconds(ours, picture), _seconds(small, picture)) for _ in range(times)]
    return Row(
        network=name,
        how=how,
        size_bytes=len(bundle),
        service_bytes=len(service),
        service_ms=1000 * min(first for first, _ in pairs),
        bundle_ms=1000 * min(second for _, second in pairs),
    )


def compare_scores(service: Runner, bundle: Runner, photos: Sequence[bytes]) -> Parity | None:
    """Judge photos with both; None when there is none that both can judge."""
    seen = [(_evidence(service, photo), _evidence(bundle, photo)) for photo in photos]
    both = [(one, other) for one, other in seen if one is not None and other is not None]
    if not both:
        return None
    differ = sum((one is None) != (other is None) for one, other in seen)
    lines = (service.manifest.liveness.threshold, bundle.manifest.liveness.threshold)
    differ += sum(
        (one.liveness.score >= lines[0]) != (other.liveness.score >= lines[1]) for one, other in both
    )
    matches = []
    for place, (one, other) in enumerate(both):
        for first, second in both[:place]:
            scores = (_cosine(one, first), _cosine(other, second))
            differ += service.matches(scores[0]) != bundle.matches(scores[1])
            matches.append(abs(scores[0] - scores[1]))
    return Parity(
        photos=len(both),
        pairs=len(matches),
        decisions_differ=differ,
        embedding=min(_cosine(one, other) for one, other in both),
        match=max(matches, default=math.nan),
        liveness=max(abs(one.liveness.score - other.liveness.score) for one, other in both),
    )


def load_bundle(folder: Path) -> Runner:
    """A bundle on one core."""
    return Runner.load(folder, threads=1)


def _evidence(runner: Runner, photo: bytes) -> Evidence | None:
    try:
        return runner.pipeline.analyze(photo)
    except (ImageRefused, SampleRejected):
        return None


def _cosine(one: Evidence, other: Evidence) -> float:
    return float(one.embeddings[0].vector @ other.embeddings[0].vector)


def _seconds(session: OnnxSession, picture: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    session.run(picture)
    return time.perf_counter() - start

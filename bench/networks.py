"""Every network of the default pack by itself: its size, and how long one run takes.

Protocol: each network gets what it is given in use: for one JPEG of 640 x 480 with one face
(public photo), what a frame of a live stream and the second detector give them; what watches
several frames gets 40 rows of noise, what listens a second of it. One run a network and round,
the networks in turns, first with one thread each, then with as many as the service takes;
medians with 95 % intervals. Published file: what is fetched. In use: the ONNX file that is
loaded. Accuracy: from the network's card, which says how it was measured. An accelerator is
measured where ONNX Runtime finds one.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from bench.host import describe
from bench.photo import sample_photos, webcam_jpeg
from bench.recorded import Arrays, recorded
from bench.results import Cell, Column, Result, Table
from facekey.settings import read_settings
from facekey.vision.decode import decode
from facekey.vision.detect.mtcnn import Mtcnn
from facekey.vision.headers import DecodeLimits
from facekey.vision.liveness.motion import FEATURES
from facekey.voice.encoder import SpeakerEncoder
from facekey.voice.mel import mel_spectrogram
from facekey.voice.speech import SileroSpeech
from facekey.wiring.vision import open_vision, open_zoo
from facekey.zoo.onnx import OnnxSession, runs_on_processor
from facekey.zoo.zoo import Zoo

ROUNDS = 60
WARM_UP = 5
FRAMES = 40
SECOND = 16_000  # samples
MB = 1e6

Inputs = Mapping[str, Arrays]
Times = dict[str, list[float]]


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    settings = read_settings()
    on_cpu = settings.model_copy(update={"device": "cpu"})
    one, all_cores, best = open_zoo(on_cpu, threads=1), open_zoo(on_cpu), open_zoo(settings)
    inputs = _inputs(all_cores)
    print(f"machine: {describe()}; {ROUNDS} rounds after {WARM_UP} of warming up")
    alone, together = _times(one, inputs), _times(all_cores, inputs)
    accelerated = None if runs_on_processor() else _times(best, inputs)
    rows = tuple(_row(all_cores, name, (alone, together, accelerated)) for name in inputs)
    for row in rows:
        print(f"{row[0]!s:52} {_shown(row[4])} ms with one thread, {_shown(row[5])} with all cores")
    columns = (
        Column("network"),
        Column("for"),
        Column("published file", "MB", 2),
        Column("in use", "MB", 2),
        Column("CPU, one thread", "ms", 2, bars=True),
        Column("CPU, all cores", "ms", 2),
        Column("accelerator", "ms", 2),
        Column("accuracy, from its card"),
    )
    note = f"{settings.network_threads} threads at most for one run." + (
        "" if accelerated else " Accelerator: not measured here, ONNX Runtime found none."
    )
    return Result(tables=(Table("networks", "Networks of the default pack", columns, rows, note),))


def _shown(cell: Cell) -> str:
    return f"{cell:7.2f}" if isinstance(cell, float) else "      -"


def _inputs(zoo: Zoo) -> Inputs:
    """What each network is given in use, by the name of its card, in the order of use."""
    photo = webcam_jpeg(sample_photos()["obama.jpg"])
    vision = open_vision(zoo)
    frame = decode(photo, DecodeLimits())
    calls = recorded(lambda: vision.pipeline.glimpse(photo, 0.0))
    mtcnn = Mtcnn(pnet=zoo.open("mtcnn_pnet"), rnet=zoo.open("mtcnn_rnet"), onet=zoo.open("mtcnn_onet"))
    calls += recorded(lambda: mtcnn.detect(frame))
    temporal = zoo.open("liveness_temporal")
    moved = np.random.default_rng(0).standard_normal((1, FRAMES, len(FEATURES))).astype(np.float32)
    calls += recorded(lambda: temporal.run(moved))
    noise = 0.01 * np.random.default_rng(0).standard_normal(SECOND).astype(np.float32)
    calls += recorded(lambda: SileroSpeech(zoo.open("speech_silero")).probabilities(noise))
    calls += recorded(lambda: SpeakerEncoder(zoo.open("speaker_ge2e")).embed(mel_spectrogram(noise)))
    found: dict[str, Arrays] = {}
    for call in calls:
        # Of a network that runs several times for one picture the first run: the largest.
        found.setdefault(call.network, call.arrays)
    return found


def _times(zoo: Zoo, inputs: Inputs) -> Times:
    """Seconds of each network's runs, in turns."""
    sessions: dict[str, OnnxSession] = {name: zoo.open(name) for name in inputs}
    times: Times = defaultdict(list)
    for number in range(WARM_UP + ROUNDS):
        for name, session in sessions.items():
            began = time.perf_counter()
            session.run(*inputs[name])
            if number >= WARM_UP:
                times[name].append(time.perf_counter() - began)
    return times


def _row(zoo: Zoo, name: str, times: Sequence[Times | None]) -> tuple[Cell, ...]:
    card = zoo.card(name)
    ms = [None if one is None else 1000 * statistics.median(one[name]) for one in times]
    published, used = zoo.published(name).stat().st_size / MB, len(zoo.graph(name)) / MB
    return (card.title, card.task.value, published, used, *ms, card.figures[0] if card.figures else "")

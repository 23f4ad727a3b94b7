"""Recordings of known speakers, what can happen to them, and all comparisons between them.

`speakers/<speaker>/<recording>.flac`, as cut from LibriSpeech.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from facekey.core.errors import SampleRejected
from facekey.core.metrics import equal_error_rate
from facekey.core.similarity import cosine, likeness
from facekey.core.types import Embedding
from facekey.core.voice import references_of
from facekey.voice.listen import Listener
from facekey.voice.resample import to_16_khz

ENROLLED = 3
DRAWS = 2000
Change = Callable[[NDArray[np.float32], int], tuple[NDArray[np.float32], int]]
"""What happens to a recording: samples and rate, to samples and rate."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One recording that could be judged."""

    speaker: str
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores by the pair of speakers, (enrolled, probe), that they are between."""

    by_pair: dict[tuple[str, str], NDArray[np.float64]]

    def mated(self, speakers: Sequence[str]) -> NDArray[np.float64]:
        """Of these speakers with themselves; who is named twice counts twice."""
        return _joined([self.by_pair[one, one] for one in speakers if (one, one) in self.by_pair])

    def impostor(self, speakers: Sequence[str]) -> NDArray[np.float64]:
        """Of these speakers with each other."""
        pairs = [(one, other) for one in speakers for other in speakers if one != other]
        return _joined([self.by_pair[pair] for pair in pairs if pair in self.by_pair])

    @property
    def speakers(self) -> tuple[str, ...]:
        """All of them, in order."""
        return tuple(sorted({speaker for pair in self.by_pair for speaker in pair}))

    def error_rate(self) -> tuple[float, float, float]:
        """Equal error rate, and its 95 % interval from drawing speakers anew."""
        random = np.random.default_rng(6)
        drawn = []
        for _ in range(DRAWS):
            chosen = list(random.choice(self.speakers, len(self.speakers)))
            drawn.append(equal_error_rate(self.mated(chosen), self.impostor(chosen))[0])
        low, high = np.quantile(drawn, (0.025, 0.975))
        return equal_error_rate(self.mated(self.speakers), self.impostor(self.speakers))[0], low, high


def recordings(folder: Path) -> list[tuple[str, Path]]:
    """All recordings with their speakers, in order."""
    return [(path.parent.name, path) for path in sorted((folder / "speakers").glob("*/*.flac"))]


def listen_to(files: Sequence[tuple[str, Path]], listener: Listener, change: Change) -> list[Voice | None]:
    """Hear each recording after a change; None where it can't be judged."""
    heard: list[Voice | None] = []
    for speaker, path in files:
        samples, rate_hz = soundfile.read(path, dtype="float32")
        try:
            found = listener.listen(_wav(*change(samples, rate_hz)))
        except SampleRejected:
            heard.append(None)
            continue
        heard.append(Voice(speaker, found.embedding))
    return heard


def single_scores(references: Sequence[Voice | None], probes: Sequence[Voice | None]) -> Scores:
    """One recording against one other; a recording is never compared with itself, however changed."""
    found: dict[tuple[str, str], list[float]] = {}
    same = references is probes
    for at, reference in enumerate(references):
        for place, probe in enumerate(probes):
            if reference is None or probe is None or place == at or (same and place < at):
                continue
            pair = (reference.speaker, probe.speaker)
            found.setdefault(pair, []).append(cosine(probe.embedding, reference.embedding))
    return _scores(found)


def enrolled_scores(references: Sequence[Voice | None], probes: Sequence[Voice | None]) -> Scores:
    """Every three recordings of a speaker against every recording that is none of them."""
    found: dict[tuple[str, str], list[float]] = {}
    for speaker in sorted({one.speaker for one in references if one is not None}):
        own = [at for at, one in enumerate(references) if one is not None and one.speaker == speaker]
        for chosen in combinations(own, ENROLLED):
            template = references_of([one.embedding for at in chosen if (one := references[at]) is not None])
            for at, probe in enumerate(probes):
                if probe is not None and at not in chosen:
                    score = likeness(probe.embedding, template)
                    found.setdefault((speaker, probe.speaker), []).append(score)
    return _scores(found)


def as_recorded(samples: NDArray[np.float32], rate_hz: int) -> tuple[NDArray[np.float32], int]:
    """Nothing happens."""
    return samples, rate_hz


def by_telephone(samples: NDArray[np.float32], rate_hz: int) -> tuple[NDArray[np.float32], int]:
    """8,000 samples a second: half of them, once the upper half of the band is gone."""
    spectrum = np.fft.rfft(to_16_khz(samples, rate_hz))
    spectrum[len(spectrum) // 2 :] = 0
    whole = np.fft.irfft(spectrum, 2 * (len(spectrum) - 1))
    return whole[::2].astype(np.float32), 8000


def in_white_noise(samples: NDArray[np.float32], rate_hz: int) -> tuple[NDArray[np.float32], int]:
    """White noise 10 dB below the recording."""
    return _with_noise(samples, np.random.default_rng(1).normal(size=len(samples))), rate_hz


def in_pink_noise(samples: NDArray[np.float32], rate_hz: int) -> tuple[NDArray[np.float32], int]:
    """Noise as strong in each octave, 10 dB below the recording."""
    spectrum = np.fft.rfft(np.random.default_rng(2).normal(size=len(samples)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return _with_noise(samples, np.fft.irfft(spectrum, len(samples))), rate_hz


def two_seconds(samples: NDArray[np.float32], rate_hz: int) -> tuple[NDArray[np.float32], int]:
    """Two seconds from the middle."""
    start = max(0, (len(samples) - 2 * rate_hz) // 2)
    return samples[start : start + 2 * rate_hz], rate_hz


def quieter_or_louder(samples: NDArray[np.float32], rate_hz: int) -> tuple[NDArray[np.float32], int]:
    """Another level, up to 10 dB away: the distance to a microphone is no part of a voice."""
    gain_db = np.random.default_rng(len(samples)).uniform(-10, 10)
    return np.clip(samples * 10 ** (gain_db / 20), -1, 1).astype(np.float32), rate_hz


CHANGES: dict[str, Change] = {
    "as recorded": as_recorded,
    "another level (10 dB up or down)": quieter_or_louder,
    "8 kHz": by_telephone,
    "white noise at 10 dB": in_white_noise,
    "pink noise at 10 dB": in_pink_noise,
    "2 seconds": two_seconds,
}


def _with_noise(samples: NDArray[np.float32], noise: NDArray[np.float64]) -> NDArray[np.float32]:
    wanted = np.sqrt(np.mean(samples.astype(np.float64) ** 2) / np.mean(noise**2) / 10.0)
    return np.clip(samples + wanted * noise, -1, 1).astype(np.float32)


def _wav(samples: NDArray[np.float32], rate_hz: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _scores(found: dict[tuple[str, str], list[float]]) -> Scores:
    return Scores({pair: np.array(scores) for pair, scores in found.items()})


def _joined(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([*scores]) if scores else np.zeros(0)

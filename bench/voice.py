"""Voices: equal error rates of the whole pipeline on recordings of known speakers.

Protocol: each recording is changed as its row says, written as a 16-bit WAV and given to
what the service runs: decoding, finding speech, noise reduction, encoder. `one`: a changed
recording against one as recorded, each pair once and none with itself. `three`: every three
recordings of a speaker as recorded, enrolled, against every changed recording that is none of
them. Intervals draw the speakers anew, since recordings of one speaker are no independent
witnesses. `missed` could not be judged (too short, too noisy) and are in no rate. `passes`
and `refused`: shares at the threshold that the service uses.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from bench.host import describe
from bench.intervals import written
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import SampleRejected
from facekey.settings import default_models_dir
from facekey.voice.decode import AudioLimits, decode
from facekey.voice.listen import Listener
from facekey.voice.resample import to_16_khz
from facekey.wiring.voice import SPEAKER, open_listener
from facekey.zoo.zoo import Zoo
from tests.voices import RATE_HZ, Samples, music, wav
from training.data.voices import (
    CHANGES,
    Scores,
    Voice,
    as_recorded,
    enrolled_scores,
    listen_to,
    recordings,
    single_scores,
)

FMR = 0.01
TUNES = 40


def main(data: Path | None) -> None:
    """Measure and print."""
    if data is None:
        raise SystemExit("voice needs --data")
    zoo = Zoo(cache_dir=default_models_dir())
    listener, calibration = open_listener(zoo), zoo.card(SPEAKER).calibration
    if calibration is None:
        raise SystemExit(f"{SPEAKER} has no calibration in its card")
    threshold = calibration.cosine_at(evidence_of_fmr(FMR))
    files = recordings(data / "voice")
    print(__doc__)
    print(describe())
    speakers = {speaker for speaker, _ in files}
    print(f"{len(files)} recordings of {len(speakers)} speakers; threshold {threshold:.4f}\n")
    print(f"{'':34}{'one: EER, 95 %':24}{'three: EER, 95 %':24}{'strangers pass':17}{'refused':17}missed")
    plain = listen_to(files, listener, as_recorded)
    for name, change in CHANGES.items():
        changed = plain if change is as_recorded else listen_to(files, listener, change)
        _row(name, single_scores(plain, changed), enrolled_scores(plain, changed), threshold, changed)
    both = listen_to(files, listener, CHANGES["8 kHz"])
    _row("8 kHz enrolled, too", single_scores(both, both), enrolled_scores(both, both), threshold, both)
    single = single_scores(plain, plain)
    three = enrolled_scores(plain, plain)
    for label, scores in (("one", single), ("three", three)):
        mated, impostor = scores.mated(scores.speakers), scores.impostor(scores.speakers)
        print(f"{label}, as recorded: {mated.size} comparisons of one speaker, {impostor.size} of two")
    _what_is_no_speech(listener, files)


def _row(name: str, one: Scores, three: Scores, threshold: float, heard: list[Voice | None]) -> None:
    mated, impostor = three.mated(three.speakers), three.impostor(three.speakers)
    passes, refused = 100 * (impostor >= threshold).mean(), 100 * (mated < threshold).mean()
    print(
        f"{name:34}{_rate(one):24}{_rate(three):24}{f'{passes:.2f} %':17}{f'{refused:.2f} %':17}"
        f"{sum(voice is None for voice in heard)} of {len(heard)}"
    )


def _rate(scores: Scores) -> str:
    rate, low, high = scores.error_rate()
    return f"{100 * rate:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"


def _what_is_no_speech(listener: Listener, files: list[tuple[str, Path]]) -> None:
    """What is taken for a voice that is none, and the other way round."""
    random = np.random.default_rng(8)
    at = np.arange(6 * RATE_HZ) / RATE_HZ
    tones = [np.sin(2 * np.pi * hertz * at) for hertz in np.geomspace(80, 3000, TUNES)]
    sounds: dict[str, list[Samples]] = {
        "made-up music": [music(6.0, seed=seed) for seed in range(TUNES)],
        "white noise": [0.05 * random.normal(size=at.size) for _ in range(TUNES)],
        "tones": [0.1 * tone for tone in tones],
        "noise that swells 4 times a second": [
            0.05 * random.normal(size=at.size) * (1 + np.sin(2 * np.pi * 4 * at)) for _ in range(TUNES)
        ],
    }
    print("\nTaken for a voice, of what is none:")
    for name, made in sounds.items():
        taken = Counter(_heard(listener, wav(np.asarray(one, np.float32))) for one in made)
        print(f"  {name:36}{written(taken['voice'], len(made))}")
    print("\nMusic over speech (taken for a voice, by how far the speech is above the music):")
    limits = AudioLimits()
    spoken = [decode(path.read_bytes(), limits) for _, path in files[:: max(1, len(files) // 20)]]
    for above_db in (20, 10, 0, -10):
        taken = Counter()
        for seed, sound in enumerate(spoken):
            voice = to_16_khz(sound.samples, sound.rate_hz)
            tune = music(len(voice) / RATE_HZ + 1, seed=seed)[: len(voice)]
            gain = np.sqrt(np.mean(voice**2) / np.mean(tune**2)) * 10 ** (-above_db / 20)
            taken[_heard(listener, wav(np.clip(voice + gain * tune, -1, 1).astype(np.float32)))] += 1
        print(f"  {above_db:4} dB  {dict(taken)}")


def _heard(listener: Listener, sound: bytes) -> str:
    try:
        listener.listen(sound)
    except SampleRejected as rejection:
        return str(rejection.reason)
    return "voice"

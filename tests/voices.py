"""Made-up voices and music for tests: no recording of anybody is part of the project.

A speech synthesiser (eSpeak NG, by its formants) speaks sentences in voices that differ in
pitch and in the length of the throat, as people's do. Where real recordings are at hand,
FACEKEY_TEST_VOICES names their folder (`speakers/<speaker>/<recording>.flac`).
"""

import ctypes
import functools
import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import espeakng_loader  # type: ignore[import-untyped]
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

RATE_HZ = 16_000
ALAN, BETTY, CARL = ("en", 30), ("en+f3", 70), ("en-us+m7", 50)
"""Voice and pitch of eSpeak NG."""

SENTENCES = (
    "The quick brown fox jumps over the lazy dog near the river bank at seven.",
    "She had your dark suit in greasy wash water all year, and nobody knew of it.",
    "Please call Stella and ask her to bring these things with her from the store.",
    "When the sunlight strikes raindrops in the air they act as a prism and form a rainbow.",
)
RATE_PARAMETER, PITCH_PARAMETER = 1, 3
RETRIEVAL, UTF8 = 1, 1  # hand the sound over before returning; text in UTF-8

Samples = NDArray[np.float32]
Speaker = tuple[str, int]


@functools.cache
def speaking(speaker: Speaker = ALAN, sentence: int = 0, *, level: float = 0.08) -> Samples:
    """A sentence, (N,) float32 at 16 kHz, with a quarter of a second of a quiet room around it."""
    voice, pitch = speaker
    engine, rate_hz, spoken = _engine()
    spoken.clear()
    assert engine.espeak_SetVoiceByName(voice.encode()) == 0, f"eSpeak NG has no voice {voice}"
    engine.espeak_SetParameter(PITCH_PARAMETER, pitch, 0)
    text = SENTENCES[sentence].encode() + b"\0"
    engine.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, UTF8, None, None)
    engine.espeak_Synchronize()
    sound = resampled(np.concatenate(spoken).astype(np.float32), rate_hz, RATE_HZ)
    sound = np.pad(sound / np.sqrt(np.mean(sound**2)) * level, RATE_HZ // 4)
    return np.asarray(sound + room(len(sound), sentence), dtype=np.float32)


def room(count: int, seed: int = 0) -> NDArray[np.float64]:
    """What a microphone hears in a quiet room."""
    return np.asarray(2e-4 * np.random.default_rng(seed).normal(size=count))


def music(seconds: float = 4.0, *, seed: int = 0) -> Samples:
    """A tune of plucked strings over chords, with a drum."""
    random = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * RATE_HZ))
    beat = int(0.25 * RATE_HZ)
    scale = 220.0 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    for number, start in enumerate(range(0, len(sound) - beat, beat)):
        length = min(3 * beat, len(sound) - start)
        at = np.arange(length) / RATE_HZ
        notes = [2 * random.choice(scale)]
        if number % 4 == 0:
            root = int(random.integers(0, 4))
            notes += [scale[root], scale[root + 2], scale[root + 4]]
        for note in notes:
            tone = sum(np.sin(2 * np.pi * note * k * at) / k**1.5 for k in range(1, 7))
            sound[start : start + length] += 0.2 * tone * np.exp(-at / 0.3)
        if number % 2:
            sound[start : start + beat] += 0.3 * random.normal(size=beat) * np.exp(-np.arange(beat) / 400)
    return np.asarray(0.1 * sound / np.sqrt(np.mean(sound**2)), dtype=np.float32)


def wav(samples: Samples, *, rate_hz: int = RATE_HZ, kind: str = "WAV", codec: str | None = None) -> bytes:
    """Sound as a file; (N,) or (N, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=kind, subtype=codec or soundfile.default_subtype(kind))
    return file.getvalue()


def recording(speaker: Speaker = ALAN, sentence: int = 0) -> bytes:
    """A sentence as a WAV file."""
    return wav(speaking(speaker, sentence))


def resampled(samples: Samples, rate_hz: int, wanted_hz: int) -> Samples:
    """The same sound at another rate, by its spectrum."""
    count = round(len(samples) * wanted_hz / rate_hz)
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(count // 2 + 1, complex)
    shared = min(len(spectrum), len(kept))
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, count) * (count / len(samples)), dtype=np.float32)


def wav_header(*, declared_bytes: int, channels: int = 1, rate_hz: int = RATE_HZ) -> bytes:
    """The first 44 bytes of a WAV file that says it has so much."""
    step = 2 * channels
    return (
        b"RIFF"
        + struct.pack("<I", min(declared_bytes + 36, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, rate_hz, rate_hz * step, step, 16)
        + b"data"
        + struct.pack("<I", declared_bytes)
    )


def real_voices() -> Path:
    """The folder of real recordings; a test that asks for it is skipped where there is none."""
    folder = os.environ.get("FACEKEY_TEST_VOICES", "")
    if not folder or not (Path(folder) / "speakers").is_dir():
        pytest.skip("no recordings of people: FACEKEY_TEST_VOICES names a folder with speakers/*/*.flac")
    return Path(folder)


@functools.cache
def _engine() -> tuple[ctypes.CDLL, int, list[NDArray[np.int16]]]:
    """The synthesiser, its sampling rate, and where it puts what it speaks."""
    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate_hz = engine.espeak_Initialize(RETRIEVAL + 1, 0, data, 0)
    assert rate_hz > 0, "eSpeak NG doesn't start"
    spoken: list[NDArray[np.int16]] = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

    def heard(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: object) -> int:
        if samples and count > 0:
            spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    _KEPT.append(kind(heard))
    engine.espeak_SetSynthCallback(_KEPT[-1])
    engine.espeak_SetParameter(RATE_PARAMETER, 160, 0)
    return engine, rate_hz, spoken


_KEPT: list[Callable[..., int]] = []  # what the library calls must not be thrown away

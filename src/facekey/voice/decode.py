"""Audio files to sound: the only place that opens what a client calls a recording.

What kind of file it is, is read from its first bytes and nothing else; libsndfile (by
soundfile) then sees only containers and codecs that are named here. WebM and MP4, as a
browser's MediaRecorder makes them, are not among them: record PCM and send a WAV.
"""

import io
import struct
from dataclasses import dataclass

import numpy as np
import soundfile  # type: ignore[import-untyped]

from facekey.core.errors import AudioRefused
from facekey.core.types import Floats

MEGABYTE = 1024 * 1024
KINDS = {b"RIFF": ("WAV", "WAVEX"), b"fLaC": ("FLAC",), b"OggS": ("OGG",)}
CODECS = frozenset(
    {"PCM_U8", "PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "VORBIS", "OPUS"}
)
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000
MOST_CHANNELS = 2
_CHUNK = struct.Struct("<4sI")  # name and size of a part of a WAV
LOUDEST = 1e3  # floats beyond full scale are clipping; beyond this they are no sound


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """The largest recording that is taken."""

    max_bytes: int = 12 * MEGABYTE
    max_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded recording.

    Attributes:
        samples: (N,) float32, one channel, full scale is 1; N can be 0.
        rate_hz: samples a second, 8,000 to 48,000.
    """

    samples: Floats
    rate_hz: int


def decode(data: bytes, limits: AudioLimits) -> Sound:
    """Read a WAV, FLAC or Ogg (Opus, Vorbis) file. Two channels are mixed down to one.

    Raises:
        AudioRefused: it is no such file, cut off, too long, or of another rate or layout than
            recordings of a person have. Nothing is decoded beyond the limits, whatever the
            file declares.
    """
    _check_kind(data, limits)
    if data[:4] == b"RIFF" and _declares_more(data):
        raise _corrupt()
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check_layout(file, data)
            most = int(limits.max_seconds * file.samplerate) + 1
            declared, rate_hz = file.frames, file.samplerate
            samples = file.read(min(declared, most), dtype="float32", always_2d=True)  # (N, channels)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        raise _corrupt() from error
    if declared > most - 1:
        raise AudioRefused(
            "audio_too_long", f"a recording may last {limits.max_seconds:g} seconds; this one is longer"
        )
    if len(samples) < declared:
        raise _corrupt()
    # A comparison with NaN is False.
    if samples.size and not bool(np.abs(samples).max() <= LOUDEST):
        raise AudioRefused("audio_not_finite", "the recording holds values that are no sound (NaN, infinite)")
    return Sound(samples.mean(axis=1, dtype=np.float32), rate_hz)


def _check_kind(data: bytes, limits: AudioLimits) -> None:
    if not data:
        raise AudioRefused("audio_empty", "the recording has no bytes")
    if len(data) > limits.max_bytes:
        raise AudioRefused("audio_too_large", f"a recording may have {limits.max_bytes} bytes at most")
    if data[:4] not in KINDS or (data[:4] == b"RIFF" and data[8:12] != b"WAVE"):
        raise _unsupported()


def _declares_more(data: bytes) -> bool:
    """Whether a WAV names more sound than it holds; libsndfile would take what is there for all."""
    place = len(b"RIFF....WAVE")
    while place + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, place)
        place += _CHUNK.size
        if name == b"data":
            return bool(size > len(data) - place)
        place += size + size % 2
    return False


def _check_layout(file: soundfile.SoundFile, data: bytes) -> None:
    if file.format not in KINDS[data[:4]] or file.subtype not in CODECS:
        raise _unsupported()
    if file.channels > MOST_CHANNELS:
        raise AudioRefused(
            "audio_channels_unsupported",
            f"a recording has one or two channels; this one has {file.channels}",
        )
    if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
        raise AudioRefused(
            "audio_sample_rate_unsupported",
            f"a recording has {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} samples a second, 16000 or more where "
            f"a voice is enrolled; this one has {file.samplerate}",
        )


def _unsupported() -> AudioRefused:
    return AudioRefused("audio_format_unsupported", "send WAV, FLAC or Ogg (Opus or Vorbis)")


def _corrupt() -> AudioRefused:
    return AudioRefused("audio_corrupt", "the recording is cut off or damaged; record it again")

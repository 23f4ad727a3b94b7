"""What a client may call a recording."""

import numpy as np
import pytest

from facekey.core.errors import AudioRefused
from facekey.voice.decode import AudioLimits, decode
from tests.voices import Samples, resampled, room, wav, wav_header

LIMITS = AudioLimits(max_bytes=2_000_000, max_seconds=10.0)
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "codec", "rate_hz"),
    [
        ("WAV", "PCM_16", 16_000),
        ("WAV", "PCM_24", 48_000),
        ("WAV", "FLOAT", 44_100),
        ("WAV", "ULAW", 8_000),
        ("WAVEX", "PCM_16", 22_050),
        ("FLAC", "PCM_16", 16_000),
        ("OGG", "VORBIS", 44_100),
        ("OGG", "OPUS", 48_000),
    ],
)
def test_what_is_read(kind: str, codec: str, rate_hz: int) -> None:
    tone = resampled(TONE, 16_000, rate_hz)
    sound = decode(wav(tone, rate_hz=rate_hz, kind=kind, codec=codec), LIMITS)
    assert sound.rate_hz == rate_hz
    assert abs(len(sound.samples) - rate_hz) < 0.05 * rate_hz
    middle = slice(rate_hz // 4, rate_hz // 2)
    loudness = np.sqrt(np.mean(sound.samples[middle] ** 2))
    assert loudness == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_two_channels_are_mixed_down() -> None:
    both = np.stack([TONE, np.zeros_like(TONE)], axis=1)
    np.testing.assert_allclose(decode(wav(both), LIMITS).samples, TONE / 2, atol=1e-4)


def spoilt(value: float) -> Samples:
    samples = TONE.copy()
    samples[77] = value
    return samples


def tried(data: bytes) -> tuple[int, str]:
    """How many samples were read, or -1 and why none were."""
    try:
        sound = decode(data, LIMITS)
    except AudioRefused as refusal:
        return -1, refusal.code
    assert np.isfinite(sound.samples).all()
    return len(sound.samples), ""


FLAC = wav((0.1 * room(32_000) / 2e-4).astype(np.float32), kind="FLAC")
OGG = wav(TONE, kind="OGG", codec="VORBIS")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "audio_empty"),
        (b"Dear sir or madam,\n" * 50, "audio_format_unsupported"),
        (b"RIFF", "audio_format_unsupported"),
        (b"RIFF\x10\0\0\0AVI LIST", "audio_format_unsupported"),
        (b"\x1a\x45\xdf\xa3webm" + bytes(100), "audio_format_unsupported"),
        (wav(TONE, kind="AIFF"), "audio_format_unsupported"),
        (wav(TONE, codec="IMA_ADPCM"), "audio_format_unsupported"),
        (b"fLaC" + bytes(4), "audio_corrupt"),
        (b"OggS" + bytes(200), "audio_corrupt"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio_corrupt"),
        (FLAC[: len(FLAC) // 2], "audio_corrupt"),
        (FLAC[:200], "audio_corrupt"),
        (FLAC[:3000] + bytes(1000) + FLAC[4000:], "audio_corrupt"),
        (bytes(2_000_001), "audio_too_large"),
        (wav(np.zeros(16_000 * 11, np.float32), kind="FLAC"), "audio_too_long"),
        (wav(np.zeros((1600, 10), np.float32)), "audio_channels_unsupported"),
        (wav(TONE, rate_hz=7_999), "audio_sample_rate_unsupported"),
        (wav(TONE, rate_hz=96_000), "audio_sample_rate_unsupported"),
        (wav(spoilt(float("nan")), codec="FLOAT"), "audio_not_finite"),
        (wav(spoilt(float("inf")), codec="FLOAT"), "audio_not_finite"),
        (wav(spoilt(1e9), codec="DOUBLE"), "audio_not_finite"),
    ],
)
def test_what_is_not(data: bytes, code: str) -> None:
    with pytest.raises(AudioRefused) as refusal:
        decode(data, LIMITS)
    assert refusal.value.code == code
    assert str(refusal.value)


@pytest.mark.parametrize("declared", [0x7FFFFFF0, 0xFFFFFFFF])
def test_a_length_is_not_believed(declared: int) -> None:
    """What is cut off, or says so, is refused; no memory is taken for what isn't there."""
    data = wav_header(declared_bytes=declared) + (TONE * 32_000).astype("<i2").tobytes()
    assert tried(data) == (-1, "audio_corrupt")


def test_ogg_that_is_cut_off_gives_what_is_there_or_nothing() -> None:
    """Ogg pages stand for themselves, so a shorter file is a whole one."""
    read, code = tried(OGG[: len(OGG) * 2 // 3])
    assert code == "audio_corrupt" or 0 < read < len(TONE)


@pytest.mark.parametrize("seed", range(60))
def test_damage_is_refused_or_read_and_nothing_else(seed: int) -> None:
    random = np.random.default_rng(seed)
    whole = bytearray((FLAC, OGG, wav(TONE))[seed % 3])
    for place in random.integers(0, min(len(whole), 600), 8):
        whole[place] = random.integers(256)
    read, code = tried(bytes(whole))
    assert (read >= 0) is (code == "")
    assert code == "" or code.startswith("audio_")

"""Listening, with the real networks, to made-up voices and to what is none."""

from pathlib import Path

import numpy as np
import pytest

from facekey.core.errors import AudioRefused, ModelOutputInvalid, SampleRejected
from facekey.core.types import ModelId, Reason
from facekey.voice.encoder import SpeakerEncoder
from facekey.voice.listen import Listener
from facekey.voice.resample import to_16_khz
from facekey.voice.speech import SileroSpeech
from facekey.zoo.convert.graph import Graph
from facekey.zoo.onnx import OnnxSession
from tests.voices import (
    ALAN,
    BETTY,
    CARL,
    RATE_HZ,
    Samples,
    music,
    real_voices,
    recording,
    resampled,
    room,
    speaking,
    wav,
)


def tones(*hertz: float, seconds: float = 4.0) -> Samples:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(0.1 * np.sin(2 * np.pi * np.outer(hertz, at)).sum(axis=0), dtype=np.float32)


def noise(level: float, count: int = 4 * RATE_HZ) -> Samples:
    return (level / 2e-4 * room(count, 3)).astype(np.float32)


def quieter(samples: Samples, gain: float) -> Samples:
    return (gain * samples).astype(np.float32)


def test_a_voice_is_itself_in_other_words_and_not_another(listener: Listener) -> None:
    heard = {
        who: [listener.listen(recording(who, number)) for number in (0, 1)] for who in (ALAN, BETTY, CARL)
    }
    own = [float(first.embedding.vector @ second.embedding.vector) for first, second in heard.values()]
    others = [
        float(heard[one][0].embedding.vector @ heard[other][1].embedding.vector)
        for one in heard
        for other in heard
        if one != other
    ]
    assert min(own) > max(others) + 0.02
    for found in heard.values():
        assert found[0].speech_s > 2.0
        assert found[0].snr_db > 20.0
        assert not found[0].telephone


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0, np.float32), Reason.VOICE_TOO_SHORT),
        (speaking(ALAN)[8000:9600], Reason.VOICE_TOO_SHORT),  # 0.1 s
        (speaking(ALAN)[: int(1.5 * RATE_HZ)], Reason.VOICE_TOO_SHORT),
        (np.zeros(4 * RATE_HZ, np.float32), Reason.VOICE_SILENT),
        (room(4 * RATE_HZ).astype(np.float32), Reason.VOICE_SILENT),
        (quieter(speaking(ALAN), 0.02), Reason.VOICE_TOO_QUIET),
        (np.clip(40 * speaking(ALAN), -1, 1), Reason.VOICE_CLIPPED),
        (noise(0.05), Reason.VOICE_NOT_HEARD),
        (tones(440.0), Reason.VOICE_NOT_HEARD),
        (tones(50.0, 100.0, 150.0, 250.0), Reason.VOICE_NOT_HEARD),
        (music(seed=0), Reason.VOICE_NOT_HEARD),
        (music(seed=1), Reason.VOICE_NOT_HEARD),
        (speaking(ALAN) + noise(0.08, len(speaking(ALAN))), Reason.VOICE_TOO_NOISY),
    ],
)
def test_what_is_no_voice_is_refused_with_a_reason(
    listener: Listener, samples: Samples, reason: Reason
) -> None:
    with pytest.raises(SampleRejected) as rejection:
        listener.listen(wav(samples))
    assert rejection.value.reason is reason


def test_what_is_no_file_is_refused(listener: Listener) -> None:
    with pytest.raises(AudioRefused):
        listener.listen(b"hello")


@pytest.mark.parametrize("gain", [0.2, 3.0])
def test_how_loud_somebody_speaks_makes_no_difference(listener: Listener, gain: float) -> None:
    as_spoken = listener.listen(recording(BETTY))
    other = listener.listen(wav(quieter(speaking(BETTY), gain), codec="FLOAT"))
    assert float(as_spoken.embedding.vector @ other.embedding.vector) > 0.99


@pytest.mark.parametrize(
    ("rate_hz", "likeness", "telephone"),
    [(8_000, 0.75, True), (22_050, 0.98, False), (44_100, 0.99, False), (48_000, 0.99, False)],
)
def test_any_sampling_rate(listener: Listener, rate_hz: int, likeness: float, *, telephone: bool) -> None:
    same = listener.listen(wav(resampled(speaking(BETTY), RATE_HZ, rate_hz), rate_hz=rate_hz))
    assert float(listener.listen(recording(BETTY)).embedding.vector @ same.embedding.vector) > likeness
    assert same.telephone is telephone


def test_a_telephone_is_noticed_at_any_rate(listener: Listener) -> None:
    narrow = resampled(resampled(speaking(BETTY), RATE_HZ, 8_000), 8_000, RATE_HZ)
    assert listener.listen(wav(narrow)).telephone


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 32_000, 44_100, 48_000])
def test_resampling_keeps_what_is_in_the_band_and_nothing_else(rate_hz: int) -> None:
    at = np.arange(rate_hz) / rate_hz
    low = np.sin(2 * np.pi * 1000 * at).astype(np.float32)
    sound = to_16_khz(low, rate_hz)
    assert len(sound) == RATE_HZ
    wanted = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)
    np.testing.assert_allclose(sound[800:-800], wanted[800:-800], atol=2e-3)
    if rate_hz > 20_000:
        high = np.sin(2 * np.pi * 9_500 * at).astype(np.float32)
        assert np.abs(to_16_khz(high, rate_hz)[800:-800]).max() < 2e-3


def test_nothing_is_resampled_to_nothing() -> None:
    assert to_16_khz(np.zeros(0, np.float32), 44_100).size == 0


def test_a_network_that_fails_is_not_believed() -> None:
    zero = Graph("zero")
    reduced = zero.node("ReduceMean", "mel", axes=(1, 2), keepdims=0)  # (N,)
    column = zero.node("Unsqueeze", reduced, zero.weight(np.array([1], np.int64)))
    nothing = zero.node("Mul", column, zero.weight(np.zeros((1, 256), np.float32)), output="embedding")
    assert nothing == "embedding"
    model = zero.model(inputs={"mel": ("batch", 160, 40)}, outputs={"embedding": ("batch", 256)})
    session = OnnxSession(model.SerializeToString(), model_id=ModelId("zero:0"))
    with pytest.raises(ModelOutputInvalid):
        SpeakerEncoder(session).embed(np.ones((40, 40), np.float32))


def test_probabilities_of_speech_are_probabilities() -> None:
    graph = Graph("two")
    mean = graph.node("ReduceMean", "input", axes=(1,), keepdims=0)
    two = graph.weight(np.array(2.0, np.float32).reshape(1))
    graph.node("Add", mean, two, output="speech_probs")
    for name, memory in (("hn", "h"), ("cn", "c")):
        graph.node("Identity", memory, output=name)
    model = graph.model(
        inputs={"input": ("T", 576), "h": (1, 1, 128), "c": (1, 1, 128)},
        outputs={"speech_probs": ("T",), "hn": (1, 1, 128), "cn": (1, 1, 128)},
    )
    session = OnnxSession(model.SerializeToString(), model_id=ModelId("two:0"))
    with pytest.raises(ModelOutputInvalid):
        SileroSpeech(session).probabilities(np.zeros(RATE_HZ, np.float32))


def test_real_people(listener: Listener) -> None:
    """Only where recordings are at hand: one speaker's own are nearer than the next one's."""
    speakers = sorted(path for path in (real_voices() / "speakers").iterdir() if path.is_dir())[:3]

    def embedded(path: Path) -> Samples:
        return listener.listen(path.read_bytes()).embedding.vector

    heard = [np.stack([embedded(one) for one in sorted(who.glob("*.flac"))[:2]]) for who in speakers]
    for first, second in ((0, 1), (1, 2)):
        assert heard[first][0] @ heard[first][1] > heard[first][0] @ heard[second][0]

"""The converted speaker encoder and the mel spectrogram against what others compute.

The network: an LSTM written down here from torch's documentation. The spectrogram: numbers
that librosa gave (tests/vectors/mel_librosa.json says how).
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.voice.mel import mel_spectrogram
from facekey.wiring.voice import SPEAKER
from facekey.zoo.convert.torch_pickle import read_state_dict
from facekey.zoo.zoo import Zoo

VECTORS = Path(__file__).parents[1] / "vectors" / "mel_librosa.json"


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def lstm(x: NDArray[np.float64], state: dict[str, NDArray[np.float64]], layer: int) -> NDArray[np.float64]:
    """(N, T, I) to (N, T, 256); gates in torch's order: input, forget, cell, output."""
    w_ih, w_hh = state[f"lstm.weight_ih_l{layer}"], state[f"lstm.weight_hh_l{layer}"]
    bias = state[f"lstm.bias_ih_l{layer}"] + state[f"lstm.bias_hh_l{layer}"]
    h = c = np.zeros((len(x), 256))
    out = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ w_ih.T + h @ w_hh.T + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, axis=1)


def test_the_network_is_the_published_one(zoo: Zoo) -> None:
    (status,) = zoo.pull([SPEAKER])
    assert status.installed, status.reason
    tensors = read_state_dict(zoo.published(SPEAKER).read_bytes())
    state = {name: values.astype(np.float64) for name, values in tensors.items()}
    mel = np.random.default_rng(4).random((3, 160, 40)).astype(np.float32)
    x = mel.astype(np.float64)
    for layer in range(3):
        x = lstm(x, state, layer)
    raw = np.maximum(0, x[:, -1] @ state["linear.weight"].T + state["linear.bias"])
    wanted = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    (ours,) = zoo.open(SPEAKER).run(mel)
    np.testing.assert_allclose(ours, wanted, atol=2e-6)


def test_the_spectrogram_is_librosas() -> None:
    told = json.loads(VECTORS.read_text(encoding="utf-8"))
    at = np.arange(4000) / 16_000
    sweep = 0.3 * np.sin(2 * np.pi * (150 * at + 900 * at**2))
    fading = 0.1 * np.cos(2 * np.pi * 2750 * at) * np.exp(-8 * at)
    rising = 0.05 * np.sin(2 * np.pi * 6100 * at * (1 + at))
    ours = mel_spectrogram((sweep + fading + rising).astype(np.float32))
    assert list(ours.shape) == told["shape"]
    for frame, wanted in told["frames"].items():
        np.testing.assert_allclose(ours[int(frame)], wanted, rtol=2e-4, atol=1e-6 * max(wanted))

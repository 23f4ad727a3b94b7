"""Vectors that leave for an external index are turned first, by a matrix that only the deployment has.

Turning all vectors of a network by the same orthogonal matrix keeps every cosine between
them, so an index finds the same neighbours. Vectors turned by different keys have nothing
in common: a stolen index says nothing about another deployment's, nor about this one's
after its key was changed. It is not encryption: see docs/threat-model.md for what it leaves.

The matrix comes from the deployment's turning key alone, as follows.

(1) A 32-byte seed for each network: HKDF-SHA256 of the key, no salt, info
    `facekey turn 1/<model id>/<dimensions>`.
(2) 8 bytes of ChaCha20 keystream (counter and nonce zero) under the seed for each number;
    as little-endian integers, shifted right by 11, plus one half, over 2^53, they are
    uniform in (0, 1).
(3) The first half of them, u, and the second half, v, become standard normal numbers by
    Box-Muller: sqrt(-2 ln u) cos(2 pi v), then sqrt(-2 ln u) sin(2 pi v); in this order
    they fill a square matrix row by row, what is over is dropped.
(4) Its QR decomposition, with the columns of Q negated where the diagonal of R is
    negative, gives Q: uniform over all orthogonal matrices (Mezzadri, "How to generate
    random matrices from the classical compact groups", Notices of the AMS 54, 2007).

A turned vector is `Q @ vector`, computed in float64 and kept in float32.
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from facekey.core.types import Embedding, Floats, ModelId

SEED_BYTES = 32
TURN_ID_BYTES = 8
COUNTER_AND_NONCE = bytes(16)  # a seed makes one keystream, ever


@dataclass(frozen=True, slots=True)
class Turn:
    """One network's turn.

    Attributes:
        turn_id: names the matrix without telling anything about it; kept beside what it turned.
        matrix: (D, D) float64, orthogonal.
    """

    model: ModelId
    turn_id: str
    matrix: NDArray[np.float64] = field(repr=False)

    def __call__(self, embedding: Embedding) -> Floats:
        """The turned vector, (D,) float32, L2 norm 1.

        Raises:
            ValueError: another network made the embedding.
        """
        if embedding.model != self.model:
            raise ValueError(f"this turns vectors of {self.model}, not of {embedding.model}")
        turned: Floats = (self.matrix @ embedding.vector.astype(np.float64)).astype(np.float32)
        return turned


class Turning:
    """A deployment's turning key, with the turns made from it so far."""

    def __init__(self, key: bytes) -> None:
        """Take the key; a turn is made when a network's first vector comes."""
        self._key = key
        self._turns: dict[tuple[ModelId, int], Turn] = {}

    @property
    def key_id(self) -> str:
        """Names the key without telling anything about it."""
        return hashlib.sha256(b"facekey turning key id" + self._key).digest()[:TURN_ID_BYTES].hex()

    def of(self, embedding: Embedding) -> Turn:
        """The turn for vectors such as this one."""
        known = embedding.model, embedding.vector.shape[0]
        if known not in self._turns:
            self._turns[known] = turn_of(self._key, *known)
        return self._turns[known]


def turn_of(key: bytes, model: ModelId, dimensions: int) -> Turn:
    """The turn of one network under a deployment's turning key. 512 dimensions take about 50 ms."""
    # (1)
    info = f"facekey turn 1/{model}/{dimensions}".encode()
    seed = HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=info).derive(key)
    # (2), (3)
    normal = _normal(seed, dimensions * dimensions).reshape(dimensions, dimensions)
    # (4)
    matrix, upper = np.linalg.qr(normal)
    matrix = matrix * np.where(np.diagonal(upper) < 0, -1.0, 1.0)
    turn_id = hashlib.sha256(b"facekey turn id" + seed).digest()[:TURN_ID_BYTES].hex()
    return Turn(model, turn_id, matrix)


def _normal(seed: bytes, count: int) -> NDArray[np.float64]:
    half = (count + 1) // 2
    stream = Cipher(algorithms.ChaCha20(seed, COUNTER_AND_NONCE), mode=None).encryptor()
    integers = np.frombuffer(stream.update(bytes(8 * 2 * half)), dtype="<u8") >> np.uint64(11)
    uniform = (integers.astype(np.float64) + 0.5) / 2.0**53
    radius, angle = np.sqrt(-2.0 * np.log(uniform[:half])), 2.0 * np.pi * uniform[half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]

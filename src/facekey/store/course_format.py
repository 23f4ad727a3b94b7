"""How what is remembered of a person's attempts becomes bytes.

    4 bytes length of the text | text, JSON | vectors, float32 little-endian, one after the other

The text names times, scores, networks and dimensions; the vectors are those of the probes
that wait, in the order in which the text names them.
"""

import json
import struct
from datetime import datetime

import numpy as np

from facekey.core.adaptation import Course, Pending
from facekey.core.errors import SealBroken
from facekey.core.personal_bar import Score
from facekey.core.types import Embedding, ModelId
from facekey.store.sql.times import text_of, time_of, written

FORMAT = 1
_LENGTH = struct.Struct("<I")


def pack_course(course: Course) -> bytes:
    """Write it down."""
    told = {
        "format": FORMAT,
        "scores": [[score.under, round(score.evidence, 4)] for score in course.scores],
        "pending": [
            [written(one.at), [[embedding.model, embedding.vector.size] for embedding in one.embeddings]]
            for one in course.pending
        ],
        "refreshed_at": text_of(course.refreshed_at),
    }
    text = json.dumps(told, separators=(",", ":")).encode()
    vectors = b"".join(
        embedding.vector.astype("<f4").tobytes() for one in course.pending for embedding in one.embeddings
    )
    return _LENGTH.pack(len(text)) + text + vectors


def unpack_course(data: bytes) -> Course:
    """Read it.

    Raises:
        SealBroken: the bytes are not what `pack_course` writes.
    """
    try:
        (length,) = _LENGTH.unpack_from(data)
        told = json.loads(data[_LENGTH.size : _LENGTH.size + length])
        values = np.frombuffer(data, dtype="<f4", offset=_LENGTH.size + length).astype(np.float32)
        pending, at = [], 0
        for time, networks in told["pending"]:
            embeddings = []
            for model, dimensions in networks:
                embeddings.append(Embedding(values[at : at + dimensions], ModelId(model)))
                at += dimensions
            pending.append(Pending(datetime.fromisoformat(time), tuple(embeddings)))
        scores = tuple(Score(str(under), float(evidence)) for under, evidence in told["scores"])
        known = told["format"] == FORMAT and at == values.size
        course = Course(scores, tuple(pending), time_of(told["refreshed_at"]))
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise SealBroken(f"what was remembered of a person can't be read: {error}") from error
    if not known:
        raise SealBroken("what was remembered of a person is of a format that this version doesn't know")
    return course

"""Templates as bytes, for whoever stores them.

A line of JSON (format, model, number of photos), then the unit vectors as little-endian float32, then
the SHA-256 of both. The hash finds damage, not forgery: nothing here is encrypted or signed, and
a template is biometric data. Keep it where only the program that authenticates can read it.
"""

import hashlib
import json

import numpy as np

from facekey.core.errors import ModelMismatch, RequestInvalid
from facekey.core.types import UNIT_NORM_TOLERANCE, ModelId, References, SubjectId, Template

FORMAT = "facekey-edge-1"
MAX_BYTES = 1 << 20
_DIGEST_BYTES = 32
_HEADER_BYTES = 4096


def write_template(references: References) -> bytes:
    """The bytes of one person's template."""
    vectors = np.ascontiguousarray(references.vectors, "<f4")  # (N, D)
    header = {"format": FORMAT, "model": references.model, "photos": len(vectors), "size": vectors.shape[1]}
    body = json.dumps(header).encode() + b"\n" + vectors.tobytes()
    return body + hashlib.sha256(body).digest()


def read_template(data: bytes, *, model: ModelId) -> Template:
    """Read a template that this bundle's network made.

    Raises:
        RequestInvalid: it is no template, or only a part of one.
        ModelMismatch: another network made it, or the same in another precision: enrol again.
    """
    if not _DIGEST_BYTES < len(data) <= MAX_BYTES:
        raise _broken("its length is wrong")
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise _broken("it was damaged or cut off")
    line, _, content = body.partition(b"\n")
    try:
        header = json.loads(line[:_HEADER_BYTES])
        version, made_by = header["format"], ModelId(str(header["model"]))
        shape = (int(header["photos"]), int(header["size"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _broken("its first line can't be read") from error
    if version != FORMAT:
        raise _broken(f"it is of format {version}, this bundle reads {FORMAT}")
    if made_by != model:
        raise ModelMismatch(model, (made_by,))
    if min(shape) < 1 or len(content) != 4 * shape[0] * shape[1]:
        raise _broken("it has another number of values than it says")
    vectors = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=UNIT_NORM_TOLERANCE):  # nor NaN
        raise _broken("its vectors are no directions")
    return Template(SubjectId("edge"), (References(made_by, vectors),))


def _broken(why: str) -> RequestInvalid:
    return RequestInvalid("template_invalid", f"this is no template that can be used: {why}; enrol again")

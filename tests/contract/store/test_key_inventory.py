"""Which keys there are, on every database and from every kind of key file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekey.core.audit import AuditEvent
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.keys.stored import InTheOpen, StoredKeys, add_key
from facekey.store.sealing import KeyRing
from facekey.store.sql.key_inventory import SqlKeyInventory
from facekey.store.sql.signing_keys import SqlSigningKeys
from tests.contract.store.opened import Store

NOW = datetime(2026, 1, 2, tzinfo=UTC)


async def test_a_new_key_is_there_before_anything_hangs_on_it(store: Store, key: EncryptionKey) -> None:
    new = EncryptionKey.generate(2)
    inventory = SqlKeyInventory(store.database, KeyRing(EnvironmentKeys(new, [key])))
    first, older = await inventory.root_keys()
    assert (first.key_id, first.version, first.current, first.records) == (new.key_id.hex(), 2, True, 0)
    assert (older.key_id, older.current, older.at_hand) == (key.key_id.hex(), False, True)
    assert older.records > 0
    (alone, lost) = await SqlKeyInventory(store.database, KeyRing(EnvironmentKeys(new))).root_keys()
    assert (alone.at_hand, lost.at_hand) == (True, False)


async def test_a_key_file_knows_when(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "root.keys"
    add_key(path, InTheOpen(), NOW, make_current=True)
    keys = StoredKeys(path, InTheOpen())
    (first, _) = await SqlKeyInventory(store.database, KeyRing(keys)).root_keys()
    assert first.made_at == NOW
    path.write_text(path.read_text().replace(NOW.isoformat(timespec="seconds"), "somewhen"))
    edited = StoredKeys(path, InTheOpen())
    assert edited.made_at(edited.current().key_id) is None


@pytest.mark.parametrize("renewed", [False, True])
async def test_signing_keys(store: Store, renewed: bool) -> None:
    keys = SqlSigningKeys(store.database, store.ring)
    await keys.load("face_token", at=NOW, retired_for=timedelta(days=1))
    later = NOW + timedelta(hours=1)
    if renewed:
        event = AuditEvent("renew_face_token_key", "test", None, "done", "asked", later, {})
        await keys.renew("face_token", store.audit, event)
    found = await SqlKeyInventory(store.database, store.ring).signing_keys()
    assert [key.created_at for key in found] == [later, NOW][not renewed :]
    assert [key.retired_at for key in found] == [None, later][: 1 + renewed]

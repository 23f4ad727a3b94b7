"""Voices on both databases: sealed, bound to their place, and untouched by a rotation."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from facekey.core.consent import ConsentRule
from facekey.core.errors import SealBroken, SubjectUnknown
from facekey.core.types import ModelId, References, SubjectId
from facekey.core.voice import VoiceTemplate
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.store.sql.tables import subjects, voice_templates
from facekey.store.sql.voices import SqlVoices
from tests.contract.store.opened import Store, event, template
from tests.unit.core.made import direction, near
from tests.unit.services.voiced import VOICE, voice_decoy, voices_of

ALICE, BOB, NOBODY = SubjectId("alice"), SubjectId("bob"), SubjectId("nobody")
AT = datetime(2026, 5, 1, tzinfo=UTC)


def voice(name: SubjectId, seed: int) -> VoiceTemplate:
    vectors = np.stack([near(direction(seed), 0.9, 10 * seed + number) for number in range(3)])
    return VoiceTemplate(name, References(VOICE, vectors), AT)


async def keep(voices: SqlVoices, name: SubjectId, seed: int) -> None:
    await voices.put(voice(name, seed), event("enrol_voice", name), consent=None, rule=ConsentRule.OPTIONAL)


@pytest.fixture
async def voices(store: Store) -> SqlVoices:
    for number, name in enumerate((ALICE, BOB), start=1):
        await store.enrol(template(name, number), event("register", name))
    kept = voices_of(store)
    await keep(kept, ALICE, 1)
    return kept


async def test_a_voice_comes_back_and_is_replaced(voices: SqlVoices) -> None:
    found = await voices.get(ALICE)
    assert found is not None
    assert (found.subject_id, found.enrolled_at, found.consent_until) == (ALICE, AT, None)
    np.testing.assert_array_equal(found.references.vectors, voice(ALICE, 1).references.vectors)
    assert await voices.get(BOB) is None
    assert await voices.get(NOBODY) is None
    await keep(voices, ALICE, 9)
    found = await voices.get(ALICE)
    assert found is not None
    np.testing.assert_array_equal(found.references.vectors, voice(ALICE, 9).references.vectors)


async def test_of_nobody_nothing_is_kept(voices: SqlVoices) -> None:
    with pytest.raises(SubjectUnknown):
        await keep(voices, NOBODY, 3)
    with pytest.raises(SubjectUnknown):
        await voices.forget(NOBODY, event("forget_voice", NOBODY))


async def test_nothing_is_readable_in_the_database(voices: SqlVoices, store: Store) -> None:
    async def reading(connection: Connection) -> bytes:
        return bytes((await connection.execute(select(voice_templates.c.sealed))).scalar_one())

    sealed = await store.database.read(reading)
    vector = voice(ALICE, 1).references.vectors.astype("<f4").tobytes()
    assert vector[:16] not in sealed
    bodies = [record.body async for record in store.audit.records()]
    assert not any("alice" in body for body in bodies)


@pytest.mark.parametrize("moved", ["person", "model", "bytes"])
async def test_a_row_that_was_moved_or_changed_does_not_open(
    voices: SqlVoices, store: Store, moved: str
) -> None:
    await keep(voices, BOB, 2)

    async def changing(connection: Connection) -> None:
        uid = (await connection.execute(select(subjects.c.uid).where(store.whose("bob")))).scalar_one()
        own = voice_templates.c.subject_uid == uid
        others = select(voice_templates.c.sealed).where(voice_templates.c.subject_uid != uid)
        stolen = bytes((await connection.execute(others)).scalar_one())
        changed = {"sealed": stolen} if moved == "person" else {"sealed": stolen[:-1] + b"?"}
        values = {"model": "other:000000000000"} if moved == "model" else changed
        await connection.execute(update(voice_templates).where(own).values(**values))

    await store.database.write(changing)
    with pytest.raises(SealBroken):
        await voices.get(BOB)
    assert await voices.get(ALICE) is not None


async def test_a_face_is_no_voice_and_a_voice_no_face(voices: SqlVoices, store: Store) -> None:
    found = await store.templates.get(ALICE)
    assert found is not None
    assert VOICE not in {one.model for one in found.references}
    await voices.forget(ALICE, event("forget_voice", ALICE))
    assert await store.templates.get(ALICE) is not None


async def test_voices_survive_a_rotation_and_so_does_the_stand_in(
    voices: SqlVoices, store: Store, key: EncryptionKey
) -> None:
    newer = EncryptionKey.generate()
    both = KeyRing(EnvironmentKeys(newer, (key,)))
    async for _ in SqlWrappedKeys(store.database, both).rewrap():
        pass
    alone = replace(store, ring=KeyRing(EnvironmentKeys(newer)))
    found = await voices_of(alone).get(ALICE)
    assert found is not None
    # A service that still has a stand-in sealed under the retired key makes another.
    lasting = SqlVoices(store.database, both, store.audit, voice_decoy(store))
    lasting._ring = alone.ring
    lasting._decoy = voices._decoy
    assert await lasting.get(NOBODY) is None


async def test_erasing_the_key_is_enough(voices: SqlVoices, store: Store) -> None:
    await store.templates.erase(ALICE, event("erase", ALICE))

    async def left(connection: Connection) -> list[str]:
        return list((await connection.execute(select(voice_templates.c.subject_uid))).scalars())

    assert await store.database.read(left) == []
    assert await voices.get(ALICE) is None
    await store.database.write(lambda connection: connection.execute(delete(voice_templates)))
    assert ModelId(VOICE) == VOICE

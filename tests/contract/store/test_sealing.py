import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekey.core.errors import KeyUnavailable, SealBroken, SettingsInvalid
from facekey.core.types import ModelId, References
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing, sealed_by
from facekey.store.template_format import Place
from tests.unit.core.made import MODEL, direction

KEY = EncryptionKey(bytes(range(32)))
RING = KeyRing(EnvironmentKeys(KEY))

# Written under KEY by the version that knew format 1: a data key of `owner`, and under it one template.
WRAPPED_1 = bytes.fromhex(
    "011b13065c560b58c537d15a077b7820727f827f2ed20176ab7aafc908ad68b2b930f7e7a79bfceffb11d67b5a"
    "074d8ad567be7d0dc68ea17946f230c6d762d50fe5ea9fb7"
)
TEMPLATE_1 = bytes.fromhex(
    "0197d570322372f349077b18761447e3a2ebeba7c6fcfa886994f2a2feb051909b1729e81891c2de9c1d16d73a0322f731e1"
)
REFERENCES = References(MODEL, np.stack([direction(1), direction(2)]))


@given(st.binary(max_size=200), st.lists(st.text(max_size=20), max_size=3))
def test_what_is_sealed_comes_back(plain: bytes, context: list[str]) -> None:
    seal, wrapped = RING.new_data_key("owner")
    assert RING.unwrap(wrapped, "owner").open(seal.close(plain, *context), *context) == plain


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    seal, _ = RING.new_data_key("owner")
    blob = bytearray(seal.close(b"template", "a"))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        seal.open(bytes(blob), "a")


@pytest.mark.parametrize("context", [(), ("b",), ("a", ""), ("", "a"), ("a", "b")])
def test_another_place_does_not_open(context: tuple[str, ...]) -> None:
    seal, _ = RING.new_data_key("owner")
    with pytest.raises(SealBroken):
        seal.open(seal.close(b"template", "a"), *context)


def test_context_parts_do_not_run_into_each_other() -> None:
    seal, _ = RING.new_data_key("owner")
    with pytest.raises(SealBroken):
        seal.open(seal.close(b"template", "ab", "c"), "a", "bc")


def test_a_data_key_belongs_to_its_owner_and_its_root() -> None:
    _, wrapped = RING.new_data_key("owner")
    with pytest.raises(SealBroken):
        RING.unwrap(wrapped, "somebody else")
    with pytest.raises(KeyUnavailable, match="sealed with key"):
        KeyRing(EnvironmentKeys(EncryptionKey.generate())).unwrap(wrapped, "owner")


@pytest.mark.parametrize("cut", [0, 1, 20, 21, 30])
def test_cut_blobs_are_refused(cut: int) -> None:
    seal, _ = RING.new_data_key("owner")
    with pytest.raises(SealBroken):
        seal.open(seal.close(b"template")[:cut])


def test_keys_are_read_as_they_are_written() -> None:
    key = EncryptionKey.generate()
    assert EncryptionKey.parse(key.written()) == key
    assert EncryptionKey.parse(key.secret.hex()) == key
    assert EncryptionKey.parse(base64.b64encode(key.secret).decode()) == key
    assert key.written() not in repr(key)
    assert str(key.secret) not in repr(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "change-me",
        "0" * 64,
        base64.b64encode(b"short").decode(),
        "A" * 43 + "=",
        "é" * 44,
        "x" * 64,
    ],
)
def test_weak_keys_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        EncryptionKey.parse(text)
    assert "facekey keys new" in str(refused.value)
    assert not text.strip() or text not in str(refused.value)


@pytest.mark.parametrize("text", ["1:", "0:{}", "65536:{}", "-1:{}", "x:{}", "1:2:{}", "٢:{}"])
def test_versions_that_are_none(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="VERSION"):
        EncryptionKey.parse(text.format(KEY.written()))
    with pytest.raises(ValueError, match="version"):
        EncryptionKey(KEY.secret, 0)


def test_a_key_keeps_its_version_and_its_id() -> None:
    third = EncryptionKey(KEY.secret, 3)
    assert EncryptionKey.parse(third.written()) == third
    assert third.key_id == KEY.key_id, "a version counts for people; a key is named by what it is"
    made = sealed_by(KeyRing(EnvironmentKeys(third)).wrap(b"secret", "owner"))
    assert (made.format, made.key_id, made.version) == (2, KEY.key_id, 3)


def test_previous_keys_open_and_the_current_one_seals() -> None:
    old, new = EncryptionKey.generate(), EncryptionKey.generate(2)
    _, wrapped = KeyRing(EnvironmentKeys(old)).new_data_key("owner")
    both = KeyRing(EnvironmentKeys.parse(new.written(), f" {old.written()} ,, {KEY.secret.hex()}"))
    assert both.holds(wrapped)
    again = both.rewrap(wrapped, "owner")
    assert again.startswith(both.mark())
    assert both.unwrap(again, "owner") == both.unwrap(wrapped, "owner")
    only_new = KeyRing(EnvironmentKeys(new))
    assert only_new.unwrap(again, "owner") == both.unwrap(wrapped, "owner")
    assert not only_new.holds(wrapped)
    with pytest.raises(KeyUnavailable, match=old.key_id.hex()):
        only_new.rewrap(wrapped, "owner")
    with pytest.raises(SealBroken):
        both.rewrap(wrapped, "somebody else")


def test_faults_in_previous_keys_are_named_not_shown() -> None:
    with pytest.raises(SettingsInvalid, match="ENCRYPTION_KEY_PREVIOUS must") as refused:
        EnvironmentKeys.parse(KEY.written(), f"{KEY.written()},shown")
    assert "shown" not in str(refused.value)
    with pytest.raises(SettingsInvalid, match="twice"):
        EnvironmentKeys.parse(KEY.written(), f"{KEY.written()},{KEY.secret.hex()}")


def test_a_data_key_has_a_version_that_stays_when_it_is_wrapped_again() -> None:
    wrapped = RING.wrap(KEY.secret, "owner", 7)
    seal = RING.unwrap(RING.rewrap(wrapped, "owner"), "owner")
    assert (seal.version, sealed_by(seal.close(b"")).version) == (7, 7)


def test_blobs_of_format_1_open() -> None:
    place, model = Place("owner", "alice"), ModelId(MODEL)
    seal = RING.unwrap(WRAPPED_1, "owner")
    np.testing.assert_array_equal(
        place.open(seal, TEMPLATE_1, model).vectors, np.array([[0.6, 0.8]], np.float32)
    )
    again = RING.rewrap(WRAPPED_1, "owner")
    assert sealed_by(WRAPPED_1).format == 1
    assert sealed_by(again).format == 2
    assert RING.unwrap(again, "owner").open(TEMPLATE_1, "template", "owner", "alice", MODEL)


@pytest.mark.parametrize(
    ("place", "model"),
    [
        (Place("other", "alice", 2), MODEL),
        (Place("owner", "bob", 2), MODEL),
        (Place("owner", "alice", 1), MODEL),
        (Place("owner", "alice", 3), MODEL),
        (Place("owner", "alice", 2), ModelId("other:1")),
    ],
    ids=["person", "id", "older revision", "newer revision", "network"],
)
def test_a_template_opens_in_its_place_only(place: Place, model: ModelId) -> None:
    seal, _ = RING.new_data_key("owner")
    blob = Place("owner", "alice", 2).seal(seal, REFERENCES)
    np.testing.assert_array_equal(
        Place("owner", "alice", 2).open(seal, blob, MODEL).vectors, REFERENCES.vectors
    )
    with pytest.raises(SealBroken):
        place.open(seal, blob, model)


def test_a_first_template_can_not_come_back_as_a_later_one() -> None:
    with pytest.raises(SealBroken, match="older than the revision"):
        Place("owner", "alice", 2).open(RING.unwrap(WRAPPED_1, "owner"), TEMPLATE_1, MODEL)

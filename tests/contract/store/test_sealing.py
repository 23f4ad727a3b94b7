import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekey.core.errors import KeyUnavailable, SealBroken, SettingsInvalid
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sealing import KeyRing

KEY = EncryptionKey(bytes(range(32)))
RING = KeyRing(KEY)


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
        KeyRing(EncryptionKey.generate()).unwrap(wrapped, "owner")


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

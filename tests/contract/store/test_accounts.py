import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from facekey.core.accounts import ApiKey, Operator, RefreshToken
from facekey.core.audit import AuditEvent
from facekey.core.caller import Role
from facekey.core.errors import AccountExists, AccountUnknown, NotSignedIn
from facekey.store.sql.api_keys import SqlApiKeys
from facekey.store.sql.operators import SqlOperators
from facekey.store.sql.refresh_tokens import SqlRefreshTokens
from tests.contract.store.opened import Store
from tests.unit.services.deployed import recorded

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Operator("1" * 32, "ada", Role.ADMIN, "hash", True, NOW, NOW + timedelta(days=1), NOW)
KEY = ApiKey("2" * 32, "shop", Role.SERVICE, "k" * 64, NOW, "operator:1", "https://shop.example", NOW)
HOUR = 3600.0


def did(action: str) -> AuditEvent:
    return AuditEvent(action, "test", None, "done", "asked", NOW, {})


@pytest.fixture
def operators(store: Store) -> SqlOperators:
    return SqlOperators(store.database, store.audit)


@pytest.fixture
def tokens(store: Store) -> SqlRefreshTokens:
    return SqlRefreshTokens(store.database, store.audit)


@pytest.fixture
def api_keys(store: Store) -> SqlApiKeys:
    return SqlApiKeys(store.database, store.audit)


async def test_an_operator_comes_back_as_stored(operators: SqlOperators) -> None:
    await operators.add(ADA, did("add_operator"))
    assert await operators.named("ada") == await operators.find(ADA.uid) == ADA
    assert await operators.everybody() == [ADA]
    assert await operators.named("bob") is None
    assert await operators.find("0") is None


async def test_a_name_is_taken_once(operators: SqlOperators, store: Store) -> None:
    await operators.add(ADA, did("add_operator"))
    with pytest.raises(AccountExists):
        await operators.add(replace(ADA, uid="3" * 32), did("add_operator"))
    assert len(await recorded(store)) == 1


async def begun(tokens: SqlRefreshTokens, operators: SqlOperators) -> None:
    await operators.add(ADA, did("add_operator"))
    await tokens.begin(RefreshToken("first", "family", ADA.uid, NOW, NOW + timedelta(hours=1)))


async def exchange(tokens: SqlRefreshTokens, used: str, following: str, at: datetime = NOW) -> RefreshToken:
    return await tokens.exchange(used, following, at=at, lasts_s=HOUR)


async def test_each_token_gives_the_next_once(tokens: SqlRefreshTokens, operators: SqlOperators) -> None:
    await begun(tokens, operators)
    second = await exchange(tokens, "first", "second", NOW + timedelta(minutes=59))
    assert (second.operator_uid, second.expires_at) == (ADA.uid, NOW + timedelta(minutes=119))
    await exchange(tokens, "second", "third", NOW + timedelta(minutes=100))


LOST, LATE = timedelta(seconds=10), timedelta(seconds=10.1)


async def test_a_token_that_is_used_again_ends_the_whole_chain(
    tokens: SqlRefreshTokens, operators: SqlOperators, store: Store
) -> None:
    await begun(tokens, operators)
    await exchange(tokens, "first", "second")
    with pytest.raises(NotSignedIn):
        await exchange(tokens, "first", "stolen", NOW + LATE)
    assert (await recorded(store))[-1]["reason"] == "refresh_token_reused"
    for token in ("second", "stolen"):
        with pytest.raises(NotSignedIn):
            await exchange(tokens, token, "next", NOW + LATE)


async def test_an_answer_that_got_lost_is_given_again(
    tokens: SqlRefreshTokens, operators: SqlOperators, store: Store
) -> None:
    await begun(tokens, operators)
    await exchange(tokens, "first", "lost")
    await exchange(tokens, "first", "again", NOW + LOST)
    await exchange(tokens, "again", "third", NOW + timedelta(minutes=1))
    assert not [one for one in await recorded(store) if one["reason"] == "refresh_token_reused"]
    # Whoever comes with the answer that was lost is a second holder.
    with pytest.raises(NotSignedIn):
        await exchange(tokens, "lost", "stolen", NOW + timedelta(minutes=2))
    with pytest.raises(NotSignedIn):
        await exchange(tokens, "third", "fourth", NOW + timedelta(minutes=2))


async def test_an_answer_that_was_used_was_not_lost(
    tokens: SqlRefreshTokens, operators: SqlOperators
) -> None:
    await begun(tokens, operators)
    await exchange(tokens, "first", "second")
    await exchange(tokens, "second", "third", NOW + timedelta(seconds=1))
    for token in ("first", "third"):
        with pytest.raises(NotSignedIn):
            await exchange(tokens, token, "stolen", NOW + timedelta(seconds=2))


async def test_of_several_at_once_one_chain_goes_on(
    tokens: SqlRefreshTokens, operators: SqlOperators
) -> None:
    await begun(tokens, operators)
    await asyncio.gather(*(exchange(tokens, "first", f"next{n}") for n in range(4)))
    later, heirs = NOW + LATE, []
    for number in range(4):
        try:
            heirs.append(await exchange(tokens, f"next{number}", f"later{number}", later))
        except NotSignedIn:
            continue
    assert len(heirs) <= 1  # the others count as used, and end the chain


@pytest.mark.parametrize(("token", "minutes"), [("unknown", 0), ("first", 60)])
async def test_tokens_that_do_not_count(
    tokens: SqlRefreshTokens, operators: SqlOperators, token: str, minutes: int
) -> None:
    await begun(tokens, operators)
    with pytest.raises(NotSignedIn):
        await exchange(tokens, token, "next", NOW + timedelta(minutes=minutes))


async def test_signing_out_ends_the_chain(tokens: SqlRefreshTokens, operators: SqlOperators) -> None:
    await begun(tokens, operators)
    await tokens.end("first", did("sign_out"))
    await tokens.end("unknown", did("sign_out"))
    with pytest.raises(NotSignedIn):
        await exchange(tokens, "first", "second")


@pytest.mark.parametrize("change", ["password", "disable"])
async def test_a_new_password_or_none_at_all_ends_every_sign_in(
    tokens: SqlRefreshTokens, operators: SqlOperators, change: str
) -> None:
    await begun(tokens, operators)
    if change == "password":
        await operators.set_password(ADA.uid, "other", expires_at=None, event=did("change_password"))
        found = await operators.named("ada")
        assert found == replace(ADA, password_hash="other", one_time=False, password_expires_at=None)
    else:
        await operators.disable(ADA.uid, did("disable_operator"))
        found = await operators.named("ada")
        assert found == replace(ADA, disabled_at=NOW)
    with pytest.raises(NotSignedIn):
        await exchange(tokens, "first", "second")


async def test_an_api_key_comes_back_as_stored(api_keys: SqlApiKeys) -> None:
    await api_keys.add(KEY, did("add_api_key"))
    assert await api_keys.by_hash(KEY.key_hash) == KEY
    assert await api_keys.everything() == [KEY]
    assert await api_keys.by_hash("0") is None
    with pytest.raises(AccountExists):
        await api_keys.add(replace(KEY, uid="3" * 32, key_hash="h" * 64), did("add_api_key"))


async def test_a_key_is_revoked_once(api_keys: SqlApiKeys) -> None:
    await api_keys.add(KEY, did("add_api_key"))
    await api_keys.used(KEY.uid, at=NOW)
    await api_keys.revoke(KEY.uid, did("revoke_api_key"))
    found = await api_keys.by_hash(KEY.key_hash)
    assert found == replace(KEY, revoked_at=NOW, last_used_at=NOW)
    for uid in (KEY.uid, "unknown"):
        with pytest.raises(AccountUnknown):
            await api_keys.revoke(uid, did("revoke_api_key"))


async def test_a_change_that_cannot_be_recorded_is_not_made(
    operators: SqlOperators, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: object) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(store.audit, "append_within", refuses)
    with pytest.raises(RuntimeError):
        await operators.add(ADA, did("add_operator"))
    assert await operators.everybody() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE operators SET role = 'operator'",
        "UPDATE operators SET password_hash = 'theirs'",
        "UPDATE operators SET one_time = NOT one_time",
        "UPDATE operators SET disabled_at = NULL, password_expires_at = NULL",
        "UPDATE operators SET name = 'eve'",
        "UPDATE operators SET vouched = NULL",
        "INSERT INTO operators "
        "(uid, name, role, password_hash, one_time, password_set_at, created_at, vouched) SELECT "
        "'e', 'eve', role, password_hash, one_time, password_set_at, created_at, vouched FROM operators",
    ],
)
async def test_an_operator_whom_somebody_wrote_into_the_database(
    operators: SqlOperators, store: Store, change: str
) -> None:
    await operators.add(ADA, did("add_operator"))
    await store.database.write(lambda connection: connection.exec_driver_sql(change))
    eve = [await operators.named("eve"), await operators.find("e")]
    assert eve == [None, None]
    if change.startswith("UPDATE"):
        assert await operators.everybody() == []
        assert await operators.find(ADA.uid) is None
        with pytest.raises(AccountUnknown):
            await operators.disable(ADA.uid, did("disable_operator"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_keys SET role = 'operator'",
        "UPDATE api_keys SET audience = 'https://bank.example'",
        "UPDATE api_keys SET expires_at = NULL",
        "UPDATE api_keys SET key_hash = 'theirs'",
    ],
)
async def test_an_api_key_that_somebody_changed(api_keys: SqlApiKeys, store: Store, change: str) -> None:
    await api_keys.add(KEY, did("add_api_key"))
    await store.database.write(lambda connection: connection.exec_driver_sql(change))
    assert [await api_keys.by_hash(KEY.key_hash), await api_keys.by_hash("theirs")] == [None, None]
    with pytest.raises(AccountUnknown):
        await api_keys.revoke(KEY.uid, did("revoke_api_key"))


async def test_a_revoked_key_is_not_put_back(api_keys: SqlApiKeys, store: Store) -> None:
    await api_keys.add(KEY, did("add_api_key"))
    await api_keys.used(KEY.uid, at=NOW)
    await api_keys.revoke(KEY.uid, did("revoke_api_key"))
    found = await api_keys.by_hash(KEY.key_hash)
    assert found is not None
    assert found.revoked_at == NOW
    await store.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE api_keys SET revoked_at = NULL")
    )
    assert await api_keys.by_hash(KEY.key_hash) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE refresh_tokens SET token_hash = 'theirs'",
        "UPDATE refresh_tokens SET operator_uid = '4'",
        "UPDATE refresh_tokens SET expires_at = '2999-01-01'",
    ],
)
async def test_a_refresh_token_that_somebody_changed(
    tokens: SqlRefreshTokens, operators: SqlOperators, store: Store, change: str
) -> None:
    await begun(tokens, operators)
    await operators.add(replace(ADA, uid="4", name="bob"), did("add_operator"))
    await store.database.write(lambda connection: connection.exec_driver_sql(change))
    for shown in ("first", "theirs"):
        with pytest.raises(NotSignedIn):
            await tokens.exchange(shown, "next", at=NOW, lasts_s=HOUR)

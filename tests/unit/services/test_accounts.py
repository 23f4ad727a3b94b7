from datetime import timedelta

import pytest

from facekey.core.caller import Caller, Role
from facekey.core.errors import (
    AccountExists,
    AccountUnknown,
    AttemptsExhausted,
    CredentialsWrong,
    NotSignedIn,
    PasswordChangeRequired,
    RequestInvalid,
    StoreUnavailable,
)
from facekey.services.know_caller import API_KEY_PREFIX
from facekey.services.sign_in import SignedIn
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER
from tests.unit.services.deployed import Accounts, HandClock, recorded
from tests.unit.services.staged import HandTicker

PASSWORD = "correct horse battery"
OTHER = "staple paper clip stack"
HERE = "192.0.2.1"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ticker() -> HandTicker:
    return HandTicker()


@pytest.fixture
async def accounts(store: Store, clock: HandClock, ticker: HandTicker) -> Accounts:
    """With one admin, ada, who has chosen a password."""
    opened = Accounts(store, clock, ticker, open_to_all=False)
    made = await opened.manage.add_operator("ada", Role.ADMIN, caller=CALLER)
    await opened.sign_in.change_password("ada", made.one_time_password, PASSWORD, address=HERE)
    clock.move(2)
    return opened


async def signed_in(accounts: Accounts) -> SignedIn:
    return await accounts.sign_in("ada", PASSWORD, address=HERE)


async def known(accounts: Accounts, credential: str | None) -> Caller:
    return await accounts.know_caller(credential, address=HERE)


async def test_a_password_gives_tokens_and_tokens_tell_who_it_is(accounts: Accounts, store: Store) -> None:
    caller = await known(accounts, (await signed_in(accounts)).access_token)
    assert (caller.role, caller.address) == (Role.ADMIN, HERE)
    assert caller.actor.startswith("operator:")
    records = await recorded(store)
    assert [record["action"] for record in records] == ["add_operator"] + ["change_password"] * 2 + [
        "sign_in"
    ]
    assert records[-1]["actor"] == caller.actor
    assert "'ada'" not in str(records), "hex digits can spell it, a value can't"


async def test_a_one_time_password_is_for_choosing_another_only(accounts: Accounts) -> None:
    made = await accounts.manage.add_operator("bob", Role.OPERATOR, caller=CALLER)
    with pytest.raises(PasswordChangeRequired):
        await accounts.sign_in("bob", made.one_time_password, address=HERE)
    await accounts.sign_in.change_password("bob", made.one_time_password, OTHER, address=HERE)
    with pytest.raises(CredentialsWrong):
        await accounts.sign_in("bob", made.one_time_password, address=HERE)
    await accounts.sign_in("bob", OTHER, address=HERE)


async def test_a_one_time_password_ends(accounts: Accounts, clock: HandClock) -> None:
    made = await accounts.manage.add_operator("bob", Role.OPERATOR, caller=CALLER)
    clock.at = made.expires_at
    with pytest.raises(CredentialsWrong):
        await accounts.sign_in.change_password("bob", made.one_time_password, OTHER, address=HERE)


@pytest.mark.parametrize(("name", "password"), [("ada", OTHER), ("nobody", PASSWORD), ("ada", "x" * 5000)])
async def test_what_is_wrong_is_not_said(accounts: Accounts, store: Store, name: str, password: str) -> None:
    with pytest.raises(CredentialsWrong, match="name or password is wrong"):
        await accounts.sign_in(name, password, address=HERE)
    assert (await recorded(store))[-1]["outcome"] == "refused"


async def test_guessing_passwords_is_slowed_by_name_and_by_address(accounts: Accounts) -> None:
    for number in range(5):
        with pytest.raises(CredentialsWrong):
            await accounts.sign_in("ada", OTHER, address=f"192.0.2.{number + 10}")
    with pytest.raises(AttemptsExhausted):
        await accounts.sign_in("ada", PASSWORD, address="192.0.2.99")
    for number in range(5):
        with pytest.raises(CredentialsWrong):
            await accounts.sign_in(f"name{number}", OTHER, address="198.51.100.1")
    with pytest.raises(AttemptsExhausted):
        await accounts.sign_in("another", PASSWORD, address="198.51.100.1")


async def test_refreshing_gives_a_new_pair(accounts: Accounts, clock: HandClock) -> None:
    first = await signed_in(accounts)
    second = await accounts.sign_in.refresh(first.refresh_token)
    clock.move(60)
    assert second.refresh_token != first.refresh_token
    await known(accounts, second.access_token)
    with pytest.raises(NotSignedIn):
        await accounts.sign_in.refresh(first.refresh_token)
    with pytest.raises(NotSignedIn):
        await accounts.sign_in.refresh(second.refresh_token)


@pytest.mark.parametrize("with_refresh", [True, False])
async def test_signing_out_ends_the_tokens(accounts: Accounts, with_refresh: bool) -> None:
    tokens = await signed_in(accounts)
    caller = await known(accounts, tokens.access_token)
    await accounts.sign_in.out(
        caller,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token if with_refresh else None,
    )
    with pytest.raises(NotSignedIn, match="ended"):
        await known(accounts, tokens.access_token)
    if with_refresh:
        with pytest.raises(NotSignedIn):
            await accounts.sign_in.refresh(tokens.refresh_token)


async def test_a_changed_password_ends_tokens_of_before(accounts: Accounts, clock: HandClock) -> None:
    tokens = await signed_in(accounts)
    clock.move(5)
    await accounts.sign_in.change_password("ada", PASSWORD, OTHER, address=HERE)
    for check in (known(accounts, tokens.access_token), accounts.sign_in.refresh(tokens.refresh_token)):
        with pytest.raises(NotSignedIn):
            await check
    await known(accounts, (await accounts.sign_in("ada", OTHER, address=HERE)).access_token)


@pytest.mark.parametrize("new", ["short", PASSWORD, "my name is ada, yes"])
async def test_new_passwords_that_are_refused(accounts: Accounts, new: str) -> None:
    with pytest.raises(RequestInvalid):
        await accounts.sign_in.change_password("ada", PASSWORD, new, address=HERE)
    await signed_in(accounts)


async def test_a_reset_takes_effect_at_once(accounts: Accounts) -> None:
    tokens = await signed_in(accounts)
    made = await accounts.manage.reset_password("ada", caller=CALLER)
    with pytest.raises(NotSignedIn):
        await known(accounts, tokens.access_token)
    with pytest.raises(PasswordChangeRequired):
        await accounts.sign_in("ada", made.one_time_password, address=HERE)


async def test_a_disabled_operator_is_out_at_once(accounts: Accounts) -> None:
    made = await accounts.manage.add_operator("bob", Role.OPERATOR, caller=CALLER)
    await accounts.sign_in.change_password("bob", made.one_time_password, OTHER, address=HERE)
    tokens = await accounts.sign_in("bob", OTHER, address=HERE)
    await accounts.manage.disable_operator("bob", caller=CALLER)
    with pytest.raises(NotSignedIn):
        await known(accounts, tokens.access_token)
    with pytest.raises(CredentialsWrong):
        await accounts.sign_in("bob", OTHER, address=HERE)


async def test_the_last_admin_stays(accounts: Accounts) -> None:
    with pytest.raises(RequestInvalid, match="last admin"):
        await accounts.manage.disable_operator("ada", caller=CALLER)
    await accounts.manage.add_operator("eve", Role.ADMIN, caller=CALLER)
    await accounts.manage.disable_operator("ada", caller=CALLER)


async def test_accounts_that_cannot_be_made(accounts: Accounts) -> None:
    with pytest.raises(AccountExists):
        await accounts.manage.add_operator("ada", Role.ADMIN, caller=CALLER)
    with pytest.raises(RequestInvalid):
        await accounts.manage.add_operator("shop", Role.SERVICE, caller=CALLER)
    with pytest.raises(RequestInvalid):
        await accounts.manage.add_operator("a b", Role.ADMIN, caller=CALLER)
    with pytest.raises(RequestInvalid):
        await accounts.manage.add_api_key("shop", Role.ADMIN, caller=CALLER)
    with pytest.raises(RequestInvalid):
        await accounts.manage.add_api_key("shop", Role.SERVICE, audience="a b", caller=CALLER)
    with pytest.raises(AccountUnknown):
        await accounts.manage.reset_password("nobody", caller=CALLER)


async def test_an_api_key_opens_what_its_role_may(accounts: Accounts, clock: HandClock) -> None:
    made = await accounts.manage.add_api_key(
        "shop", Role.SERVICE, audience="https://shop.example", caller=CALLER
    )
    assert made.key.startswith(API_KEY_PREFIX)
    caller = await known(accounts, made.key)
    assert caller == Caller(f"api_key:{made.api_key.uid}", Role.SERVICE, None, "https://shop.example")
    (kept,) = await accounts.manage.api_keys()
    assert kept.last_used_at == clock.now()
    assert made.key not in repr((made, kept))
    with pytest.raises(NotSignedIn):
        await known(accounts, made.key + "x")


async def test_use_is_noted_now_and_then_and_nothing_hangs_on_it(
    accounts: Accounts, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await accounts.manage.add_api_key("shop", Role.SERVICE, caller=CALLER)
    first = clock.now()
    await known(accounts, made.key)
    clock.move(60)
    await known(accounts, made.key)
    (kept,) = await accounts.manage.api_keys()
    assert kept.last_used_at == first

    async def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr("facekey.store.sql.api_keys.SqlApiKeys.used", full)
    clock.move(3600)
    await known(accounts, made.key)


async def test_a_key_ends_when_its_time_is_over_or_it_is_revoked(
    accounts: Accounts, clock: HandClock
) -> None:
    short = await accounts.manage.add_api_key("short", Role.SERVICE, lasts_days=1, caller=CALLER)
    other = await accounts.manage.add_api_key("other", Role.SERVICE, caller=CALLER)
    await accounts.manage.revoke_api_key(other.api_key.uid, caller=CALLER)
    clock.at += timedelta(days=1)
    for key in (short.key, other.key):
        with pytest.raises(NotSignedIn):
            await known(accounts, key)


async def test_whether_anybody_could_sign_in(store: Store, clock: HandClock, ticker: HandTicker) -> None:
    accounts = Accounts(store, clock, ticker, open_to_all=False)
    assert not await accounts.manage.any_way_in()
    made = await accounts.manage.add_api_key("shop", Role.SERVICE, caller=CALLER)
    assert await accounts.manage.any_way_in()
    await accounts.manage.revoke_api_key(made.api_key.uid, caller=CALLER)
    assert not await accounts.manage.any_way_in()
    await accounts.manage.add_operator("ada", Role.ADMIN, caller=CALLER)
    assert await accounts.manage.any_way_in()
    assert [one.name for one in await accounts.manage.operators()] == ["ada"]


async def test_who_shows_nothing_is_let_in_only_where_all_are(
    accounts: Accounts, store: Store, clock: HandClock, ticker: HandTicker
) -> None:
    with pytest.raises(NotSignedIn):
        await known(accounts, None)
    open_one = Accounts(store, clock, ticker, open_to_all=True)
    assert (await known(open_one, None)).role is Role.ADMIN
    for credential in ("x", API_KEY_PREFIX + "x"):
        with pytest.raises(NotSignedIn):
            await known(open_one, credential)

import pytest

from facekey.core.accounts import check_password, parse_account_name, parse_audience
from facekey.core.caller import PERMISSIONS, Caller, Permission, Role
from facekey.core.errors import NotAllowed, RequestInvalid

GOOD = "correct horse battery"


@pytest.mark.parametrize("name", ["ada", "ada.lovelace", "a-b_c9", "a" * 64])
def test_names(name: str) -> None:
    assert parse_account_name(name) == name


@pytest.mark.parametrize("name", ["", "ab", "Ada", "a b", ".ada", "ada.", "ada\n", "a" * 65, "ädä", "a\r\nb"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(RequestInvalid, match="a name has"):
        parse_account_name(name)


def test_a_long_password_of_any_characters_will_do() -> None:
    check_password(GOOD, name="ada")


@pytest.mark.parametrize(
    "password", ["", "short", "a" * 14, "a" * 20, "123123123123123", "my name is Ada L", "x" * 129]
)
def test_passwords_that_are_refused(password: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        check_password(password, name="ada")
    assert refused.value.code == "password_unfit"
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("audience", ["shop", "https://shop.example/login?x=1", "urn:shop:1"])
def test_audiences(audience: str) -> None:
    assert parse_audience(audience) == audience


@pytest.mark.parametrize("audience", ["", "a b", "a\n", "é", "x" * 201, '"'])
def test_audiences_that_are_refused(audience: str) -> None:
    with pytest.raises(RequestInvalid, match="audience"):
        parse_audience(audience)


def test_a_role_does_what_it_may_and_nothing_else() -> None:
    for role in Role:
        for permission in Permission:
            caller = Caller("test", role)
            if permission in PERMISSIONS[role]:
                caller.require(permission)
            else:
                with pytest.raises(NotAllowed, match=permission):
                    caller.require(permission)


def test_only_admins_administer_and_services_read_no_lists() -> None:
    assert [role for role in Role if Permission.ADMINISTER in PERMISSIONS[role]] == [Role.ADMIN]
    assert PERMISSIONS[Role.SERVICE] == {Permission.RECOGNISE, Permission.ENROL}


def test_an_application_asks_for_tokens_of_its_own_only() -> None:
    Caller("k", Role.SERVICE, audience="shop").require_audience("shop")
    Caller("o", Role.OPERATOR).require_audience("anything")
    for audience in ("bank", None):
        with pytest.raises(NotAllowed):
            Caller("k", Role.SERVICE, audience=audience).require_audience("shop")

from facekey.credentials.passwords import Argon2Passwords


async def test_a_password_matches_its_hash_only() -> None:
    passwords = Argon2Passwords()
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.matches("correct horse battery", hashed)
    assert not await passwords.matches("correct horse batter", hashed)


async def test_nobody_has_no_password_not_even_the_one_that_is_hashed_for_them() -> None:
    passwords = Argon2Passwords()
    assert not await passwords.matches("nobody's password", None)


async def test_a_hash_that_is_none() -> None:
    assert not await Argon2Passwords().matches("x", "plain text")

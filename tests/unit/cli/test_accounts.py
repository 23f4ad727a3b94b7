from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from facekey.cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def run(new_deployment: None) -> Run:
    """The command line of a new deployment."""
    return lambda *words: CliRunner().invoke(app, list(words))


def test_the_first_admin_and_those_after(run: Run) -> None:
    assert "make the first" in run("accounts", "list").output
    added = run("accounts", "add", "ada", "--role", "admin")
    assert added.exit_code == 0, added.output
    assert "one-time password" in added.stdout
    assert len(added.stdout.strip().splitlines()[-1]) == 20
    assert run("accounts", "add", "ada").exit_code == 1
    assert run("accounts", "add", "A B").exit_code == 65
    assert run("accounts", "add", "bob").exit_code == 0
    assert run("accounts", "reset-password", "bob").exit_code == 0
    assert run("accounts", "disable", "bob").exit_code == 0
    listed = run("accounts", "list").output
    assert "active" in listed
    assert "disabled" in listed
    last = run("accounts", "disable", "ada")
    assert (last.exit_code, "last admin" in last.output) == (65, True)


def test_keys_of_applications(run: Run) -> None:
    assert "there is no API key yet" in run("api-keys", "list").output
    added = run("api-keys", "add", "shop", "--audience", "https://shop.example", "--days", "30")
    assert added.exit_code == 0, added.output
    key = added.stdout.strip().splitlines()[-1]
    assert key.startswith("fk_")
    listed = run("api-keys", "list").output
    assert "https://shop.example" in listed
    assert key not in listed
    uid = next(line.split()[0] for line in listed.splitlines() if "shop" in line)
    assert run("api-keys", "revoke", uid).exit_code == 0
    assert "revoked" in run("api-keys", "list").output
    assert run("api-keys", "revoke", uid).exit_code == 1


def test_unlocking(run: Run) -> None:
    assert "no failed attempts" in run("accounts", "unlock", "--user", "alice").output
    assert run("accounts", "unlock").exit_code == 65
    assert run("accounts", "unlock", "--user", "a", "--address", "192.0.2.1").exit_code == 65
    assert run("accounts", "unlock", "--user", "a b").exit_code == 65

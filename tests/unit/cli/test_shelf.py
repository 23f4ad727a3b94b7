import gc
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from typer.testing import CliRunner

from facekey.cli.beginning import opening, uncollected
from facekey.cli.main import app
from facekey.cli.shelf import COMMANDS, Shelf


@pytest.mark.parametrize("name", COMMANDS)
def test_every_name_leads_to_a_command(name: str) -> None:
    command = Shelf()[name]
    assert command.name == name
    assert command.help


def test_help_has_all_of_them_in_order() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    places = [said.index(f" {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_a_slip_is_told_what_was_meant_without_importing_anything() -> None:
    done = CliRunner().invoke(app, ["serv"])
    assert done.exit_code == 2
    assert "'serve'" in done.output


def test_a_command_imports_what_it_needs_and_no_other_command() -> None:
    code = (
        "import sys; from facekey.cli.main import app; app(['keys', 'new'], standalone_mode=False); "
        "print(*sorted(name for name in sys.modules if name.startswith('facekey.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1].split()
    assert "facekey.cli.keys" in imported
    assert not {"facekey.cli.serve", "facekey.cli.evaluate", "facekey.cli.export"} & set(imported)


@pytest.mark.parametrize("was_on", [True, False])
@pytest.mark.parametrize("begun", [uncollected, opening])
def test_the_collector_is_out_meanwhile_and_as_it_was_afterwards(
    begun: Callable[[], AbstractContextManager[None]], was_on: bool
) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        with begun():
            assert not gc.isenabled()
        assert gc.isenabled() is was_on
        with pytest.raises(KeyError), begun():
            raise KeyError
        assert gc.isenabled() is was_on
    finally:
        gc.unfreeze()
        (gc.enable if before else gc.disable)()


def test_what_a_service_is_made_of_is_set_aside() -> None:
    before = gc.get_freeze_count()
    try:
        with opening():
            pass
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()

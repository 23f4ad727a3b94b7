"""What the guides and `.env.example` name is there, and what is there is named."""

import re
from pathlib import Path

import pytest
import typer.main

from facekey.api.problems import HTTP_CODES, TABLE
from facekey.cli.main import app
from facekey.core import errors
from facekey.settings import SECRETS_DIR, Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"
GUIDES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
SPAN = re.compile(r"`facekey ([^`]+)`")
LINE = re.compile(r"^(?:\$ |[A-Z_]+=\S+ )*(?:\.venv/bin/)?facekey ([^#|;&>\n]+)", re.MULTILINE)
FENCED = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?:RequestInvalid|RegistrationRefused|ImageRefused|AudioRefused)\(\s*\"([a-z_]+)\"")
NOT_TOLD = {"access_refused", "unavailable", "evaluation_unreadable"}
"""Codes of kinds that are never raised themselves, and of the command line."""

SETTING = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)


def name_of(setting: str) -> str:
    alias = Settings.model_fields[setting].validation_alias
    return alias if isinstance(alias, str) else f"FACEKEY_{setting.upper()}"


def commands_in(text: str) -> list[str]:
    blocks = "\n".join(FENCED.findall(text))
    return [*SPAN.findall(FENCED.sub("", text)), *LINE.findall(blocks)]


def missing_in(words: list[str]) -> str | None:
    """The first word of a command that means nothing to the command line."""
    here = typer.main.get_command(app)
    for word in words:
        if word.startswith("--"):
            known = {name for parameter in here.params for name in parameter.opts}
            if word not in {*known, "--help"}:
                return word
        elif hasattr(here, "commands"):
            if word not in here.commands:
                return word
            here = here.commands[word]
    return None


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_command_that_is_named_exists(guide: Path) -> None:
    commands = commands_in(guide.read_text(encoding="utf-8"))
    wrong = {command: missing for command in commands if (missing := missing_in(command.split())) is not None}
    assert wrong == {}


@pytest.mark.parametrize(("command", "missing"), [("keys rotat", "rotat"), ("keys status --jsn", "--jsn")])
def test_a_command_that_does_not_exist_is_seen(command: str, missing: str) -> None:
    assert [missing_in(one.split()) for one in commands_in(f"Say `facekey {command}`.")] == [missing]
    assert [missing_in(one.split()) for one in commands_in(f"```\nfacekey {command}\n```\n")] == [missing]


def codes_of(*parts: str) -> set[str]:
    """Every code that a client can be told."""
    of_classes = [getattr(kind, "code", None) for kind in vars(errors).values()]
    found = {code for code in of_classes if isinstance(code, str)}
    found |= {answer.code for _, answer in TABLE if answer.code is not None} | set(HTTP_CODES.values())
    for part in parts:
        for file in (ROOT / "src/facekey" / part).rglob("*.py"):
            found |= set(CODE.findall(file.read_text(encoding="utf-8")))
    return found - NOT_TOLD


def test_every_code_is_documented() -> None:
    said = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("api.md", "streaming.md"))
    codes = codes_of("api", "core", "services", "vision")
    assert len(codes) > 50
    assert {code for code in codes if f"`{code}`" not in said} == set()


def test_the_example_names_every_setting_and_no_other() -> None:
    named = SETTING.findall(EXAMPLE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted([*map(name_of, Settings.model_fields), SECRETS_DIR])


def test_what_the_example_sets_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in Settings.model_fields:
        monkeypatch.delenv(name_of(setting), raising=False)
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    set_there = [line for line in lines if not line.startswith("#")]
    (tmp_path / ".env").write_text("\n".join(set_there), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert Settings() == Settings(_env_file=None)

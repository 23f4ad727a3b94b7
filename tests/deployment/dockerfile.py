"""The steps of a Dockerfile, carried out below a folder that stands for the root of the image.

Not a builder: no layers and no isolation. But the commands are those of the file, word for word, so that
what they need and what they make is known before an image is built.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.e2e.conftest import ROOT

OWN_PLACES = re.compile(
    r"(?<![\w.])/(opt/facekey|opt/node|build|models|var/lib/facekey|srv/facekey|srv/web)(?![\w-])"
)
"""Folders that our Dockerfiles make; everything else belongs to the base image."""

STEP_S = 1200


@dataclass(frozen=True)
class Instruction:
    """One line of the file: `RUN` and what stands after it."""

    word: str
    rest: str

    @property
    def flags(self) -> dict[str, str]:
        return dict(found.split("=", 1) for found in re.findall(r"--(\w+=\S+)", self.rest.split(" /", 1)[0]))

    @property
    def sources(self) -> tuple[str, ...]:
        """Of a `COPY`: what is copied."""
        return tuple(word for word in self.rest.split() if not word.startswith("--"))[:-1]

    @property
    def target(self) -> str:
        """Of a `COPY`: where to."""
        return self.rest.split()[-1]


@dataclass
class Stage:
    """From one `FROM` to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, word: str) -> list[Instruction]:
        return [one for one in self.instructions if one.word == word]


def stages(file: Path) -> dict[str, Stage]:
    """All stages by name, in order."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE)
    found: dict[str, Stage] = {}
    current: Stage | None = None
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            words = [one for one in rest.split() if not one.startswith("--")]
            current = Stage(words[2], words[0])
            found[current.name] = current
        elif word and current is not None:
            current.instructions.append(Instruction(word, rest.strip()))
    return found


class Root:
    """A folder that stands for the root of the image."""

    def __init__(self, folder: Path, *, arguments: Mapping[str, str] | None = None) -> None:
        """Begin with nothing; `arguments` are the build's."""
        self.folder = folder
        self._arguments = dict(arguments or {})
        self._environment: dict[str, str] = {}
        self._at = PurePosixPath("/")

    def place(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def moved(self, text: str) -> str:
        """The text with our places below the folder, and variables of the stage filled in."""
        for name, value in {**self._environment, **self._arguments}.items():
            text = text.replace(f"${{{name}}}", value)
        return OWN_PLACES.sub(lambda found: f"{self.folder}/{found[1]}", text)

    @property
    def environment(self) -> dict[str, str]:
        """What a step or the container sees."""
        path = f"{self._environment.get('PATH', '')}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FACEKEY_")}
        return {**kept, **self._environment, "PATH": path.lstrip(":")}

    def build(self, stage: Stage, *, leave_out: Callable[[Instruction], bool] = lambda _: False) -> None:
        """Carry out the instructions of a stage.

        Raises:
            subprocess.CalledProcessError: a step failed, as it would in a build.
        """
        self._environment = {}
        for one in stage.instructions:
            if leave_out(one):
                continue
            match one.word:
                case "WORKDIR":
                    self._at = PurePosixPath(one.rest)
                    self.place(str(self._at)).mkdir(parents=True, exist_ok=True)
                case "ENV":
                    self._set(one.rest)
                case "ARG":
                    name, _, default = one.rest.partition("=")
                    self._arguments.setdefault(name, default)
                case "COPY" if "from" in one.flags:
                    self._take(one)
                case "COPY":
                    self._copy(one)
                case "RUN":
                    self.run(one.rest)

    def run(self, command: str) -> None:
        """One step, by the shell that a build takes."""
        subprocess.run(
            ["/bin/sh", "-c", self.moved(command)],
            cwd=self.place(str(self._at)),
            env=self.environment,
            timeout=STEP_S,
            check=True,
            stdout=sys.stderr,
        )

    def command(self, instruction: Instruction) -> list[str]:
        """A `CMD` in its exec form."""
        words: list[str] = json.loads(instruction.rest.partition("CMD ")[2] or instruction.rest)
        return [self.moved(word) for word in words]

    def _set(self, rest: str) -> None:
        for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', rest):
            value = (quoted or plain).replace("${PATH}", "").rstrip(":")
            self._environment[name] = self.moved(value)

    def _take(self, one: Instruction) -> None:
        """From another stage: here they share one root, so what stays in its place is there already."""
        (source,), target = one.sources, one.target
        if source != target and self.place(source).is_dir():
            shutil.copytree(self.place(source), self.place(target), dirs_exist_ok=True)

    def _copy(self, one: Instruction) -> None:
        target = PurePosixPath(one.target) if one.target.startswith("/") else self._at / one.target
        for source in one.sources:
            found = ROOT / source
            to = self.place(str(target))
            if found.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "node_modules", "dist", ".env*")
                shutil.copytree(found, to, dirs_exist_ok=True, ignore=ignored)
            else:
                into = to / found.name if one.target.endswith("/") else to
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, into)

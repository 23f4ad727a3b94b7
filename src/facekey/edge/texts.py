"""The files of a bundle that are for people, and for pip."""

from collections.abc import Sequence
from importlib.metadata import files, version
from pathlib import Path

from facekey.core.errors import ModelError
from facekey.zoo.cards import Card
from facekey.zoo.zoo import default_cards_dir

LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless")

_READ_ME = """# FaceKey on a board

Enrol a person and recognise them, live, with nothing but Python 3.11 or later, numpy, ONNX Runtime and
OpenCV.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python -m facekey_edge enrol me1.jpg me2.jpg me3.jpg --template me.template
    venv/bin/python -m facekey_edge authenticate now.jpg --template me.template
    venv/bin/python -m facekey_edge camera --template me.template
    venv/bin/python -m facekey_edge speed now.jpg

Run them in this folder. Exit codes: 0 yes, 1 no, 65 what was given can't be used. From Python:

    from pathlib import Path
    from facekey_edge import Runner

    runner = Runner.load(Path("."), threads=4)
    enrolled = runner.enrol([Path(name).read_bytes() for name in ("me1.jpg", "me2.jpg", "me3.jpg")])
    decision = runner.authenticate(Path("now.jpg").read_bytes(), enrolled.template)

- **Same decisions.** `facekey_edge` is a copy of the files that the service decides with, in the service's
  order: detect, choose the subject, align, quality, liveness, embed, compare. What can't be judged is
  refused.
- **Templates are biometric data and not encrypted here.** `enrol` writes them readable by their owner only;
  put them on an encrypted disk, or seal them with a key of your own. A template belongs to this bundle's
  recognition network in this precision; another bundle refuses it.
- **Hashes.** `manifest.json` has the SHA-256 of every file; networks, cards and head are checked when they
  are loaded. The manifest itself isn't signed: keep its hash somewhere else if others can write here.
- **One picture is weak evidence of life.** There are no challenges and no movement here; where an attack
  pays, use the service's streams.
- `report.md` has sizes, times and how far scores moved; `LICENCES.md` whose work the networks are.
"""


def read_me() -> str:
    """The guide of the bundle."""
    return _READ_ME


def requirements() -> str:
    """What pip is to install: the versions that made the bundle, or later ones."""
    return "".join(f"{name}>={version(name)}\n" for name in LIBRARIES)


def licences(cards: Sequence[Card]) -> str:
    """Whose work is in the bundle, with FaceKey's own licence and notice.

    Raises:
        ModelError: these are missing.
    """
    lines = ["# Licences", "", "| Network | Title | Licence | Origin |", "|---|---|---|---|"]
    lines += [f"| {card.name} | {card.title} | {card.licence} | {card.origin} |" for card in cards]
    lines += [
        "",
        "The networks were changed for this bundle as `report.md` says.",
        "",
        "## FaceKey",
        "",
        _own(),
    ]
    return "\n".join(lines)


def _own() -> str:
    """FaceKey's licence and notice: of the installed package, or of the source tree."""
    texts = []
    for name in ("LICENSE", "NOTICE"):
        installed = [file for file in files("facekey") or () if file.name == name]
        places = [Path(str(file.locate())) for file in installed]
        found = next((path for path in (*places, default_cards_dir().parent / name) if path.is_file()), None)
        if found is None:
            raise ModelError(f"{name} is missing; a bundle without it must not be handed on")
        texts.append(found.read_text(encoding="utf-8"))
    return "\n\n".join(texts)

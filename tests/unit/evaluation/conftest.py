"""The product as an evaluation uses it, opened once."""

from pathlib import Path

import pytest

from facekey.evaluation.engine import Engine, open_engine
from facekey.zoo.zoo import Zoo


@pytest.fixture(scope="session")
def judge(zoo: Zoo) -> Engine:
    """The default networks at the default threshold."""
    return open_engine(zoo, match_evidence=4.0)


@pytest.fixture
def people(tmp_path: Path, samples: dict[str, Path]) -> Path:
    """A folder for each of two people, named as LFW's."""
    for name, number, sample in (
        ("Barack_Obama", 1, "obama.jpg"),
        ("Barack_Obama", 2, "obama2.jpg"),
        ("Barack_Obama", 3, "obama3.jpg"),
        ("Joe_Biden", 1, "biden.jpg"),
    ):
        path = tmp_path / "images" / name / f"{name}_{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(samples[sample].read_bytes())
    return tmp_path / "images"

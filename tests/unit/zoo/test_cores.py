import os
from pathlib import Path

import pytest

from facekey.zoo import cores


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    cores.usable_cores.cache_clear()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("max 100000", 8),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("6400000 100000", 8),
        ("", 8),
        ("nonsense", 8),
        ("100000 0", 8),
    ],
)
def test_a_container_with_a_quota_has_fewer_cores(
    written: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(written)
    monkeypatch.setattr(cores, "CGROUP", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert cores.usable_cores() == expected


def test_without_a_quota_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "CGROUP", tmp_path / "absent")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert cores.usable_cores() == 1

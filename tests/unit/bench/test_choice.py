"""What `python -m bench` runs, and what it refuses before anything is measured."""

import argparse
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, LONG, NEED_DATA, SPEED, chosen


def given(*names: str, data: Path | None = None, every: bool = False) -> argparse.Namespace:
    return argparse.Namespace(names=list(names), data=data, all=every)


def test_without_a_name_it_is_speed_that_is_measured() -> None:
    assert chosen(given()) == list(SPEED)


def test_with_all_it_is_everything_that_the_data_allow(tmp_path: Path) -> None:
    assert set(chosen(given(every=True))) == {*SPEED, *LONG}
    assert set(chosen(given(every=True, data=tmp_path))) == set(BENCHES)
    assert {*SPEED, *LONG, *NEED_DATA} == set(BENCHES)


@pytest.mark.parametrize(
    ("names", "data", "said"),
    [
        (("latencies",), None, "no bench is called latencies"),
        (("voice",), None, "voice needs --data"),
        (("latency",), Path("nowhere"), "there is no such folder"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    names: tuple[str, ...], data: Path | None, said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        chosen(given(*names, data=data))

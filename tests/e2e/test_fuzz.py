"""The described API, asked by Schemathesis; `python -m bench fuzz` asks much more."""

from bench.fuzz import fuzz


def test_nothing_unforeseen_is_answered_to_anybody() -> None:
    runs = fuzz(examples=2, phases="fuzzing")
    assert {run.caller: run.output for run in runs if run.failures} == {}
    assert sum(run.cases for run in runs) > 150

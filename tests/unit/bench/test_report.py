"""What benches measured, kept and shown."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.collected import leave, measure, report
from bench.cost import cost, price_of_a_million
from bench.intervals import median
from bench.page import page
from bench.report_json import as_json, read
from bench.results import Column, Figure, Measured, Result, Table, Target
from bench.tables import filled, markdown

TABLE = Table(
    "stages",
    "Stages",
    (Column("stage"), Column("p50", "ms", 2, bars=True), Column("note")),
    (("detect", 12.3456, "a | b"), ("embed", None, "<script>alert(1)</script>")),
    note="as it is",
)
RESULT = Result(
    figures=(Figure("decision_ms", "bytes to decision", 31.25, "ms", 150, 31.0, 31.5),),
    tables=(TABLE,),
    targets=(Target("p50", 36.0, 35.0, "ms"), Target("rate", 0.95, 0.9, "x", at_most=False)),
    notes=("two cores",),
)
MADE = Measured(
    name="latency",
    title="How long",
    protocol="Protocol: one\npicture.",
    made_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
    version="0.1.0 (abcdef0)",
    machine={"processor": "some", "cores": "2"},
    command="python -m bench latency",
    took_s=12.0,
    printed="bytes to decision 31.25 ms",
    result=RESULT,
)


class Outline(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_is_read_as_it_was_written() -> None:
    assert read(as_json([MADE])) == (MADE,)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"schema": "facekey-bench/0", "results": []}',
        "[]",
        "no",
        '{"schema": "facekey-bench/1"}',
        '{"schema": "facekey-bench/1", "results": [{}]}',
        as_json([MADE]).replace('"said"', '"spoken"'),
    ],
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"make it again|Expecting value"):
        read(text)


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="another number of cells"):
        replace(TABLE, rows=(("detect", 1.0),))


@pytest.mark.parametrize(
    ("value", "limit", "at_most", "met"),
    [
        (35.0, 35.0, True, True),
        (35.01, 35.0, True, False),
        (0.9, 0.9, False, True),
        (0.89, 0.9, False, False),
    ],
)
def test_a_limit_itself_is_reached(value: float, limit: float, at_most: bool, met: bool) -> None:
    assert Target("x", value, limit, at_most=at_most).met is met


def test_a_bench_measured_again_takes_the_place_of_itself_alone(tmp_path: Path) -> None:
    leave(MADE, tmp_path)
    leave(replace(MADE, name="networks"), tmp_path)
    leave(replace(MADE, printed="again"), tmp_path)
    as_data, as_page = report(tmp_path, ["networks", "latency", "never run"])
    assert [(one.name, one.printed) for one in read(as_data.read_text())] == [
        ("networks", MADE.printed),
        ("latency", "again"),
    ]
    assert "again" in as_page.read_text()


def test_what_another_version_left_is_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(MADE, tmp_path)
    (tmp_path / "results" / "networks.json").write_text('{"schema": "facekey-bench/0", "results": []}')
    as_data, _ = report(tmp_path, ["networks", "latency"])
    assert read(as_data.read_text()) == (MADE,)
    assert "measure again: networks" in capsys.readouterr().out


def test_what_a_bench_prints_is_shown_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    protocol = "How long.\n\nProtocol: once.\n"

    def bench() -> None:
        sys.stdout.write(f"{protocol}\n31 ms\n")

    made = measure("latency", protocol, bench)
    assert (made.title, made.protocol, made.printed) == ("How long", "Protocol: once.", "31 ms")
    assert made.result == Result()
    assert "31 ms" in capsys.readouterr().out


def test_targets_are_told_when_a_bench_ends(capsys: pytest.CaptureFixture[str]) -> None:
    measure("latency", "How long.", lambda: RESULT)
    said = capsys.readouterr().out
    assert "MISSED : p50: 36.00 ms, must be at most 35.00 ms" in said
    assert "reached: rate: 0.95 x, must be at least 0.90 x" in said


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    outline = Outline()
    outline.feed(page([MADE, replace(MADE, name="networks", machine={"cores": "4"})]))
    assert "script" not in outline.tags
    assert "<script>alert(1)</script>" in outline.text
    addresses = [value for name, value in outline.attributes if name in ("href", "src")]
    assert addresses == ["#latency", "#networks"]
    for said in ("31.2 ms [31.0, 31.5]", "12.35", "more than one machine", "Missed:"):
        assert said in outline.text


def test_an_empty_report_says_what_to_do() -> None:
    assert "make bench" in page([])


def test_a_table_in_markdown() -> None:
    assert markdown(TABLE).splitlines() == [
        "| stage | p50, ms | note |",
        "| --- | ---: | --- |",
        "| detect | 12.35 | a \\| b |",
        "| embed | - | <script>alert(1)</script> |",
        "",
        "as it is",
    ]


def test_marked_places_are_filled_and_the_rest_stays() -> None:
    text = (
        "before\n<!-- bench:latency.stages -->\nold\n<!-- /bench -->\nbetween\n"
        "<!-- bench:peers.speed -->\nkept\n<!-- /bench -->\n<!-- bench:latency -->\n<!-- /bench -->\n"
        "<!-- bench:targets -->\n<!-- /bench -->\n<!-- bench:latency.from -->\n<!-- /bench -->\n"
    )
    once, missing = filled(text, [MADE])
    assert missing == ["peers.speed"]
    assert "old" not in once
    for said in (
        "before",
        "between",
        "kept",
        "| detect | 12.35 |",
        "| bytes to decision |",
        "**missed**",
        "abcdef0",
    ):
        assert said in once
    assert filled(once, [MADE])[0] == once


def test_a_median_lies_within_its_interval() -> None:
    assert median([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    mid, low, high = median([float(number) for number in range(1, 101)])
    assert (mid, low, high) == (50.5, 41.0, 61.0)
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_what_a_million_decisions_cost() -> None:
    assert price_of_a_million(0.36, 100.0, busy=1.0) == pytest.approx(1.0)
    assert price_of_a_million(0.36, 100.0, busy=0.5) == pytest.approx(2.0)
    for rate, busy in ((0.0, 0.5), (1.0, 0.0), (1.0, 1.5)):
        with pytest.raises(ValueError, match="needs decisions"):
            price_of_a_million(1.0, rate, busy)


def test_cost_is_counted_from_what_the_service_did() -> None:
    assert cost([MADE]) == []
    measured = Result(figures=(Figure("best_per_core", "per core", 20.0, "1/s"),))
    (table,) = cost([replace(MADE, name="throughput", result=measured)])
    name, cores, most, planned, price, million = table.rows[0]
    assert (name, cores, most, planned, price) == ("a small one", 2.0, 40.0, 20.0, 0.10)
    assert million == pytest.approx(0.10 * 1e6 / (20.0 * 3600))

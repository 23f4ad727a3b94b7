"""The report of a fusion training: what every way reached, as JSON, Markdown and a plot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl

from facekey.evaluation.rates import Compared, Share, trade_off
from training.data.embedded import Embedded
from training.git import commit
from training.judge_fusion import Folds, Verdict

mpl.use("Agg")
from matplotlib import pyplot as plt

DPI = 130
COLOURS = {"alone": "#8a8f98", "scores": "#0b6e4f", "embedding": "#b5482a"}


@dataclass(frozen=True, slots=True)
class Row:
    """One way and what it reached.

    Attributes:
        kind: `alone`, `scores`, `embedding`, or a way that does not ship.
        networks: short names.
        ships: whether it is one of the product's ways.
    """

    kind: str
    networks: tuple[str, ...]
    ships: bool
    verdict: Verdict
    compared: Compared = field(repr=False)


def protocol(given: Embedded, folds: Folds) -> str:
    """What was compared with what, in words that stand above every table."""
    mated = sum(int(pairs.mated.sum()) for pairs in folds.within)
    strangers = sum(len(pairs.mated) for pairs in folds.within) - mated
    listed = sum(len(pairs.mated) for pairs in folds.listed)
    people = len(set(given.people.tolist()))
    return (
        f"{len(given.names):,} pictures of {people:,} people ({given.missed} without a face), one crop "
        f"each, the face nearest the centre, no quality gate. {len(folds.listed)} folds that share nobody; "
        "whatever is fitted, is fitted to the people of the other folds. "
        f"Accuracy: {listed:,} listed pairs ({folds.skipped} left out), each fold at the threshold best on "
        "the others. TAR: mean over folds, listed mated pairs at FMR 1e-3 of all the fold's strangers. "
        f"FNMR: all {mated:,} mated pairs within folds, thresholds from their {strangers:,} pairs of "
        "strangers, 95 % intervals by drawing people anew. Uneven: the false match rate, at a mean one of "
        "1e-3, of the tenth of pairs where it is highest, over the mean; tenths by a network's spread or "
        "vector length."
    )


def write_report(
    folder: Path, rows: Sequence[Row], given: Embedded, folds: Folds, *, settings: Mapping[str, object]
) -> None:
    """Write `report.json`, `report.md` and `det.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "protocol": protocol(given, folds),
        "settings": settings,
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "ways": [
            {"kind": row.kind, "networks": row.networks, "ships": row.ships, **asdict(row.verdict)}
            for row in rows
        ],
    }
    (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(f"{protocol(given, folds)}\n\n{table(rows)}\n", encoding="utf-8")
    _draw(rows, folder / "det.png")


def table(rows: Sequence[Row]) -> str:
    """All ways, one a line."""
    lines = [
        "| way | networks | accuracy | TAR | FNMR at FMR 1e-2 | 1e-3 | 1e-4 | 1e-5 | most uneven by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        verdict = row.verdict
        worst = max(verdict.uneven, key=lambda name: verdict.uneven[name])
        rates = " | ".join(_with_interval(share) for share in verdict.fnmr.values())
        lines.append(
            f"| {row.kind}{'' if row.ships else ' (does not ship)'} | {' + '.join(row.networks)} "
            f"| {100 * verdict.accuracy.value:.2f} % | {100 * verdict.tar:.2f} % | {rates} "
            f"| x {verdict.uneven[worst]:.1f} by {worst} |"
        )
    return "\n".join(lines)


def _with_interval(share: Share) -> str:
    return f"{100 * share.value:.2f} [{100 * share.low:.2f}, {100 * share.high:.2f}] %"


def _draw(rows: Sequence[Row], path: Path) -> None:
    """FNMR over FMR of each network alone and of the fusions of all."""
    most = max(len(row.networks) for row in rows)
    figure, axes = plt.subplots(figsize=(7.2, 5.0), layout="constrained")
    alone = 0
    for row in rows:
        if not row.ships or len(row.networks) not in (1, most):
            continue
        curve = trade_off(row.compared)
        name = row.networks[0] if row.kind == "alone" else f"{row.kind} of {' + '.join(row.networks)}"
        style = ("-", "--", ":", "-.")[alone % 4] if row.kind == "alone" else "-"
        alone += row.kind == "alone"
        axes.plot(
            curve.fmr,
            [100 * rate for rate in curve.fnmr],
            style,
            color=COLOURS[row.kind],
            linewidth=1.4 if row.kind == "alone" else 2.2,
            label=name,
        )
    axes.set(xscale="log", yscale="log", xlim=(1e-6, 1e-1), ylim=(0.1, 60))
    axes.set_xlabel("false match rate: strangers who pass")
    axes.set_ylabel("false non-match rate: the rightful who don't, %")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(visible=True, which="major", color="#d9dce1", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=DPI)
    plt.close(figure)

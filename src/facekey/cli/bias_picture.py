"""A bias report as a picture. Loaded only when one is asked for: matplotlib takes half a second."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from facekey.core.bias import Estimate, Finding, Rate, Verdict

TITLES = {
    Rate.FNMR: "FNMR: the rightful, refused",
    Rate.FMR: "FMR: strangers, accepted",
    Rate.FMR_LAX: "FMR at a threshold of 1 %",
    Rate.BPCER: "BPCER: the living, taken for spoofs",
    Rate.APCER: "APCER: attacks, taken for living",
}
COLOURS = {Verdict.ALARM: "#b3261e", Verdict.NOT_WORSE: "#1f5a96", Verdict.TOO_FEW_ERRORS: "#7a7a7a"}
GREY, LIGHT = "#6b6b6b", "#c9ced6"
ROW_IN, COLUMN_IN, HEAD_IN, FOOT_IN = 0.34, 4.6, 1.0, 0.75


def draw(findings: tuple[Finding, ...], path: Path, *, title: str) -> None:
    """Write a PNG: a panel for each attribute and rate, a line for each group."""
    attributes = sorted({finding.attribute for finding in findings})
    rates = [rate for rate in Rate if any(finding.rate is rate for finding in findings)]
    heights = [
        max(sum(1 for one in findings if (one.attribute, one.rate) == (attribute, rate)) for rate in rates)
        for attribute in attributes
    ]
    width = max(6.5, COLUMN_IN * len(rates) + 1.2)
    height = HEAD_IN + FOOT_IN + sum(ROW_IN * rows + HEAD_IN for rows in heights)
    figure = Figure(
        figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.08), facecolor="white"
    )
    FigureCanvasAgg(figure)
    # Names of files and groups are text, whatever signs are in them.
    figure.suptitle(title, fontsize=13, fontweight="bold", parse_math=False)
    if findings:
        axes = figure.subplots(
            len(attributes), len(rates), squeeze=False, height_ratios=[h + 1 for h in heights]
        )
        for row, attribute in enumerate(attributes):
            for column, rate in enumerate(rates):
                some = [one for one in findings if (one.attribute, one.rate) == (attribute, rate)]
                _panel(axes[row, column], some, f"{attribute}\n{TITLES[rate]}")
    else:
        figure.text(0.5, 0.5, "nothing to report: nobody declared a group", ha="center", color=GREY)
    figure.supxlabel(
        "points: rate of the group, bars: 95 % interval; grey diamonds: all other groups of the attribute; "
        "red: alarm",
        fontsize=8,
        color=GREY,
    )
    figure.savefig(path, dpi=150, format="png")


def _panel(axes: Axes, findings: list[Finding], title: str) -> None:
    if not findings:
        axes.set_axis_off()
        return
    axes.set_title(title, fontsize=9, loc="left", parse_math=False)
    highest = max((one.own.high for one in findings if one.own is not None), default=0.0)
    others = max((one.others.rate for one in findings if one.others is not None), default=0.0)
    limit = 100 * min(1.0, 1.12 * max(highest, others)) or 1.0
    for row, finding in enumerate(findings):
        if finding.own is None or finding.others is None:
            axes.text(
                0.015 * limit, row, "not enough samples", va="center", fontsize=8, color=GREY, style="italic"
            )
            continue
        colour = COLOURS[finding.verdict]
        _interval(axes, row, finding.own, colour)
        axes.plot(100 * finding.others.rate, row, marker="D", markersize=4, color=LIGHT, markeredgecolor=GREY)
        if finding.verdict is Verdict.TOO_FEW_ERRORS:
            axes.annotate(
                "too few errors",
                (100 * finding.own.high, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                color=GREY,
                style="italic",
                annotation_clip=True,
            )
        elif finding.verdict is Verdict.ALARM:
            axes.annotate(
                f"{finding.ratio:.2g}x",
                (100 * finding.own.high, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=colour,
                fontweight="bold",
            )
    axes.set_xlim(0, 1.25 * limit)
    axes.set_ylim(len(findings) - 0.4, -0.6)
    axes.set_yticks(
        range(len(findings)),
        [f"{one.group} ({one.people})" for one in findings],
        fontsize=8,
        parse_math=False,
    )
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_formatter("{x:g} %")
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _interval(axes: Axes, row: int, own: Estimate, colour: str) -> None:
    rate, low, high = (100 * value for value in (own.rate, own.low, own.high))
    axes.plot([low, high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(rate, row, marker="o", markersize=5, color=colour)

"""Charts: curves and histograms as SVG that takes its colours from the page.

Drawn by matplotlib, in colours that stand for the page's own (`INK`, `GRID`, ...): these are
put in afterwards as CSS variables, so that one picture does for light, dark and print. All
that points elsewhere (metadata, name spaces) is taken out: the page must work without a
network. Loaded only when a page is made, since matplotlib takes half a second.
"""

import io
import re
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.style import context
from matplotlib.ticker import FuncFormatter, NullFormatter

from facekey.evaluation.report import Drawn, rate

INK, GRID, MUTED = "#010101", "#020202", "#030303"
SERIES = ("#040401", "#040402", "#040403", "#040404", "#040405", "#040406")
STRANGERS, MATED = "#050501", "#050502"
VARIABLES = {
    INK: "--ink",
    GRID: "--grid",
    MUTED: "--muted",
    STRANGERS: "--strangers",
    MATED: "--mated",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
SIZE_IN = (5.4, 3.7)
LEAST = 1e-4  # of a share that is missed; below it a curve is at its end
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "facekey",
    "font.size": 10,
    "font.family": ["sans-serif"],
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def roc(drawn: Sequence[Drawn], name: str) -> str:
    """Rightful accepted over strangers accepted, an SVG element."""
    with context(STYLE):
        figure, axes = _figure()
        lowest = 1.0
        for colour, one in zip(SERIES, drawn, strict=False):
            accepted = [1 - value for value in one.curve.fnmr]
            lowest = min(lowest, accepted[0])
            axes.plot(one.curve.fmr, accepted, color=colour, linewidth=2, label=one.system)
        axes.set_xscale("log")
        axes.set_xlim(min(one.curve.fmr[0] for one in drawn), 1.0)
        axes.set_ylim(max(0.0, lowest - 0.05 * (1.0 - lowest) - 0.002), 1.002)
        axes.set_xlabel("strangers accepted (FMR)")
        axes.set_ylabel("rightful accepted (TAR)")
        axes.xaxis.set_major_formatter(FuncFormatter(_rate))
        axes.yaxis.set_major_formatter(FuncFormatter(_percent))
        _legend(axes, drawn, "lower right")
        return _svg(figure, f"{name}-roc", "ROC curve: rightful accepted over strangers accepted")


def det(drawn: Sequence[Drawn], name: str) -> str:
    """Rightful missed over strangers accepted, both logarithmic; an SVG element."""
    with context(STYLE):
        figure, axes = _figure()
        for colour, one in zip(SERIES, drawn, strict=False):
            points = [
                (fmr, fnmr) for fmr, fnmr in zip(one.curve.fmr, one.curve.fnmr, strict=True) if fnmr > 0
            ]
            # Where nothing is missed there is no line, but a name in the legend.
            axes.plot(
                *zip(*points, strict=True) if points else ((), ()),
                color=colour,
                linewidth=2,
                label=one.system,
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(min(one.curve.fmr[0] for one in drawn), 1.0)
        axes.set_ylim(LEAST, 1.0)
        axes.set_xlabel("strangers accepted (FMR)")
        axes.set_ylabel("rightful missed (FNMR)")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(_rate))
            axis.set_minor_formatter(NullFormatter())
        _legend(axes, drawn, "upper right")
        return _svg(figure, f"{name}-det", "DET curve: rightful missed over strangers accepted")


def scores(one: Drawn, name: str) -> str:
    """How the scores of both kinds lie, and the deployment's threshold; an SVG element."""
    with context(STYLE):
        figure, axes = _figure()
        edges = one.histogram.edges
        for heights, colour, label in (
            (one.histogram.impostor, STRANGERS, "two people"),
            (one.histogram.mated, MATED, "one person"),
        ):
            percentages = [100 * height for height in heights]
            axes.stairs(percentages, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(percentages, edges, color=colour, linewidth=1.6, label=label)
        axes.axvline(one.threshold, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), label="threshold")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_yscale("symlog", linthresh=1.0, linscale=1.0)
        axes.set_ylim(0, 100)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(f"evidence of {one.system}, decades of false match rate")
        axes.set_ylabel("comparisons of a kind")
        axes.legend(loc="upper right", fontsize=9)
        return _svg(figure, f"{name}-{one.system}", f"Histogram of the scores of {one.system}")


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_IN, layout=ConstrainedLayoutEngine(), facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.set_facecolor("none")
    return figure, axes


def _legend(axes: Axes, drawn: Sequence[Drawn], where: Literal["lower right", "upper right"]) -> None:
    if len(drawn) > 1:
        axes.legend(loc=where, fontsize=9)


def _percent(value: float, _position: int) -> str:
    return f"{100 * value:.6g} %"


def _rate(value: float, _position: int) -> str:
    return rate(value)


def _svg(figure: Figure, name: str, said: str) -> str:
    """The element alone, without what points elsewhere, and with the page's colours."""
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(xmlns(:xlink)?|version)="[^"]*"', "", text)
    text = re.sub(r"<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = text.replace("xlink:href", "href")
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--face)", text)
    # Names that nothing refers to would be there once for each picture of the page.
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([\w.-]+)"', lambda found: found[0] if found[1] in used else "", text)
    for one in sorted(used, key=len, reverse=True):
        text = text.replace(f'id="{one}"', f'id="{name}-{one}"').replace(f'#{one}"', f'#{name}-{one}"')
        text = text.replace(f"url(#{one})", f"url(#{name}-{one})")
    text = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
        rf'<svg viewBox="\1" role="img" aria-label="{said}">',
        text,
        count=1,
    )
    return text.replace("#000000", "var(--ink)")

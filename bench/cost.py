"""What decisions cost: from the measured decisions a second and core to money, with prices to be replaced."""

from collections.abc import Sequence

from bench.results import Cell, Column, Measured, Table

MILLION = 1_000_000
HOUR_S = 3_600
BUSY = 0.5
"""Of what a machine can, as docs/capacity.md plans: queues are short up to there, and one may fail."""

MACHINES = (
    ("a small one", 2, 0.10),
    ("a usual one", 4, 0.20),
    ("a large one", 8, 0.40),
    ("a whole server", 32, 1.60),
)
"""Name, cores and ASSUMED price of an hour, in any currency: round numbers, nobody's list."""


def price_of_a_million(price_an_hour: float, decisions_a_second: float, busy: float = BUSY) -> float:
    """What a million decisions cost on a machine that is busy for this share of its time.

    Raises:
        ValueError: nothing is decided, or the share is not above 0 and at most 1.
    """
    if decisions_a_second <= 0 or not 0 < busy <= 1:
        raise ValueError("a price needs decisions, and a share of the time above 0 and at most 1")
    return price_an_hour * MILLION / (decisions_a_second * busy * HOUR_S)


def cost(made: Sequence[Measured]) -> list[Table]:
    """Tables of cost; none where throughput was not measured."""
    figures = {
        figure.name: figure.value for one in made if one.name == "throughput" for figure in one.result.figures
    }
    if "best_per_core" not in figures:
        return []
    per_core = figures["best_per_core"]
    rows: list[tuple[Cell, ...]] = []
    for name, cores, price in MACHINES:
        rate = per_core * cores
        rows.append((name, float(cores), rate, rate * BUSY, price, price_of_a_million(price, rate)))
    columns = (
        Column("machine"),
        Column("cores", digits=0),
        Column("decisions a second at most", digits=0),
        Column("planned", digits=0),
        Column("assumed price of an hour", digits=2),
        Column("price of a million decisions", digits=2),
    )
    note = (
        f"From {per_core:.1f} decisions a second and core, as measured, counted up for other numbers of "
        "cores; prices are assumptions, to be replaced by yours."
    )
    return [Table("cost", "What decisions cost", columns, tuple(rows), note)]

"""One-to-many search: how long, how exact, how much memory, from a thousand people to a million.

Protocol: made-up people and probes as `bench/gallery_people.py` says, 500 mated probes and 500 of
strangers. `exact` compares with everybody, one byte a number; in turns with each search all the bytes
of its rows are read once by as many threads (64-bit words added up), and the ratio is the median over
these pairs. `graph` is the HNSW graph. What recall counts is whether the person with the highest cosine,
in 32 bits and over everybody, is among the 32 that the index nominates: these are compared again on
exact scores, so that person is then found first. Adding and removing is done one person at a time in a
gallery with its roster. Memory is what the process holds more than before (resident), of vectors, graph
and roster. Start is reading a sealed snapshot back. Overwriting is what a graph does in the background
after somebody left, while searches wait. 10 million are extrapolated: exact search by the slope between
the two largest sizes, a graph as ten times the parts.

A graph of a million people takes half an hour to build: it is kept in `.cache/bench` and taken from
there the next time. Then follow `bench/gallery_rates.py` (false names, shards) and
`bench/gallery_stores.py` (the whole search with its database; pgvector).
"""

import ctypes
import gc
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Literal

import numpy as np

from bench import gallery_rates, gallery_stores
from bench.gallery_people import STRANGERS, mated, people
from bench.gallery_rows import say
from bench.host import describe
from bench.results import Cell, Column, Figure, Result, Table, Target
from facekey.core.types import Floats, ModelId
from facekey.store.index.exact import ExactIndex
from facekey.store.index.faces import FaceIndex, SearchPlan
from facekey.store.index.graph import PART, GraphIndex
from facekey.store.index.graph_part import CONNECTIVITY, EXPANSION_ADD
from facekey.store.index.roster import UID_BYTES
from facekey.store.index.rows import quantised
from facekey.store.sealing import Seal
from facekey.store.snapshot_file import Label, Part, read_snapshot, write_snapshot
from facekey.zoo.cores import usable_cores

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGEST = SIZES[-1]
DIMENSIONS = (512, 192)
GRAPHS = {512: SIZES, 192: SIZES[:-1]}  # a second graph of a million would say little more
EACH = 500  # probes of either kind
TURNS = 40
CHANGES = 100
SHORTLIST = 32
KEPT = Path(".cache") / "bench"
PIECE = 4096
MODEL = ModelId("made:up")
MS = 1000.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Probes, and whom each is most like of everybody."""

    probes: Floats = field(repr=False)
    nearest: list[int]


def main(data: Path | None) -> Result:
    """Measure and print."""
    print(__doc__)
    print(f"machine: {describe()}; threads for one search: {usable_cores()}")
    rows: list[tuple[Cell, ...]] = []
    targets: list[Target] = []
    for dimensions in DIMENSIONS:
        for size in SIZES:
            exact, ratio = _exact(size, dimensions)
            rows.append(exact)
            say(COLUMNS, exact)
            if (size, dimensions) == (LARGEST, 512):
                targets.append(Target("exact search over reading its rows once", ratio, 1.25, "x"))
            if size in GRAPHS[dimensions]:
                row, reached = _graph(size, dimensions)
                rows.append(row)
                say(COLUMNS, row)
                targets += reached
        for row in _extrapolated(rows, dimensions):
            rows.append(row)
            say(COLUMNS, row)
    speed = Table("gallery", "Searching", COLUMNS, tuple(rows), "p50 of one search, one at a time")
    for target in targets:
        print(f"  {'reached' if target.met else 'NOT REACHED'}: {target.told}")
    figures = [_worn()]
    rates = gallery_rates.main(data)
    stores = gallery_stores.main()
    return Result(
        tuple(figures) + rates.figures + stores.figures,
        (speed, *rates.tables, *stores.tables),
        tuple(targets),
    )


COLUMNS = (
    Column("index"),
    Column("numbers", digits=0),
    Column("people", digits=0),
    Column("p50", "ms", 3),
    Column("p99", "ms", 3),
    Column("reading the rows", "ms", 3),
    Column("over reading", "x", 2),
    Column("recall, mated", digits=4),
    Column("recall, strangers", digits=4),
    Column("memory", "MB", 0),
    Column("add", "ms", 2),
    Column("remove", "ms", 2),
    Column("overwrite", "ms", 2),
    Column("start from a snapshot", "s", 2),
)


def _exact(size: int, dimensions: int) -> tuple[tuple[Cell, ...], float]:
    asked = _asked(size, dimensions)
    before = resident_mb()
    index = FaceIndex([MODEL], SearchPlan("exact", threads=usable_cores()))
    uids = [secrets.token_hex(UID_BYTES) for _ in range(size)]
    for first, vectors in people(size, dimensions):
        index.apply({uids[first + place]: {MODEL: vector} for place, vector in enumerate(vectors)}, ())
    memory = resident_mb() - before
    rows = index.rows_of(MODEL)
    if not isinstance(rows, ExactIndex):
        raise TypeError("the plan was to compare with everybody")
    scans, reads = [], []
    with ThreadPoolExecutor(usable_cores()) as pool:
        words = [block.reshape(-1).view(np.uint64) for block in rows.memory()]
        shares = [words[start :: usable_cores()] for start in range(usable_cores())]
        for turn in range(TURNS + 5):
            scans.append(_timed(partial(rows.nearest, asked.probes[turn], SHORTLIST)))
            reads.append(_timed(lambda: list(pool.map(lambda share: [word.sum() for word in share], shares))))
    scan_s, read_s = np.array(scans[5:]), np.array(reads[5:])
    ratio = float(np.median(scan_s / read_s))
    hits = _recall(asked, lambda probe: rows.nearest(probe, SHORTLIST)[0].tolist())
    added, removed, _ = _changes(index, dimensions)
    started = _started(index, "exact")
    index.close()
    return (
        *("exact", dimensions, size, MS * float(np.median(scan_s)), MS * float(np.quantile(scan_s, 0.99))),
        *(MS * float(np.median(read_s)), ratio, *hits, memory, added, removed, None, started),
    ), ratio


def _graph(size: int, dimensions: int) -> tuple[tuple[Cell, ...], list[Target]]:
    asked = _asked(size, dimensions)
    kept = KEPT / f"graph-{size}x{dimensions}-{PART}-{CONNECTIVITY}-{EXPANSION_ADD}"
    if size == LARGEST and not kept.is_dir():
        _keep(kept, size, dimensions)
    before = resident_mb()
    index = FaceIndex([MODEL], SearchPlan("graph", threads=usable_cores()))
    index.load(_parts(size, dimensions, kept))
    memory = resident_mb() - before
    graph = index.rows_of(MODEL)
    taken = [_timed(partial(graph.nearest, probe, SHORTLIST)) for probe in asked.probes]
    hits = _recall(asked, lambda probe: graph.nearest(probe, SHORTLIST)[0].tolist())
    added, removed, wiped = _changes(index, dimensions)
    started = _started(index, "graph")
    p50 = MS * float(np.median(taken))
    targets = [
        Target(f"graph of {size:,} x {dimensions}: p50", p50, 3.0, "ms"),
        Target("recall of mated probes", hits[0], 0.995, at_most=False, digits=4),
        Target("memory", memory / 1000, 1.3, "GB"),
        Target("adding one person", added, 5.0, "ms"),
        Target("removing one person", removed, 5.0, "ms"),
        Target("start from a snapshot", started, 10.0, "s"),
    ]
    row: tuple[Cell, ...] = (
        *("graph", dimensions, size, p50, MS * float(np.quantile(taken, 0.99)), None, None),
        *(*hits, memory, added, removed, wiped, started),
    )
    index.close()
    return row, targets if (size, dimensions) == (LARGEST, 512) else []


def _parts(size: int, dimensions: int, kept: Path) -> Iterator[Part]:
    """A gallery as its snapshot has it: the roster, and the graph in pieces."""
    yield Part({"what": "roster"}, secrets.token_bytes(size * UID_BYTES))
    label: Label = {"what": "graph", "model": MODEL, "dimensions": dimensions}
    if size == LARGEST:
        for piece in sorted(kept.iterdir()):
            yield Part(label, piece.read_bytes())
        return
    graph = _built(size, dimensions)
    for block in range(graph.blocks()):
        yield Part(label, graph.dump(block))


def _built(size: int, dimensions: int) -> GraphIndex:
    graph = GraphIndex(dimensions, threads=usable_cores())
    for first, vectors in people(size, dimensions):
        for start in range(0, len(vectors), PIECE):
            rows = quantised(vectors[start : start + PIECE])
            numbers = np.arange(first + start, first + start + len(rows))
            graph.put_rows(numbers, rows)
    return graph


def _keep(kept: Path, size: int, dimensions: int) -> None:
    print(f"  building a graph of {size:,} people; it is kept in {kept}", flush=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    graph = _built(size, dimensions)
    print(f"  built in {time.perf_counter() - began:.0f} s", flush=True)
    made = Path(mkdtemp(dir=KEPT))  # only what is whole gets the name
    for block in range(graph.blocks()):
        (made / f"{block:03}").write_bytes(graph.dump(block))
    made.rename(kept)
    graph.close()


def _asked(size: int, dimensions: int) -> Asked:
    """Probes with the answer that a search in 32 bits gives."""
    _, enrolled = next(people(size, dimensions))
    _, strangers = next(people(EACH, dimensions, seed=STRANGERS))
    probes = np.concatenate([mated(enrolled[:EACH]), strangers])
    best, nearest = np.full(len(probes), -np.inf, np.float32), np.zeros(len(probes), np.int64)
    for first, vectors in people(size, dimensions):
        cosines = probes @ vectors.T
        place = cosines.argmax(axis=1)
        found = cosines[np.arange(len(probes)), place]
        nearest = np.where(found > best, first + place, nearest)
        best = np.maximum(best, found)
    return Asked(probes, nearest.tolist())


def _recall(asked: Asked, search: Callable[[Floats], list[int]]) -> tuple[float, float]:
    hits = [own in search(probe) for probe, own in zip(asked.probes, asked.nearest, strict=True)]
    return float(np.mean(hits[:EACH])), float(np.mean(hits[EACH:]))


def _changes(index: FaceIndex, dimensions: int) -> tuple[float, float, float]:
    """Medians of adding and removing one person, and the mean of overwriting them, in milliseconds."""
    _, vectors = next(people(CHANGES, dimensions, seed=STRANGERS))
    uids = [secrets.token_hex(UID_BYTES) for _ in vectors]
    added = [
        _timed(partial(index.apply, {uid: {MODEL: vector}}, ()))
        for uid, vector in zip(uids, vectors, strict=True)
    ]
    removed = [_timed(partial(index.apply, {}, (uid,))) for uid in uids]
    wiped = MS * _timed(index.wipe) / CHANGES
    return MS * float(np.median(added)), MS * float(np.median(removed)), wiped


def _started(index: FaceIndex, kind: Literal["exact", "graph"]) -> float:
    """Seconds to read a snapshot of it back."""
    seal = Seal(secrets.token_bytes(32), bytes(8))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "snapshot"
        write_snapshot(file, seal, index.dump())
        again = FaceIndex([MODEL], SearchPlan(kind))
        taken = _timed(lambda: again.load(read_snapshot(file, seal)))
        again.close()
    return taken


def _extrapolated(rows: list[tuple[Cell, ...]], dimensions: int) -> list[tuple[Cell, ...]]:
    """Ten times the largest, by the slope that was measured."""
    further: list[tuple[Cell, ...]] = []
    for kind in ("exact", "graph"):
        mine = [row for row in rows if row[:2] == (kind, dimensions)][-2:]
        (less, _), (more, size) = ((_number(row[3]), _number(row[2])) for row in mine)
        if kind == "graph" and size < LARGEST:
            continue  # smaller than one part
        further_p50 = more + 10 * (more - less) if kind == "exact" else 10 * more
        cells = f"{kind}, extrapolated", dimensions, 10 * size, further_p50
        further.append((*cells, *[None] * (len(COLUMNS) - len(cells))))
    return further


def _number(cell: Cell) -> float:
    """A cell that holds a number.

    Raises:
        TypeError: it holds none.
    """
    if not isinstance(cell, int | float):
        raise TypeError(f"{cell} is no number")
    return float(cell)


def _worn() -> Figure:
    """What is left of recall when a quarter of the people left and others came."""
    size, dimensions = 20_000, 192
    graph, asked = _built(size, dimensions), _asked(size, dimensions)
    before = _recall(asked, lambda probe: graph.nearest(probe, SHORTLIST)[0].tolist())
    leaving = [number for number in range(size) if number % 4 == 3 and number not in asked.nearest]
    fresh = np.concatenate([part for _, part in people(len(leaving), dimensions, seed=STRANGERS + 10)])
    for number in leaving:
        graph.remove(number)
    while graph.unwiped:
        graph.wipe()
    for number, vector in zip(leaving, fresh, strict=True):
        graph.put([number], vector[np.newaxis])
    after = _recall(asked, lambda probe: graph.nearest(probe, SHORTLIST)[0].tolist())
    print(
        f"  a graph of {size:,} of whom {len(leaving):,} left and others came: recall of mated probes "
        f"{before[0]:.4f} before, {after[0]:.4f} after; of strangers' {before[1]:.4f} and {after[1]:.4f}"
    )
    return Figure("recall_worn", "recall of mated probes after a quarter was replaced", after[0], digits=4)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resident_mb() -> float:
    """What this process holds of the machine's memory."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back to the machine, as far as it can
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6

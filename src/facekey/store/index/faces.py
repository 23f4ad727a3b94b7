"""Everybody's vectors in this process's memory: for each network an exact index, or a graph.

Which of the two is decided by measurement: an exact index is scanned as long as that takes no
longer than it may. Then a graph is built beside it, while it goes on answering, and takes over.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

import numpy as np

from facekey.core.errors import SealBroken
from facekey.core.types import Embedding, Floats, ModelId
from facekey.store.index.exact import ExactIndex, Numbers
from facekey.store.index.graph import GraphIndex
from facekey.store.index.roster import Roster
from facekey.store.index.rows import Rows
from facekey.store.index.shared_lock import SharedLock
from facekey.store.snapshot_file import Label, Part

SCANS = 32  # the latest, whose median counts: one slow search says nothing
FEWEST = 20_000  # people; below, a scan is slow only when the machine is busy
AT_ONCE = 32  # changes made up for while nobody can search
PIECE = 4096  # people taken into a graph at once
ROUNDING = 0.015  # how far two likenesses of rows can change places by exact scores (measured: 0.005 each)
SHORTEST = 0.2  # a graph knows directions; by the length of the mean a likeness is up to so much smaller
MOST_VACANT = 0.25  # of a graph's places; beyond, it is built anew

Means = Mapping[ModelId, Floats]
"""Of one person: by network the mean of the photos' vectors, (D,) float32."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How to search.

    Attributes:
        kind: always scan, always by a graph, or by a graph when scanning is too slow.
        scan_s: how long a scan may take.
        threads: that share one search.
    """

    kind: Literal["auto", "exact", "graph"] = "auto"
    scan_s: float = 0.010
    threads: int = 1


@dataclass(slots=True)
class _Network:
    """One network's index.

    Attributes:
        scans: seconds of the latest scans.
        touched: numbers that changed since a graph began to be built; None when none is.
    """

    index: ExactIndex | GraphIndex
    scans: deque[float] = field(default_factory=lambda: deque(maxlen=SCANS))
    touched: set[int] | None = None


class FaceIndex:
    """Implements searching for one process. Safe for threads: searches run side by side."""

    def __init__(self, models: Iterable[ModelId], plan: SearchPlan) -> None:
        """Start empty, for these networks."""
        self._models = frozenset(models)
        self._plan = plan
        self._networks: dict[ModelId, _Network] = {}
        self._roster = Roster()
        self._lock = SharedLock()

    def __len__(self) -> int:
        """How many people are in it."""
        return len(self._roster)

    @property
    def nbytes(self) -> int:
        """Memory of the vectors and what finds them."""
        return sum(network.index.nbytes for network in self._networks.values())

    @property
    def kind(self) -> str:
        """`graph` as soon as one network is searched by one, else `exact`."""
        graphs = any(isinstance(network.index, GraphIndex) for network in self._networks.values())
        return "graph" if graphs else "exact"

    def apply(self, entered: Mapping[str, Means], left: Iterable[str]) -> None:
        """Take people in, anew where they are known, and forget others. Searches wait meanwhile."""
        with self._lock.exclusive():
            for uid in left:
                self._forget(uid)
            by_network: dict[ModelId, list[tuple[int, Floats]]] = {}
            for uid, means in entered.items():
                self._forget(uid)  # a network that a new template lacks must not keep the old one
                number = self._roster.enter(uid)
                for model, mean in means.items():
                    if model in self._models:
                        by_network.setdefault(model, []).append((number, mean))
            for model, rows in by_network.items():
                numbers = [number for number, _ in rows]
                network = self._network(model, rows[0][1].shape[0])
                network.index.put(numbers, np.stack([mean for _, mean in rows]))
                if network.touched is not None:
                    network.touched.update(numbers)

    def clear(self) -> None:
        """Forget everybody."""
        with self._lock.exclusive():
            self.close()
            self._networks.clear()
            self._roster = Roster()

    def nominate(self, probe: Sequence[Embedding], count: int, *, best: int) -> list[str]:
        """Who comes into question, the most alike first.

        Args:
            probe: one embedding for each network; other networks have no say.
            count: how many each network names.
            best: how many are sought. Where there is one network only, whoever is certainly not
                among the best by exact scores is left out: each nomination costs a template's opening.

        Raises:
            ValueError: an embedding is longer or shorter than those of its network before.
        """
        nominated: dict[str, None] = {}
        with self._lock.shared():
            for embedding in probe:
                network = self._networks.get(embedding.model)
                if network is None:
                    continue
                began = time.perf_counter()
                numbers, scores = network.index.nearest(embedding.vector, count)
                network.scans.append(time.perf_counter() - began)
                if len(self._models) == 1 and len(scores) > best:
                    margin = (
                        ROUNDING if isinstance(network.index, ExactIndex) else ROUNDING + SHORTEST * scores[0]
                    )
                    numbers = numbers[scores >= scores[best - 1] - margin]
                uids = (self._roster.uid(int(number)) for number in numbers)
                nominated.update(dict.fromkeys(uid for uid in uids if uid is not None))
        return list(nominated)

    def rows_of(self, model: ModelId) -> ExactIndex | GraphIndex:
        """What one network is searched by.

        Raises:
            KeyError: nobody has a vector of that network.
        """
        return self._networks[model].index

    @property
    def unwiped(self) -> int:
        """How many vectors of people who left are still in graphs, where nobody finds them."""
        graphs = (network.index for network in list(self._networks.values()))
        return sum(graph.unwiped for graph in graphs if isinstance(graph, GraphIndex))

    def wipe(self) -> None:
        """Overwrite them. Searches and changes wait for some milliseconds at a time."""
        while self.unwiped:
            with self._lock.exclusive():
                for network in self._networks.values():
                    if isinstance(network.index, GraphIndex) and network.index.unwiped:
                        network.index.wipe()

    def due(self) -> bool:
        """Whether `tend` has something to do."""
        return any(self._is_due(network) for network in list(self._networks.values()))

    def tend(self) -> None:
        """Build the graphs that are due. Takes minutes in large galleries; searches and changes go on."""
        for model, network in list(self._networks.items()):
            if self._is_due(network):
                self._build(model, network)

    def dump(self) -> Iterator[Part]:
        """All of it in pieces, as `load` takes them, while searches and changes go on.

        The pieces are of later and later moments, the first of them of when this was called:
        whoever loads them makes up for all changes since then.
        """
        with self._lock.shared():
            networks = {model: network.index for model, network in self._networks.items()}
            roster = Part({"what": "roster"}, self._roster.dump())
        yield roster
        for model, index in networks.items():
            what = "graph" if isinstance(index, GraphIndex) else "rows"
            label: Label = {"what": what, "model": model, "dimensions": index.dimensions}
            for block in range(index.blocks()):
                self.wipe()
                with self._lock.shared():
                    piece = index.dump(block)
                yield Part(label, piece)

    def load(self, parts: Iterable[Part]) -> None:
        """Become what was dumped; where that fails, stay as before.

        Raises:
            SealBroken: the pieces don't belong together, or to these networks.
        """
        networks: dict[ModelId, _Network] = {}
        roster = Roster()
        try:
            for part in parts:
                if part.label["what"] == "roster":
                    roster = Roster.load(bytes(part.data))
                else:
                    self._load_network(networks, part)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise SealBroken(f"a gallery snapshot can't be read: {error}") from error
        if not networks.keys() <= self._models:
            raise SealBroken("the gallery snapshot is of other networks")
        known = roster.used()
        for network in networks.values():
            # Who came while the pieces were taken; the log tells of them once more.
            for number in np.setdiff1d(network.index.used(), known).tolist():
                network.index.remove(number)
        self.clear()
        with self._lock.exclusive():
            self._networks, self._roster = networks, roster

    def _load_network(self, networks: dict[ModelId, _Network], part: Part) -> None:
        model, dimensions = ModelId(str(part.label["model"])), int(part.label["dimensions"])
        kind = GraphIndex if part.label["what"] == "graph" else ExactIndex
        if kind is GraphIndex and self._plan.kind == "exact":
            raise ValueError("it holds a graph, and everybody is to be compared with")
        network = networks.setdefault(model, _Network(kind(dimensions, threads=self._plan.threads)))
        if not isinstance(network.index, kind):
            raise TypeError(f"rows and a graph of {model}")
        network.index.load(part.data)

    def close(self) -> None:
        """Let the threads go."""
        for network in self._networks.values():
            network.index.close()

    def _is_due(self, network: _Network) -> bool:
        index = network.index
        if isinstance(index, GraphIndex):
            return index.vacancy > MOST_VACANT
        if self._plan.kind == "graph":
            return len(index) > 0
        slow = len(network.scans) == SCANS and median(network.scans) > self._plan.scan_s
        return self._plan.kind == "auto" and slow and len(index) >= FEWEST

    def _build(self, model: ModelId, network: _Network) -> None:
        source = network.index
        fresh = GraphIndex(source.dimensions, threads=self._plan.threads)
        with self._lock.exclusive():
            network.touched = touched = set[int]()
            end = self._roster.end
        for first in range(0, end, PIECE):
            with self._lock.shared():
                numbers, rows = source.rows(np.arange(first, min(end, first + PIECE)))
            if numbers.size:
                fresh.put_rows(numbers, rows)
            # After every piece: whoever is erased must not stay in it, or beside it, until the end.
            touched = self._made_up(network, fresh, touched)
        while len(touched) > AT_ONCE:
            touched = self._made_up(network, fresh, touched)
        with self._lock.exclusive():
            network.touched = None
            if self._networks.get(model) is not network:
                return  # everybody was forgotten meanwhile
            made_up = np.array(sorted(touched), np.int64)
            _make_up(fresh, made_up, *source.rows(made_up))
            network.index = fresh
            network.scans.clear()
        source.close()

    def _made_up(self, network: _Network, fresh: GraphIndex, touched: set[int]) -> set[int]:
        """Bring what was touched into a graph that is built beside; gives where to note what comes next."""
        with self._lock.exclusive():
            network.touched = since = set[int]()
            made_up = np.array(sorted(touched), np.int64)
            numbers, rows = network.index.rows(made_up)
        _make_up(fresh, made_up, numbers, rows)
        while fresh.unwiped:
            fresh.wipe()
        self.wipe()
        return since

    def _forget(self, uid: str) -> None:
        number = self._roster.leave(uid)
        if number is None:
            return
        for network in self._networks.values():
            network.index.remove(number)
            if network.touched is not None:
                network.touched.add(number)

    def _network(self, model: ModelId, dimensions: int) -> _Network:
        if model not in self._networks:
            self._networks[model] = _Network(ExactIndex(dimensions, threads=self._plan.threads))
        return self._networks[model]


def _make_up(fresh: GraphIndex, changed: Numbers, numbers: Numbers, rows: Rows) -> None:
    """Bring what changed into a graph that was built beside: those with a row now, and those without."""
    for number in np.setdiff1d(changed, numbers).tolist():
        fresh.remove(number)
    if numbers.size:
        fresh.put_rows(numbers, rows)

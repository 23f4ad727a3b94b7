"""What is searched in memory: rows, graph, roster, and both together while they change."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facekey.core.errors import SealBroken
from facekey.core.types import Embedding, Floats, ModelId
from facekey.store.index import exact, faces, graph
from facekey.store.index.exact import ExactIndex
from facekey.store.index.faces import FaceIndex, SearchPlan
from facekey.store.index.graph import GraphIndex
from facekey.store.index.graph_part import GraphPart
from facekey.store.index.roster import Roster
from facekey.store.index.rows import lengths, quantised
from facekey.store.index.shared_lock import SharedLock
from facekey.store.snapshot_file import Part
from tests.unit.core.made import DIMENSIONS, MODEL, direction, near

OTHER = ModelId("other:111111111111")


def directions(count: int, seed: int = 0) -> Floats:
    drawn = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    unit: Floats = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def test_rows_keep_the_direction_whatever_the_length() -> None:
    vectors = directions(500) * np.linspace(0.2, 1.0, 500, dtype=np.float32)[:, np.newaxis]
    rows = quantised(vectors)
    assert np.abs(rows).max(axis=1).tolist() == [127] * 500
    cosines = np.sum(rows * vectors, axis=1) / lengths(rows) / np.linalg.norm(vectors, axis=1)
    assert cosines.min() > 0.9995


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few hundred people fill several."""
    monkeypatch.setattr(exact, "BLOCK", 128)
    monkeypatch.setattr(exact, "STEP", 16)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [1, 3])
def test_exact_search_agrees_with_brute_force_while_rows_change(threads: int) -> None:
    rng = np.random.default_rng(3)
    index = ExactIndex(DIMENSIONS, threads=threads)
    truth: dict[int, Floats] = {}
    for step in range(2_000):
        number = int(rng.integers(600))
        if rng.random() < 0.3:
            index.remove(number)
            truth.pop(number, None)
        else:
            mean = direction(step) * np.float32(rng.uniform(0.5, 1.0))
            index.put([number], mean[np.newaxis])
            truth[number] = mean
    assert len(index) == len(truth)
    assert index.used().tolist() == sorted(truth)
    probe = direction(99_999)
    likeness = {number: float(mean @ probe) / np.linalg.norm(mean) ** 0.5 for number, mean in truth.items()}
    numbers, scores = index.nearest(probe, 10)
    assert scores == pytest.approx(sorted(likeness.values(), reverse=True)[:10], abs=0.006)
    assert scores == pytest.approx([likeness[number] for number in numbers.tolist()], abs=0.006)
    assert len(index.nearest(probe, 10_000)[0]) == len(truth), "those most unlike the probe as well"
    index.close()


def test_an_empty_row_names_nobody_and_holds_nothing() -> None:
    index = ExactIndex(DIMENSIONS)
    index.put([0, 1], -np.stack([direction(1), direction(1)]))
    index.remove(0)
    index.remove(5)
    numbers, scores = index.nearest(direction(1), 5)
    assert numbers.tolist() == [1]
    assert scores[0] == pytest.approx(-1.0, abs=0.01)
    assert not index._blocks[0][0].any()


@pytest.fixture
def filled() -> GraphIndex:
    index = GraphIndex(DIMENSIONS, threads=2)
    index.put_rows(np.arange(3_000), quantised(directions(3_000)))
    return index


def test_rows_whose_last_block_is_empty_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "BLOCK", 512)
    vectors = directions(1_300)
    index = ExactIndex(DIMENSIONS)
    index.put(range(1_300), vectors)
    for number in range(500, 1_300):
        index.remove(number)
    again = ExactIndex(DIMENSIONS, threads=2)
    for block in range(index.blocks()):
        again.load(index.dump(block))
    assert again.nearest(vectors[7], 2)[0][0] == 7
    again.put([1_200], vectors[1_200:1_201])
    assert again.nearest(vectors[1_200], 1)[0].tolist() == [1_200]
    assert ExactIndex(DIMENSIONS).nearest(vectors[7], 2)[0].size == 0


def wiped(graph: GraphIndex) -> None:
    while graph.unwiped:
        graph.wipe()


def test_nobody_stays_as_what_took_the_place_of_others() -> None:
    vectors = np.stack([near(direction(999), 0.95, seed) for seed in range(40)])
    graph = GraphIndex(DIMENSIONS)
    graph.put(range(40), vectors)
    for number in range(40):
        graph.remove(number)
        wiped(graph)
    left = bytes(graph.dump(0))
    assert not any(row.tobytes() in left for row in quantised(vectors))
    graph.put(range(40), vectors)
    for number in range(40):
        graph.remove(number)
    wiped(graph)  # all at once: none of them may be what another is overwritten with
    left = bytes(graph.dump(0))
    assert not any(row.tobytes() in left for row in quantised(vectors))
    assert (len(graph), graph.nearest(vectors[0], 3)[0].size) == (0, 0)


def test_nor_those_who_are_alike() -> None:
    row = direction(7)[np.newaxis]
    graph = GraphIndex(DIMENSIONS)
    graph.put(range(6), np.repeat(row, 6, axis=0))
    for number in range(6):
        graph.remove(number)
        wiped(graph)
    assert quantised(row).tobytes() not in bytes(graph.dump(0))


def test_a_graph_finds_people_and_forgets_those_who_leave(filled: GraphIndex) -> None:
    vectors = directions(3_000)
    probes = [near(vectors[number], 0.8, 50_000 + number) for number in range(200)]
    hits = [int(filled.nearest(probe, 8)[0][0]) for probe in probes]
    assert np.mean(np.array(hits) == np.arange(200)) > 0.98
    for number in range(100):
        filled.remove(number)
    filled.remove(77)
    assert len(filled) == 2_900
    found = {number for probe in probes for number in filled.nearest(probe, 8)[0].tolist()}
    assert found.isdisjoint(range(100)), "not even as the places that they left"
    assert all(len(filled.nearest(probe, 8)[0]) == 8 for probe in probes)


def test_the_vector_of_somebody_who_left_is_in_no_byte_of_the_graph(filled: GraphIndex) -> None:
    row = quantised(directions(3_000))[5]
    assert row.tobytes() in bytes(filled.dump(0))
    filled.remove(5)
    wiped(filled)
    assert row.tobytes() not in bytes(filled.dump(0))
    lonely = GraphIndex(DIMENSIONS)
    lonely.put([0], directions(3_000)[5:6])
    lonely.remove(0)
    wiped(lonely)
    assert row.tobytes() not in bytes(lonely.dump(0))
    assert lonely.nearest(direction(1), 3)[0].size == 0


def test_people_come_to_a_graph_that_others_left(filled: GraphIndex) -> None:
    for number in range(50):
        filled.remove(number)
    wiped(filled)
    assert filled.vacancy == pytest.approx(50 / 3_000)
    fresh = directions(50, seed=9)
    filled.put(list(range(4_000, 4_050)), fresh)
    assert len(filled) == 3_000
    assert filled.vacancy == pytest.approx(50 / 3_050)
    assert [int(filled.nearest(vector, 1)[0][0]) for vector in fresh] == list(range(4_000, 4_050))
    filled.put([4_000], directions(1, seed=10))
    assert len(filled) == 3_000, "replaced, not added"
    assert filled.nearest(directions(1, seed=10)[0], 1)[0].tolist() == [4_000]
    again = GraphIndex(DIMENSIONS)
    again.load(filled.dump(0))
    assert len(again) == 3_000
    assert again.vacancy == filled.vacancy


def test_a_graph_of_several_parts_answers_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "PART", 1_000)
    vectors = directions(2_500)
    parts = GraphIndex(DIMENSIONS, threads=2)
    parts.put_rows(np.arange(2_500), quantised(vectors))
    assert (parts.blocks(), len(parts)) == (3, 2_500)
    whole = ExactIndex(DIMENSIONS)
    whole.put(range(2_500), vectors)
    for number in (3, 1_500, 2_499):
        parts.remove(number)
        whole.remove(number)
    parts.remove(9_999)
    for number in (1, 1_200, 2_300):
        probe = near(vectors[number], 0.8, number)
        found, scores = parts.nearest(probe, 16)
        assert (found[0], list(scores)) == (number, sorted(scores, reverse=True))
        assert len(set(found.tolist()) & set(whole.nearest(probe, 16)[0].tolist())) > 12
    assert parts.used().tolist() == whole.used().tolist()
    asked = np.array([2_400, 3, 700, 1_100])
    numbers, rows = parts.rows(asked)
    assert numbers.tolist() == [700, 1_100, 2_400]
    assert np.array_equal(rows, quantised(vectors)[numbers])
    assert parts.vacancy == pytest.approx(3 / 2_500)
    again = GraphIndex(DIMENSIONS, threads=2)
    for block in range(parts.blocks()):
        again.load(parts.dump(block))
    assert again.used().tolist() == parts.used().tolist()
    assert again.nearest(vectors[1_600], 1)[0].tolist() == [1_600]
    assert GraphIndex(DIMENSIONS).nearest(vectors[0], 3)[0].size == 0
    parts.close()


def test_a_roster_gives_numbers_again_and_survives_writing() -> None:
    roster = Roster()
    uids = [secrets.token_hex(16) for _ in range(3_000)]
    assert [roster.enter(uid) for uid in uids] == list(range(3_000))
    assert roster.enter(uids[7]) == 7
    assert roster.leave(uids[7]) == 7
    assert roster.leave(uids[7]) is None
    assert roster.uid(7) is None
    assert roster.uid(10_000) is None
    again = Roster.load(roster.dump())
    assert len(again) == 2_999
    newcomer = secrets.token_hex(16)
    assert again.enter(newcomer) == 7
    assert again.uid(7) == newcomer
    with pytest.raises(ValueError, match="twice"):
        Roster.load(roster.dump() * 2)


def named(number: int) -> str:
    return f"{number + 1:032x}"


def filled_faces(plan: SearchPlan, count: int = 300) -> FaceIndex:
    index = FaceIndex([MODEL, OTHER], plan)
    vectors = directions(count)
    index.apply({named(number): {MODEL: vectors[number]} for number in range(count)}, [])
    return index


def first(index: FaceIndex, vector: Floats) -> str | None:
    return next(iter(index.nominate([Embedding(vector, MODEL)], 8, best=8)), None)


@pytest.mark.parametrize("kind", ["exact", "graph"])
def test_faces_are_found_by_either_index(kind: str) -> None:
    index = filled_faces(SearchPlan(kind="exact" if kind == "exact" else "graph"))
    assert index.due() == (kind == "graph")
    index.tend()
    assert (index.kind, index.due()) == (kind, False)
    vectors = directions(300)
    assert all(first(index, vectors[number]) == named(number) for number in range(0, 300, 20))
    index.apply({}, [named(20), "f" * 32])
    assert first(index, vectors[20]) != named(20)
    assert len(index) == 299
    assert index.nominate([Embedding(vectors[1], OTHER)], 8, best=8) == [], (
        "nobody has a vector of that network"
    )
    assert index.nbytes > 0
    index.close()


def test_one_network_alone_nominates_only_who_can_still_be_among_the_best() -> None:
    index = FaceIndex([MODEL], SearchPlan())
    centre = direction(1)
    likenesses = (0.9, 0.899, 0.8, 0.79, 0.5)
    index.apply({named(n): {MODEL: near(centre, cosine, 10 + n)} for n, cosine in enumerate(likenesses)}, [])
    probe = [Embedding(centre, MODEL)]
    assert set(index.nominate(probe, 5, best=1)) == {named(0), named(1)}
    assert set(index.nominate(probe, 5, best=3)) == {named(0), named(1), named(2), named(3)}
    assert len(index.nominate(probe, 5, best=5)) == 5
    two = FaceIndex([MODEL, OTHER], SearchPlan())
    two.apply({named(n): {MODEL: near(centre, cosine, 10 + n)} for n, cosine in enumerate(likenesses)}, [])
    assert len(two.nominate(probe, 5, best=1)) == 5, "fused, another may be first"


def test_a_new_template_without_a_network_leaves_nothing_of_the_old_one_there() -> None:
    index = filled_faces(SearchPlan())
    index.apply({named(0): {OTHER: directions(1)[0]}}, [])
    assert first(index, directions(1)[0]) != named(0)
    assert index.nominate([Embedding(directions(1)[0], OTHER)], 8, best=8) == [named(0)]


def test_scans_that_take_too_long_call_for_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "FEWEST", 300)
    slow = filled_faces(SearchPlan(scan_s=0.0))
    quick = filled_faces(SearchPlan(scan_s=3600.0))
    fixed = filled_faces(SearchPlan(kind="exact", scan_s=0.0))
    for index in (slow, quick, fixed):
        assert not index.due(), "nothing was measured"
        for number in range(faces.SCANS):
            first(index, direction(number))
    assert [index.due() for index in (slow, quick, fixed)] == [True, False, False]


def test_a_worn_graph_is_made_anew() -> None:
    index = filled_faces(SearchPlan(kind="graph"))
    index.tend()
    index.apply({}, [named(number) for number in range(100)])
    assert index.due()
    before = index.nbytes
    index.tend()
    assert not index.due()
    assert len(index) == 200
    assert index.nbytes <= before
    assert first(index, directions(300)[150]) == named(150)


def test_who_comes_and_goes_while_a_graph_is_built_is_in_it_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "PIECE", 50)
    monkeypatch.setattr(faces, "AT_ONCE", 2)
    index = filled_faces(SearchPlan(kind="graph"))
    newcomers = directions(5, seed=4)
    original: Callable[..., None] = GraphIndex.put_rows
    pieces: list[int] = []

    def put_rows(self: GraphIndex, *given: object, **named_: object) -> None:
        original(self, *given, **named_)
        pieces.append(1)
        if len(pieces) == 2:
            index.apply(
                {f"{9_000 + number:032x}": {MODEL: vector} for number, vector in enumerate(newcomers)},
                [named(3), named(250)],
            )

    monkeypatch.setattr(GraphIndex, "put_rows", put_rows)
    index.tend()
    assert index.kind == "graph"
    assert len(index) == 303
    assert [first(index, vector) for vector in newcomers] == [f"{9_000 + n:032x}" for n in range(5)]
    vectors = directions(300)
    assert {first(index, vectors[3]), first(index, vectors[250])}.isdisjoint({named(3), named(250)})
    assert index.unwiped == 0
    left = b"".join(bytes(part.data) for part in index.dump())
    assert not any(row.tobytes() in left for row in quantised(vectors[[3, 250]]))
    assert quantised(vectors[[4]]).tobytes() in left


def test_a_graph_that_is_not_wanted_any_more_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    index = filled_faces(SearchPlan(kind="graph"))
    original: Callable[..., None] = GraphIndex.put_rows

    def put_rows(self: GraphIndex, *given: object, **named_: object) -> None:
        original(self, *given, **named_)
        index.clear()

    monkeypatch.setattr(GraphIndex, "put_rows", put_rows)
    index.tend()
    assert (len(index), index.kind) == (0, "exact")


@pytest.mark.parametrize("kind", ["exact", "graph"])
def test_searches_go_on_while_people_come_and_go(kind: str) -> None:
    index = filled_faces(SearchPlan(kind="exact" if kind == "exact" else "graph"))
    index.tend()
    vectors = directions(300)

    def search(number: int) -> bool:
        return all(first(index, vectors[number]) == named(number) for _ in range(20))

    def change(number: int) -> bool:
        for step in range(20):
            uid = f"{5_000 + number:032x}"
            index.apply({uid: {MODEL: direction(1_000 * number + step)}}, [])
            index.apply({}, [uid])
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda job: job[0](job[1]), [(search, 1), (change, 1), (search, 2), (change, 2)])
        )
    assert done == [True] * 4
    assert len(index) == 300


@pytest.mark.parametrize("kind", ["exact", "graph"])
def test_what_is_dumped_comes_back(kind: str) -> None:
    plan = SearchPlan(kind="exact" if kind == "exact" else "graph")
    index = filled_faces(plan)
    index.tend()
    index.apply({}, [named(9)])
    parts = index.dump()
    taken = [next(parts)]
    # After the roster was taken: the rest knows of it, and the log will tell of it again.
    index.apply({f"{7_000:032x}": {MODEL: direction(7)}}, [named(10)])
    taken += parts
    again = FaceIndex([MODEL, OTHER], plan)
    again.load(taken)
    assert (len(again), again.kind) == (299, kind)
    assert first(again, direction(7)) != f"{7_000:032x}"
    assert first(again, directions(300)[42]) == named(42)
    again.apply({f"{8_000:032x}": {MODEL: direction(8)}}, [named(10)])
    assert first(again, direction(8)) == f"{8_000:032x}"


@pytest.mark.parametrize(
    "parts",
    [
        [Part({"what": "roster"}, b"short")],
        [Part({"other": 1})],
        [Part({"what": "rows", "model": MODEL, "dimensions": DIMENSIONS}, b"few")],
        [Part({"what": "graph", "model": MODEL, "dimensions": DIMENSIONS}, b"no graph")],
        [Part({"what": "graph", "model": "third:1", "dimensions": DIMENSIONS}, GraphPart(DIMENSIONS).dump())],
        [
            Part({"what": "graph", "model": MODEL, "dimensions": DIMENSIONS}, GraphPart(DIMENSIONS).dump()),
            Part({"what": "rows", "model": MODEL, "dimensions": DIMENSIONS}, b""),
        ],
    ],
    ids=["roster", "label", "rows", "graph", "another network", "both"],
)
def test_other_parts_are_refused_and_change_nothing(parts: list[Part]) -> None:
    index = filled_faces(SearchPlan())
    with pytest.raises(SealBroken):
        index.load(parts)
    assert first(index, directions(300)[42]) == named(42)


def test_a_graph_on_disk_is_not_taken_where_everybody_is_to_be_compared_with() -> None:
    index = filled_faces(SearchPlan(kind="graph"))
    index.tend()
    with pytest.raises(SealBroken, match="graph"):
        FaceIndex([MODEL, OTHER], SearchPlan(kind="exact")).load(index.dump())


def test_a_change_waits_for_readers_and_goes_before_later_ones() -> None:
    lock, order = SharedLock(), list[str]()
    reading, go_on = threading.Event(), threading.Event()

    def read() -> None:
        with lock.shared():
            reading.set()
            go_on.wait(10)
            order.append("read")

    def change() -> None:
        with lock.exclusive():
            order.append("change")

    def read_later() -> None:
        with lock.shared():
            order.append("later")

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait(10)
    changer = threading.Thread(target=change)
    changer.start()
    while not lock._waiting:
        pass
    later = threading.Thread(target=read_later)
    later.start()
    go_on.set()
    for thread in (reader, changer, later):
        thread.join(10)
    assert order == ["read", "change", "later"]

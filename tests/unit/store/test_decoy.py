"""Decoys must look like strangers: in their scores, and in the work they cost."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import event as sql_event
from sqlalchemy.engine import Connection

from facekey.core.population import JointPopulation, Population
from facekey.core.types import Floats, ModelId, SubjectId
from facekey.store.decoy import PopulationDecoy
from tests.contract.store.opened import Store, event, template
from tests.unit.core.made import DIMENSIONS, MODEL, direction

FILES = sorted((Path(__file__).parents[3] / "models" / "weights").glob("*-population.npy"))
PEOPLE = 300
OTHER = ModelId("other:0")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def population(request: pytest.FixtureRequest) -> Population:
    values = np.load(request.param).astype(np.float32)
    factor = np.diag(values[1]) if len(values) == 2 else values[1:]  # voices: too few for more
    return Population(mean=values[0], factor=factor)


def strangers(population: Population, seed: int) -> Floats:
    """People of this population, (PEOPLE, D), unit vectors."""
    drawn = np.random.default_rng(seed).standard_normal((PEOPLE, population.mean.size)).astype(np.float32)
    vectors = population.mean + drawn @ population.factor.T
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def decoys(population: Population) -> Floats:
    """What PEOPLE unknown ids are compared with, (PEOPLE, D)."""
    maker = PopulationDecoy({MODEL: population}, key=b"k" * 32)
    return np.stack(
        [maker.template(SubjectId(f"ghost{n}")).references[0].centroid().vector for n in range(PEOPLE)]
    )


def test_there_is_a_population_to_draw_from() -> None:
    assert FILES


def test_scores_against_decoys_are_spread_like_scores_against_strangers(population: Population) -> None:
    probes, others = strangers(population, 1), strangers(population, 2)
    against_strangers = (probes @ others.T).ravel()
    against_decoys = (probes @ decoys(population).T).ravel()
    spread = float(against_strangers.std())
    # The cosines of one probe hang together, so the mean is as sure as one over PEOPLE.
    tolerance = 4.0 * spread * math.sqrt(2.0 / PEOPLE)
    assert abs(float(against_decoys.mean() - against_strangers.mean())) < tolerance
    assert float(against_decoys.std()) == pytest.approx(spread, rel=0.1)
    levels = (0.01, 0.1, 0.5, 0.9, 0.99)
    np.testing.assert_allclose(
        np.quantile(against_decoys, levels), np.quantile(against_strangers, levels), atol=2 * tolerance
    )


def test_decoys_resemble_each_other_as_strangers_do(population: Population) -> None:
    pairs = np.triu_indices(PEOPLE, k=1)
    among_decoys, among_strangers = (
        (vectors @ vectors.T)[pairs] for vectors in (decoys(population), strangers(population, 3))
    )
    spread = float(among_strangers.std())
    assert abs(float(among_decoys.mean() - among_strangers.mean())) < 4.0 * spread * math.sqrt(2.0 / PEOPLE)
    assert float(among_decoys.std()) == pytest.approx(spread, rel=0.1)


def test_networks_agree_about_decoys_as_they_do_about_strangers() -> None:
    dice = np.random.default_rng(8)
    factor = np.kron(np.array([[1.0, 0.0], [0.9, 0.44]]), np.eye(DIMENSIONS) / 20).astype(np.float32)
    whole = Population(np.asarray(dice.standard_normal(2 * DIMENSIONS) / 20, np.float32), factor)
    together = JointPopulation({MODEL: DIMENSIONS, OTHER: DIMENSIONS}, whole)
    alone = {
        model: Population(
            np.asarray(whole.mean[part], np.float32),
            np.asarray(np.linalg.cholesky(factor[part] @ factor[part].T), np.float32),
        )
        for model, part in ((MODEL, slice(DIMENSIONS)), (OTHER, slice(DIMENSIONS, None)))
    }
    probe = {model: direction(21) for model in (MODEL, OTHER)}  # correlated parts, one direction

    def agreement(maker: PopulationDecoy) -> float:
        scores = [
            [float(one.centroid().vector @ probe[one.model]) for one in maker.template(ghost).references]
            for ghost in (SubjectId(f"ghost{n}") for n in range(PEOPLE))
        ]
        return float(np.corrcoef(np.array(scores).T)[0, 1])

    assert agreement(PopulationDecoy(alone, key=b"k" * 32, together=together)) > 0.8
    assert abs(agreement(PopulationDecoy(alone, key=b"k" * 32))) < 0.3
    # One that runs in shadow has a population of its own.
    third = ModelId("third:0")
    made = PopulationDecoy({**alone, third: alone[MODEL]}, key=b"k" * 32, together=together)
    assert {one.model for one in made.template(SubjectId("ghost")).references} == {MODEL, OTHER, third}
    with pytest.raises(ValueError, match="other networks"):
        PopulationDecoy({MODEL: alone[MODEL]}, key=b"k" * 32, together=together)
    with pytest.raises(ValueError, match="as long as"):
        JointPopulation({MODEL: DIMENSIONS}, whole)


def test_one_score_tells_no_more_than_a_coin(population: Population) -> None:
    probe = strangers(population, 4)[:1]
    of_strangers, of_decoys = (
        (vectors @ probe.T).ravel() for vectors in (strangers(population, 5), decoys(population))
    )
    # The area under the curve of guessing "decoy" from the score; 0.5 is a coin.
    area = float((of_decoys[:, np.newaxis] > of_strangers[np.newaxis]).mean())
    assert abs(area - 0.5) < 4.0 * math.sqrt(1.0 / (6.0 * PEOPLE))


@pytest.mark.parametrize(
    ("mean", "factor"),
    [
        ((DIMENSIONS,), (DIMENSIONS, DIMENSIONS - 1)),
        ((DIMENSIONS,), (DIMENSIONS,)),
        ((1, DIMENSIONS), (DIMENSIONS, DIMENSIONS)),
    ],
)
def test_statistics_that_do_not_belong_together_are_refused(
    mean: tuple[int, ...], factor: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="population"):
        Population(np.zeros(mean, np.float32), np.zeros(factor, np.float32))


@pytest.mark.parametrize("broken", ["mean", "factor"])
def test_statistics_that_are_not_finite_are_refused(broken: str) -> None:
    parts = {
        "mean": np.zeros(DIMENSIONS, np.float32),
        "factor": np.eye(DIMENSIONS, dtype=np.float32),
    }
    parts[broken].flat[3] = np.nan
    with pytest.raises(ValueError, match="finite"):
        Population(**parts)


async def test_an_unknown_id_costs_the_store_the_same_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same statements, and as many blobs of about the same size to open."""
    await store.enrol(template("alice", 1), event("register", "alice"))
    work: Counter[str] = Counter()
    decrypt = AESGCM.decrypt

    class Watched:
        def __init__(self, key: bytes) -> None:
            self._cipher = AESGCM(key)

        def decrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
            work["opened"] += 1
            return decrypt(self._cipher, nonce, data, associated)

    def statement(_: Connection, __: object, text: str, *___: object) -> None:
        work[text] += 1

    monkeypatch.setattr("facekey.store.sealing.AESGCM", Watched)
    for connections in (store.database._readers, store.database._writers):
        sql_event.listen(connections._engine, "before_cursor_execute", statement)

    assert await store.templates.get(SubjectId("alice")) is not None
    known = dict(work)
    work.clear()
    assert await store.templates.get(SubjectId("nobody")) is None
    assert dict(work) == known
    assert known["opened"] == 3, "the person's key, their id, and the template of each network"


def test_a_decoy_has_every_network_of_a_person() -> None:
    other = ModelId("other:1")
    whole = Population(np.zeros(DIMENSIONS, np.float32), np.eye(DIMENSIONS, dtype=np.float32))
    made = PopulationDecoy({MODEL: whole, other: whole}, key=b"k" * 32).template(SubjectId("ghost"))
    assert [references.model for references in made.references] == [MODEL, other]
    left, right = (references.centroid().vector for references in made.references)
    assert abs(float(left @ right)) < 0.6, "each network has a draw of its own"

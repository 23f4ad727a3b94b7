"""Train and judge the fusion of recognition networks.

    python training/train_fusion.py --data_root LFW --pairs_file pairs.txt --output_dir O --epochs 20

`data_root` has `<person>/<picture>.jpg` or `images/<person>/<picture>.jpg`; `pairs_file` cuts
its people into folds that share nobody, as LFW's does. Every recognition network that is
installed takes part, or those of `--networks`; published ones without a card are read from
`--extra_weights`.

Two kinds are trained and compared with each network alone, for every subset of the networks:

    scores      a calibrated sum of the cosines (core.fusion)
    embedding   an adapter for each network and three layers give one 512-D vector (core.fused_embedding)

Beside them stand ways that do not ship, with what speaks against them. The report (JSON,
Markdown, plots) is in the output folder; `--install` puts the fusion where the service finds it.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.errors import FaceKeyError
from facekey.core.metrics import threshold_at_fmr
from facekey.core.types import Floats, ModelId
from facekey.evaluation.pairs import read_pairs
from facekey.settings import default_models_dir
from facekey.wiring.vision import open_detector
from facekey.zoo.zoo import Zoo
from training import fit_embedding, fit_scores
from training.data.embedded import Embedded, embed, pictures_of
from training.embedders import open_networks
from training.fit_scores import PairSet
from training.fusion_report import Row, write_report
from training.install_fusion import NETWORK_FILE, POPULATION_FILE, install
from training.judge_fusion import Folds, Judge, cut, judge
from training.models.fusion import FusionNetwork
from training.parallel import only_first
from training.progress import say
from training.record import Run, recorded

Subset = tuple[ModelId, ...]

LINE_FMR = 1e-4
NO_FOLD = -1  # as a fold that is left out: nobody is


class Ways:
    """Everything that is fitted for each fold, each once."""

    def __init__(self, given: Embedded, folds: Folds, networks: Subset, args: argparse.Namespace) -> None:
        self._given, self._folds, self._networks, self._args = given, folds, networks, args
        self._spreads: dict[int, dict[ModelId, Floats]] = {}
        self._fusions: dict[int, FusionNetwork] = {}
        self._fused: dict[tuple[int, Subset], Floats] = {}

    def alone(self, model: ModelId) -> Judge:
        """A network by itself."""
        return lambda _, pairs: pairs.cosines(self._given.straight[model])

    def scores(self, subset: Subset) -> Judge:
        """The score fusion."""
        return self._fitted(subset, lambda _: fit_scores.NO_MARKS)

    def less_spreads(self, subset: Subset) -> Judge:
        """Not for use: the score fusion that also takes off how much a face resembles strangers."""
        return self._fitted(subset, self.spreads)

    def with_lengths(self, subset: Subset) -> Judge:
        """Not for use: the score fusion that also takes the vectors' lengths for a sign of quality."""
        # Short vectors, of poor pictures, gain.
        marks = {
            model: np.asarray((np.log(lengths) - np.log(lengths).mean()) / np.log(lengths).std(), np.float32)
            for model, lengths in self._given.lengths.items()
        }
        return self._fitted(subset, lambda _: marks)

    def _fitted(self, subset: Subset, marks_of: Callable[[int], Mapping[ModelId, Floats]]) -> Judge:
        """Scores counted from the line that one stranger in 10,000 of the other folds reaches.

        Weights differ from fold to fold, and with them where a fold's scores lie; the service
        has a calibration for that.
        """
        fits: dict[int, tuple[fit_scores.Fit, float]] = {}

        def score(fold: int, pairs: PairSet) -> Floats:
            vectors, marks = self._given.straight, marks_of(fold)
            if fold not in fits:
                others = self._folds.pairs_of_others(fold)
                fitted = fit_scores.fit(subset, vectors, others, marks)
                strangers = fitted.scores(vectors, marks, others.some(~others.mated))
                fits[fold] = fitted, threshold_at_fmr(strangers, LINE_FMR)
            fitted, line = fits[fold]
            return np.asarray(fitted.scores(vectors, marks, pairs) - line, np.float32)

        return score

    def embedding(self, subset: Subset) -> Judge:
        """The fused embedding of a subset."""

        def score(fold: int, pairs: PairSet) -> Floats:
            key = (fold, subset)
            if key not in self._fused:
                self._fused[key] = fit_embedding.fused(self.fusion(fold), self._networks, subset, self._given)
            return pairs.cosines(self._fused[key])

        return score

    def spreads(self, fold: int) -> dict[ModelId, Floats]:
        """Of every picture, by the population of the other folds."""
        if fold not in self._spreads:
            rows = self._folds.others(fold)
            vectors = {model: self._given.straight[model] for model in self._networks}
            self._spreads[fold] = fit_scores.spreads_of(vectors, self._given.people, rows)
        return self._spreads[fold]

    def fusion(self, fold: int) -> FusionNetwork:
        """The embedding network of the other folds; of all people for `NO_FOLD`."""
        if fold not in self._fusions:
            pairs, rows = self._folds.pairs_of_others(fold), self._folds.others(fold)
            weights = list(fit_scores.fit(self._networks, self._given.straight, pairs).weights.values())
            self._fusions[fold] = fit_embedding.train(
                self._networks,
                fit_embedding.adapters_of(self._networks, weights, self._given, rows),
                self._given,
                rows,
                epochs=self._args.epochs,
                rate=self._args.lr,
                seed=self._args.seed,
                label="fused embedding" if fold < 0 else f"fused embedding, fold {fold + 1}",
            )
        return self._fusions[fold]


def subsets(networks: Sequence[ModelId]) -> list[Subset]:
    """All of two networks or more, the largest last."""
    return [some for size in range(2, len(networks) + 1) for some in combinations(networks, size)]


def main() -> None:
    """Train, judge, report; the run is on record, however it ends."""
    args = _arguments()
    only_first("train_fusion")
    with recorded(args.output_dir, "train_fusion", args) as run:
        _run(args, run)


def _run(args: argparse.Namespace, run: Run) -> None:
    zoo = Zoo(cache_dir=args.models_dir)
    try:
        pairs_file = args.pairs_file if args.pairs_file.exists() else args.data_root / args.pairs_file
        listed = read_pairs(pairs_file)
        networks = open_networks(zoo, args.networks, args.extra_weights)
        if len(networks) < 2:
            raise SystemExit(f"fusion needs two networks or more; there is only {networks[0].name}")
        run.reads(pairs_file, pictures_of(args.data_root))
        given = embed(args.data_root, open_detector(zoo), networks, args.output_dir / "embedded")
    except FaceKeyError as error:
        raise SystemExit(f"train_fusion: {error}") from error
    models = tuple(network.model for network in networks)
    folds = cut(given, listed)
    ways = Ways(given, folds, models, args)
    aspects = {f"spread of {short(model)}": ways.spreads(NO_FOLD)[model] for model in models}
    aspects |= {f"length of {short(model)}": given.lengths[model] for model in models}

    rows = []

    def add(kind: str, subset: Subset, way: Judge, *, ships: bool) -> None:
        verdict, compared = judge(way, given, folds, aspects)
        rows.append(Row(kind, tuple(map(short, subset)), ships, verdict, compared))
        at = verdict.fnmr["0.0001"]
        say(
            f"{kind:20s} {'+'.join(map(short, subset)):60s} accuracy {100 * verdict.accuracy.value:.2f} %, "
            f"FNMR at FMR 1e-4 {100 * at.value:.2f} %"
        )

    for model in models:
        add("alone", (model,), ways.alone(model), ships=True)
    for subset in subsets(models):
        add("scores", subset, ways.scores(subset), ships=True)
        add("embedding", subset, ways.embedding(subset), ships=True)
    add("scores less spreads", models, ways.less_spreads(models), ships=False)
    add("scores, with lengths", models, ways.with_lengths(models), ships=False)
    write_report(args.output_dir, rows, given, folds, settings=_settings(args, models))
    for row in rows:
        name = f"{row.kind.replace(' ', '_').replace(',', '')}.{'+'.join(row.networks)}"
        run.figure(f"{name}.accuracy", row.verdict.accuracy.value)
        run.figures_of({rate: share.value for rate, share in row.verdict.fnmr.items()}, f"{name}.fnmr.")
    run.plot(args.output_dir / "det.png", args.output_dir / "report.md")
    if args.install:
        every = subsets(models)
        file = install(
            zoo,
            given,
            folds,
            models,
            rows,
            fusion=ways.fusion(NO_FOLD),
            embeddings={subset: ways.embedding(subset) for subset in every},
        )
        run.made(file, file.with_name(NETWORK_FILE), file.with_name(POPULATION_FILE))


def short(model: ModelId) -> str:
    """Without the hash."""
    return model.partition(":")[0]


def _settings(args: argparse.Namespace, models: Subset) -> dict[str, object]:
    return {
        "networks": list(models),
        "epochs": args.epochs,
        "lr": args.lr,
        "seed": args.seed,
        "pairs_file": args.pairs_file.name,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data_root", required=True, type=Path, help="has <person>/<picture>.jpg")
    parser.add_argument("--pairs_file", required=True, type=Path, help="LFW's pairs.txt, or a table of pairs")
    parser.add_argument(
        "--output_dir", required=True, type=Path, help="for the report; vectors are kept here"
    )
    parser.add_argument("--epochs", type=_positive, default=20, help="of the embedding network")
    parser.add_argument("--lr", type=float, default=1e-4, help="of the embedding network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--networks", nargs="+", default=[], help="names; all that are there if none is given"
    )
    parser.add_argument("--extra_weights", type=Path, help="a folder with published networks without cards")
    parser.add_argument("--models_dir", type=Path, default=default_models_dir())
    parser.add_argument("--install", action="store_true", help="write models/weights/fusion.json")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be 1 or more")
    return number


if __name__ == "__main__":
    main()

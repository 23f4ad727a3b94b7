"""Train the liveness network: `python training/train_liveness.py --data_root D --output_dir O`.

1. Find the pictures, cut the faces out and tell whose they are, once.
2. Draw every picture in several forms and ask the teachers about each, once.
3. Lay the foundation: what all rounds begin with, learned from live people and simulated
   attacks alone, so that no labelled set has a part in it.
4. For each fold train a network without its sets, and without anybody who is in them, and
   judge it on them.
5. Train the network that ships on everything.
6. Write the report, the threshold and the calibration, then export the network.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.settings import default_models_dir
from training import liveness_report
from training.data.bank import Looks, look
from training.data.crops import CropSet, cut
from training.data.layout import SourceSet, discover, live_only
from training.data.people import strangers
from training.data.sampling import Cell, cells
from training.data.split import ALL, Fold, folds, people_kept
from training.evaluate.attack_rates import Scored
from training.export import export
from training.fit import CHECKPOINT, Recipe, fit, logits
from training.liveness_report import Round
from training.models.resnet18 import ResNet18
from training.networks import open_networks
from training.progress import bar, say

ATTACKED = 0.12  # share of the live forms of a labelled set that become simulated attacks
EXTRA_ATTACKED = 0.5  # of live people without attacks, so that the source gives no label away
EXTRA_WEIGHT = 0.75  # how often each of those is drawn for each label, against a labelled set
FOUNDATION = "foundation"


@dataclass(frozen=True, slots=True)
class Shown:
    """A set: its crops, and their forms."""

    crops: CropSet
    looks: Looks


@dataclass(frozen=True, slots=True)
class Material:
    """All pictures of a run.

    Attributes:
        labelled: sets with attacks.
        extra: live people to train on.
        bounding: other people of the same sets, who bound the threshold.
        judged: live people who are only judged.
    """

    labelled: tuple[Shown, ...]
    extra: tuple[Shown, ...]
    bounding: tuple[CropSet, ...]
    judged: tuple[CropSet, ...]


def main(arguments: list[str] | None = None) -> None:
    """Run all steps."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    recipe = Recipe(
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        seed=options.seed,
        width=options.width,
        epoch_samples=options.epoch_samples,
        bfloat16=options.bfloat16,
        started_from=options.start_from.name if options.start_from else "",
    )
    material = _material(options)
    rounds_to_run = folds(
        [shown.crops.name for shown in material.labelled],
        hold_out=[group.split(",") for group in options.hold_out],
        leave_one_out=options.leave_one_out,
    )
    if options.foundation_epochs:
        _lay(material, replace(recipe, epochs=options.foundation_epochs), options)
    if options.only:
        for fold in [*rounds_to_run, ALL]:
            if fold.name in options.only:
                _fit(fold, material, recipe, options)
        return
    rounds = []
    for fold in rounds_to_run:
        network = _fit(fold, material, recipe, options)
        rounds.append(_judge(fold, network, material))
        _keep_scores(rounds[-1], options.output_dir / fold.name / "scores.npz")
        export(network, options.output_dir / fold.name / "liveness_resnet18.onnx")
    network = _fit(ALL, material, recipe, options)
    last = _judge(ALL, network, material)
    _keep_scores(last, options.output_dir / ALL.name / "scores.npz")
    if rounds:
        say(liveness_report.write(options.output_dir, recipe, rounds, last))
    else:
        say("no set was held out, so nothing can be said about unseen cameras; see --leave_one_out")
    exported = export(network, options.output_dir / "liveness_resnet18.onnx")
    say(f"{exported.path}: {exported.size_bytes / 1e6:.1f} MB, off by {exported.max_error:.1e} at most")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the liveness network (ResNet-18).")
    add = parser.add_argument
    add("--data_root", type=Path, required=True, help="<set>/live and <set>/spoof, or live and spoof")
    add("--output_dir", type=Path, required=True, help="checkpoints, report, plots, ONNX")
    add("--batch_size", type=int, default=32)
    add("--epochs", type=int, default=50)
    add("--lr", type=float, default=0.001)
    add("--epoch_samples", type=int, default=6400, help="pictures shown in an epoch")
    add("--width", type=int, default=32, help="channels of the first stage; 64 is the paper's network")
    add("--seed", type=int, default=1)
    add("--extra_live", type=Path, action="append", default=[], help="more live people to train on")
    add("--extra_share", type=float, default=0.6, help="share of those people trained on")
    add("--judge_live", type=Path, action="append", default=[], help="live people, judged only")
    add("--never_train", action="append", default=[], help="a person of --extra_live to judge only")
    add("--hold_out", action="append", default=[], metavar="SET[,SET]", help="sets that leave together")
    add("--leave_one_out", action="store_true", help="let every other set leave by itself")
    add("--only", action="append", default=[], help="train this round only, such as all; --resume joins them")
    add("--resume", action="store_true", help="go on from the checkpoints in --output_dir")
    add("--start_from", type=Path, help="a run's --output_dir; each round begins with its weights there")
    add("--threads", type=int, default=os.cpu_count() or 1)
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes that draw and ask the teachers")
    add(
        "--teachers",
        type=Path,
        help="folder of published spoof detectors to learn from; see training/teachers.py",
    )
    add("--foundation_epochs", type=int, default=0, help="epochs on live people and simulated attacks alone")
    add(
        "--models_dir",
        type=Path,
        default=default_models_dir(),
        help="where the product's networks are, or are fetched to",
    )
    add("--cache_dir", type=Path, default=Path(".cache/crops"), help="face crops; they show people")
    add("--bfloat16", action=argparse.BooleanOptionalAction, default=True, help="faster on recent CPUs")
    return parser.parse_args(arguments)


def _material(options: argparse.Namespace) -> Material:
    """Steps 1 and 2."""
    networks = open_networks(options.models_dir)

    def crops_of(source: SourceSet) -> CropSet:
        progress = partial(bar, label=source.name, total=len(source.pictures))
        crops = cut(source, networks, cache_dir=options.cache_dir, track=progress)
        live = int(crops.live.sum())
        say(f"{crops.name}: {live} live, {len(crops.live) - live} spoof, {crops.dropped} without a face")
        return crops

    def shown(crops: CropSet, attacked: float) -> Shown:
        looks = look(
            crops,
            attacked=attacked,
            seed=options.seed,
            teachers=options.teachers,
            cache_dir=options.cache_dir,
            workers=max(1, options.workers),
            track=lambda chunks, count: bar(chunks, f"{crops.name}, asking the teachers", count),
        )
        return Shown(crops, looks)

    labelled = tuple(shown(crops_of(source), ATTACKED) for source in discover(options.data_root))
    judged = [crops_of(live_only(folder)) for folder in options.judge_live]
    extra, bounding = [], []
    never = frozenset(options.never_train)
    for folder in options.extra_live:
        crops = crops_of(live_only(folder))
        trained = people_kept(crops, share=options.extra_share, never=never)
        used = people_kept(crops, share=(1 + options.extra_share) / 2, never=never)
        extra.append(shown(crops.only(trained), EXTRA_ATTACKED))
        bounding.append(crops.only(used & ~trained))
        judged.append(crops.only(~used))
    return Material(labelled, tuple(extra), tuple(bounding), tuple(judged))


def _lay(material: Material, recipe: Recipe, options: argparse.Namespace) -> None:
    """Step 3."""
    if not material.extra:
        raise SystemExit("a foundation is laid on live people without attacks: give --extra_live")
    _train(FOUNDATION, _extra_cells(material), recipe, None, options)


def _fit(fold: Fold, material: Material, recipe: Recipe, options: argparse.Namespace) -> ResNet18:
    """Steps 4 and 5: one network."""
    held_out = [shown.crops for shown in material.labelled if shown.crops.name in fold.held_out]
    source = _extra_cells(material)
    for shown in material.labelled:
        if shown.crops.name not in fold.held_out:
            keep = strangers(shown.crops, held_out)
            if not keep.all():
                say(f"{fold.name}: {(~keep).sum()} of {len(keep)} of {shown.crops.name} show the same people")
            source += cells(shown.looks, keep)
    start = None
    if options.foundation_epochs:
        start = options.output_dir / FOUNDATION / CHECKPOINT
    if options.start_from:
        start = options.start_from / fold.name / CHECKPOINT
    return _train(fold.name, source, recipe, start, options)


def _extra_cells(material: Material) -> list[Cell]:
    found: list[Cell] = []
    for shown in material.extra:
        found += cells(shown.looks, np.ones(len(shown.crops.live), bool), weight=EXTRA_WEIGHT)
    return found


def _train(
    name: str, source: list[Cell], recipe: Recipe, start: Path | None, options: argparse.Namespace
) -> ResNet18:
    folder = options.output_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    return fit(
        source,
        recipe,
        folder,
        resume=options.resume,
        start=start,
        track=lambda steps, number, count: bar(steps, f"{name}, epoch {number + 1}", count),
        say=lambda line: say(f"{name}: {line}"),
    )


def _judge(fold: Fold, network: ResNet18, material: Material) -> Round:
    def scored(sets: Iterable[CropSet]) -> tuple[Scored, ...]:
        return tuple(
            Scored(crops.name, logits(network, crops.middle()), crops.live)
            for crops in sets
            if len(crops.live)
        )

    held_out = [shown.crops for shown in material.labelled if shown.crops.name in fold.held_out]
    return Round(fold.name, scored(held_out), scored(material.bounding), scored(material.judged))


def _keep_scores(one: Round, path: Path) -> None:
    """Keep what a network said, for the authentication head and for looking closer."""
    scored = [*one.held_out, *one.bounding, *one.live]
    if scored:
        np.savez(
            path,
            sets=np.concatenate([np.full(len(some.live), some.name) for some in scored]),
            logits=np.concatenate([some.logits for some in scored]),
            live=np.concatenate([some.live for some in scored]),
        )


if __name__ == "__main__":
    main()

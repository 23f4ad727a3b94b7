"""What liveness networks are trained on and judged on: found, cut and drawn once for all of them."""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from facekey.settings import default_models_dir
from training.data.bank import Looks, look
from training.data.crops import CropSet, cut
from training.data.layout import SourceSet, discover, live_only
from training.data.people import strangers
from training.data.sampling import Cell, cells
from training.data.split import Fold, people_kept
from training.networks import open_networks
from training.progress import bar, say

ATTACKED = 0.12  # share of the live forms of a labelled set that become simulated attacks
EXTRA_ATTACKED = 0.5  # of live people without attacks, so that the source gives no label away
EXTRA_WEIGHT = 0.75  # how often each of those is drawn for each label, against a labelled set


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


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to train on and what to judge."""
    add = parser.add_argument
    add(
        "--data_root",
        type=Path,
        required=True,
        help="sets as data/README.md lays them out",
    )
    add("--output_dir", type=Path, required=True, help="checkpoints, report, plots, ONNX")
    add("--extra_live", type=Path, action="append", default=[], help="more live people to train on")
    add("--extra_share", type=float, default=0.6, help="share of those people trained on")
    add("--judge_live", type=Path, action="append", default=[], help="live people, judged only")
    add("--never_train", action="append", default=[], help="a person of --extra_live to judge only")
    add("--hold_out", action="append", default=[], metavar="SET[,SET]", help="sets that leave together")
    add("--leave_one_out", action="store_true", help="let every other set leave by itself")
    add("--seed", type=int, default=1)
    add(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes that draw and ask; 0 for this one"
    )
    add("--threads", type=int, default=os.cpu_count() or 1)
    add(
        "--models_dir",
        type=Path,
        default=default_models_dir(),
        help="where the product's networks are kept",
    )
    add("--cache_dir", type=Path, default=Path(".cache/crops"), help="face crops; they show people")


def places_of(options: argparse.Namespace) -> list[Path]:
    """The folders that `gather` reads."""
    teachers = [options.teachers] if options.teachers is not None else []
    return [options.data_root, *options.extra_live, *options.judge_live, *teachers]


def gather(options: argparse.Namespace) -> Material:
    """Find the pictures, cut the faces out, draw the forms and ask the teachers; all of it once.

    Args:
        options: those of `add_options`, with `teachers`, `seed` and `workers`.
    """
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
            workers=options.workers,
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


def seen_cells(fold: Fold, material: Material, say: Callable[[str], None] = lambda _line: None) -> list[Cell]:
    """All that a round may see: no held-out set, and nobody who is in one."""
    held_out = [shown.crops for shown in material.labelled if shown.crops.name in fold.held_out]
    source = extra_cells(material)
    for shown in material.labelled:
        if shown.crops.name not in fold.held_out:
            keep = strangers(shown.crops, held_out)
            if not keep.all():
                say(f"{fold.name}: {(~keep).sum()} of {len(keep)} of {shown.crops.name} show the same people")
            source += cells(shown.looks, keep)
    return source


def extra_cells(material: Material) -> list[Cell]:
    """Live people without attacks, and the attacks simulated from them: no labelled set."""
    found: list[Cell] = []
    for shown in material.extra:
        found += cells(shown.looks, np.ones(len(shown.crops.live), bool), weight=EXTRA_WEIGHT)
    return found

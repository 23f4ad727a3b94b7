"""Train the liveness network: `python training/train_liveness.py --data_root D --output_dir O`.

1. Find the pictures, cut the faces out and tell whose they are, once.
2. Draw every picture in several forms and ask the teachers about each, once.
3. Lay the foundation: what all rounds begin with, learned from live people and simulated
   attacks alone, so that no labelled set has a part in it.
4. For each fold train a network without its sets, and without anybody who is in them, and
   judge it on them.
5. Train the network that ships on everything.
6. Write the report, the threshold and the calibration, then export the network.

With several GPUs: `torchrun --nproc_per_node=4 training/train_liveness.py ...`, the same options.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import cv2
import torch

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training import liveness_report
from training.data.sampling import Cell
from training.data.split import ALL, Fold, folds
from training.export import export
from training.fit import CHECKPOINT, Recipe, fit, logits
from training.material import Material, add_options, extra_cells, gather, places_of, seen_cells
from training.models.resnet18 import ResNet18
from training.parallel import Place, first_alone, together, wait
from training.progress import bar, say
from training.record import Run, recorded
from training.rounds import Round, judge_round, keep

FOUNDATION = "foundation"


def main(arguments: list[str] | None = None) -> None:
    """Run all steps."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    with together() as place, recorded(options.output_dir, "train_liveness", options) as run:
        run.reads(*places_of(options), options.start_from and options.start_from / ALL.name / CHECKPOINT)
        _run(options, place, run)


def _run(options: argparse.Namespace, place: Place, run: Run) -> None:
    recipe = Recipe(
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        seed=options.seed,
        width=options.width,
        epoch_samples=options.epoch_samples,
        colour=options.colour,
        bfloat16=options.bfloat16,
        started_from=options.start_from.name if options.start_from else "",
    )
    with first_alone():  # it cuts the crops and asks the teachers; the others find that done
        material = gather(options)
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
        if place.first:
            rounds.append(_judge(fold, network, material, options))
    network = _fit(ALL, material, recipe, options)
    if place.first:
        last = _judge(ALL, network, material, options)
        _write(network, recipe, rounds, last, options=options, run=run)
    wait()


def _judge(fold: Fold, network: ResNet18, material: Material, options: argparse.Namespace) -> Round:
    """What a network says of all that it never saw, kept beside the network."""
    judged = judge_round(fold, partial(logits, network), material)
    keep(judged, options.output_dir / fold.name)
    export(network, options.output_dir / fold.name / f"{options.name}.onnx")
    return judged


def _write(
    network: ResNet18,
    recipe: Recipe,
    rounds: list[Round],
    last: Round,
    *,
    options: argparse.Namespace,
    run: Run,
) -> None:
    """Step 6."""
    if rounds:
        say(liveness_report.write(options.output_dir, asdict(recipe), rounds, last))
        report = options.output_dir / "report.json"
        run.figures_of(json.loads(report.read_text(encoding="utf-8")))
        run.plot(report, options.output_dir / "report.md", options.output_dir / "curves.png")
    else:
        say("no set was held out, so nothing can be said about unseen cameras; see --leave_one_out")
    exported = export(network, options.output_dir / f"{options.name}.onnx")
    run.made(exported.path)
    say(f"{exported.path}: {exported.size_bytes / 1e6:.1f} MB, off by {exported.max_error:.1e} at most")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the liveness network (ResNet-18).")
    add_options(parser)
    add = parser.add_argument
    add("--batch_size", type=int, default=32)
    add("--epochs", type=int, default=50)
    add("--lr", type=float, default=0.001)
    add("--epoch_samples", type=int, default=6400, help="pictures shown in an epoch")
    add("--width", type=int, default=32, help="channels of the first stage; 64 is the paper's network")
    add("--colour", action="store_true", help="also show pictures as they are; --name it differently")
    add("--name", default="liveness_resnet18", help="of the ONNX file")
    add("--teachers", type=Path, help="published spoof detectors to learn from; see training/teachers.py")
    add("--foundation_epochs", type=int, default=0, help="epochs on live people and simulated attacks alone")
    add("--only", action="append", default=[], help="train this round only, such as all; --resume joins them")
    add("--resume", action="store_true", help="go on from the checkpoints in --output_dir")
    add("--start_from", type=Path, help="a run's --output_dir; each round begins with its weights there")
    add("--bfloat16", action=argparse.BooleanOptionalAction, default=True, help="faster on recent CPUs")
    return parser.parse_args(arguments)


def _lay(material: Material, recipe: Recipe, options: argparse.Namespace) -> None:
    """Step 3."""
    if not material.extra:
        raise SystemExit("a foundation is laid on live people without attacks: give --extra_live")
    _train(FOUNDATION, extra_cells(material), recipe, None, options)


def _fit(fold: Fold, material: Material, recipe: Recipe, options: argparse.Namespace) -> ResNet18:
    """Steps 4 and 5: one network."""
    start = None
    if options.foundation_epochs:
        start = options.output_dir / FOUNDATION / CHECKPOINT
    if options.start_from:
        start = options.start_from / fold.name / CHECKPOINT
    return _train(fold.name, seen_cells(fold, material, say), recipe, start, options)


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


if __name__ == "__main__":
    main()

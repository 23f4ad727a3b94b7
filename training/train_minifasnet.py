"""Train the second liveness network: `python training/train_minifasnet.py --data_root D --output_dir O`.

It begins with two published networks that learned from far more pictures than are at hand,
and sees colour and haze, which the ResNet-18 is kept from seeing. The two err differently;
the product takes the mean of their log-odds.

1. Find the pictures, cut the faces out and draw their forms, as `train_liveness.py` does.
2. Teach both trunks further, gently, on live people and simulated attacks, no labelled set: to
   foretell what a third published network says, and to go on seeing what they saw. One pair
   of trunks serves all rounds. Nobody tells them which is live: that made them worse.
3. Write down what they see in every picture, as it is: augmentation and simulated attacks
   would teach the last layer colours that some cameras have by themselves.
4. For each fold fit the last layer without its sets, and without anybody who is in them, and
   judge it on them; then the one that ships, on everything.
5. Write the report, the threshold and the calibration, then export the network.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn.functional import smooth_l1_loss
from torch.optim import AdamW

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.types import Floats, ModelId, Pixels
from facekey.zoo.onnx import OnnxSession
from training import liveness_report
from training.data.crops import CROP_PX
from training.data.people import strangers
from training.data.sampling import FULL_PICTURES, Epoch
from training.data.split import ALL, Fold, folds
from training.export_minifasnet import FEATURES, build
from training.fit import Scale
from training.material import EXTRA_WEIGHT, Material, Shown, add_options, extra_cells, gather, places_of
from training.models.minifasnet import Decision, MiniFasNets
from training.models.resnet18 import to_input
from training.parallel import only_first
from training.progress import bar, say
from training.record import Run, recorded
from training.rounds import judge_round, keep
from training.teachers import Teachers, published

BATCH = 32
NAME = "liveness_minifasnet"
TRUNKS = ("minifasnet_v2", "minifasnet_v1se")
MAX_ANSWER = 4.0
LOOK_BATCH = 64
HEAD_LR = 1e-3


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the trunks are taught and the last layer is fitted.

    Attributes:
        steps: of 32 pictures each.
        ridge: pull of the last layer's weights towards 0.
    """

    steps: int
    lr: float
    ridge: float
    seed: int


def main(arguments: list[str] | None = None) -> None:
    """Run all steps."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    options.teachers = options.published  # what they said of every form is what is taught
    only_first("train_minifasnet")  # a hundred steps: the others would wait longer for each other
    with recorded(options.output_dir, "train_minifasnet", options) as run:
        run.reads(*places_of(options))
        _run(options, run)


def _run(options: argparse.Namespace, run: Run) -> None:
    recipe = Recipe(options.steps, options.lr, options.ridge, options.seed)
    material = gather(options)
    network = _taught(material, recipe, options)
    looked = _look(network, material)

    rounds = []
    named = [shown.crops.name for shown in material.labelled]
    groups = [group.split(",") for group in options.hold_out]
    for fold in folds(named, hold_out=groups, leave_one_out=options.leave_one_out):
        network.decision.load(_decide(fold, material, looked, recipe))
        rounds.append(judge_round(fold, partial(_logits, network), material))
        _ship(network, options.output_dir / fold.name)
        keep(rounds[-1], options.output_dir / fold.name)
    network.decision.load(_decide(ALL, material, looked, recipe))
    last = judge_round(ALL, partial(_logits, network), material)
    _ship(network, options.output_dir / ALL.name)
    keep(last, options.output_dir / ALL.name)
    size = _ship(network, options.output_dir)
    if rounds:
        say(liveness_report.write(options.output_dir, asdict(recipe), rounds, last))
        report = options.output_dir / "report.json"
        run.figures_of(json.loads(report.read_text(encoding="utf-8")))
        run.plot(report, options.output_dir / "report.md", options.output_dir / "curves.png")
    run.made(options.output_dir / f"{NAME}.onnx")
    say(f"{options.output_dir / NAME}.onnx: {size / 1e6:.1f} MB")


def _taught(material: Material, recipe: Recipe, options: argparse.Namespace) -> MiniFasNets:
    """Step 2."""
    files = published(options.published)
    network = MiniFasNets([files[name] for name in TRUNKS], crop_px=CROP_PX)
    checkpoint = options.output_dir / "trunks.pt"
    if checkpoint.exists() and options.resume:
        stored = torch.load(checkpoint, weights_only=True)
        if stored["recipe"] != repr(recipe):
            raise SystemExit(f"{checkpoint} was made with {stored['recipe']}, not {recipe!r}")
        network.load_state_dict(stored["network"])
        return network.eval()
    source = extra_cells(material)
    if not source:
        raise SystemExit("the trunks are taught on live people without attacks: give --extra_live")
    scale = Scale.of(source)
    columns = Teachers(options.published).columns
    own = np.concatenate([columns[name].inner for name in TRUNKS])
    others = np.concatenate([place.all for name, place in columns.items() if name not in TRUNKS] or [own])
    foretell = nn.Linear(network.features, len(others))
    trunks = list(network.trunks.parameters())
    optimizer = AdamW([{"params": trunks, "lr": recipe.lr}, {"params": foretell.parameters(), "lr": HEAD_LR}])
    epoch = Epoch.draw(source, seed=recipe.seed, number=0, length=recipe.steps * BATCH)
    deviation = torch.from_numpy(scale.deviation[own])
    for step in bar(range(recipe.steps), "teaching the trunks", recipe.steps):
        batch = epoch.batch(step * BATCH, BATCH)
        said = np.clip((batch.answers - scale.mean) / scale.deviation, -MAX_ANSWER, MAX_ANSWER)
        seen = network.describe(to_input(torch.from_numpy(batch.pixels)))
        before = torch.from_numpy(batch.answers[:, own])
        other = smooth_l1_loss(foretell(seen), torch.from_numpy(said[:, others]))
        loss = other + smooth_l1_loss(seen / deviation, before / deviation)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trunks, 1.0)
        optimizer.step()
        if step % 20 == 0:
            say(f"step {step}/{recipe.steps}  loss {float(loss.detach()):.4f}")
    options.output_dir.mkdir(parents=True, exist_ok=True)
    torch.save({"recipe": repr(recipe), "network": network.state_dict()}, checkpoint)
    return network.eval()


def _look(network: MiniFasNets, material: Material) -> dict[str, Floats]:
    """Step 3: by set, (pictures, features) float32."""
    session = OnnxSession(build(network, features=True), model_id=ModelId(NAME))
    shown: Sequence[Shown] = [*material.labelled, *material.extra]
    found = {}
    for one in shown:
        pixels = one.crops.middle()
        starts = range(0, len(pixels), LOOK_BATCH)
        found[one.crops.name] = np.concatenate(
            [
                session.run(np.ascontiguousarray(pixels[start : start + LOOK_BATCH]))[FEATURES]
                for start in bar(starts, f"{one.crops.name}: what the trunks see", len(starts))
            ]
        )
    return found


def _decide(fold: Fold, material: Material, looked: dict[str, Floats], recipe: Recipe) -> Decision:
    """Step 4: the last layer, by logistic regression; every set and label counts the same."""
    held_out = [shown.crops for shown in material.labelled if shown.crops.name in fold.held_out]
    groups = [(shown, EXTRA_WEIGHT) for shown in material.extra]
    groups += [(shown, 1.0) for shown in material.labelled if shown.crops.name not in fold.held_out]
    seen, live, weight = [], [], []
    for shown, worth in groups:
        crops = shown.crops
        keep_these = strangers(crops, held_out)
        for label in (True, False):
            rows = np.flatnonzero(keep_these & (crops.live == label))
            if len(rows):
                seen.append(looked[crops.name][rows])
                live.append(np.full(len(rows), label))
                share = min(1.0, len(rows) / FULL_PICTURES)
                weight.append(np.full(len(rows), worth * share / len(rows)))
    total = np.concatenate(weight)
    return Decision.fit(np.concatenate(seen), np.concatenate(live), total / total.sum(), ridge=recipe.ridge)


def _logits(network: MiniFasNets, pixels: Pixels) -> Floats:
    session = OnnxSession(build(network), model_id=ModelId(NAME))
    starts = range(0, len(pixels), LOOK_BATCH)
    found = [
        session.run(np.ascontiguousarray(pixels[start : start + LOOK_BATCH]))[0][:, 0] for start in starts
    ]
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _ship(network: MiniFasNets, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    data = build(network, half=True)
    (folder / f"{NAME}.onnx").write_bytes(data)
    return len(data)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_options(parser)
    parser.add_argument("--published", type=Path, required=True, help="the published networks' ONNX files")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--ridge", type=float, default=3e-3)
    parser.add_argument("--resume", action="store_true", help="take the trunks in --output_dir")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

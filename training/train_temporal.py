"""Train the temporal network: `python training/train_temporal.py --recordings D --output_dir O`.

1. Cut windows out of the recordings that `record_sequences.py` made.
2. For each fold train a network without its sets and photos, and judge it on them.
3. Train the network that ships on everything.
4. Write the report, the calibration, and the network as ONNX.

With several processes: `torchrun --nproc_per_node=2 training/train_temporal.py ...`, the same options.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.parallel import DistributedDataParallel

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.types import Floats
from facekey.vision.liveness.motion import FEATURES
from training import temporal_report
from training.data.sequences import Window, doubtful_cnn, sources, windows
from training.data.split import ALL, Fold, folds
from training.export_temporal import export
from training.models.temporal_lstm import TemporalLstm
from training.parallel import Place, here, together, wait
from training.progress import bar, say
from training.record import Run, recorded
from training.record_sequences import RECAPTURED, REPLAY, load_recordings
from training.temporal_report import Judged

PHOTO = "photo-"  # sources that are single photos begin with it
CHECKPOINT = "checkpoint.pt"
SMOOTHING = 0.03  # a live person may hold still, and a picture's jitter may look like life
JUDGED_EACH = 4  # windows of a recording that are judged
FILMED_SHARE = 0.5  # of what is drawn in an epoch; there are fewer filmed sequences than drawn ones


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides how a network is trained; stored with it, and compared on resume.

    Attributes:
        video_weight: what an attack that was filmed counts. Most of them replay a video of a
            living person, and by movement alone that can't be told from the person: to be
            told that it is one only makes the network doubt people.
    """

    epochs: int
    epoch_windows: int
    batch_size: int
    lr: float
    seed: int
    hidden: int
    windows_each: int
    video_weight: float


class RecipeChanged(ValueError):
    """A run can't go on with another recipe than it was started with."""


def main(arguments: list[str] | None = None) -> None:
    """Run all four steps."""
    given = _options(arguments)
    torch.set_num_threads(given.threads)
    with together() as place, recorded(given.output_dir, "train_temporal", given) as run:
        run.reads(given.recordings)
        _run(given, place, run)


def _run(given: argparse.Namespace, place: Place, run: Run) -> None:
    recipe = Recipe(
        epochs=given.epochs,
        epoch_windows=given.epoch_windows,
        batch_size=given.batch_size,
        lr=given.lr,
        seed=given.seed,
        hidden=given.hidden,
        windows_each=given.windows_each,
        video_weight=given.video_weight,
    )
    recordings = load_recordings(given.recordings)
    shown = bar(recordings, "cutting windows", len(recordings))
    cut = windows(shown, of_each=recipe.windows_each, seed=recipe.seed)
    judged_cut = windows(recordings, of_each=JUDGED_EACH, seed=recipe.seed + 1)
    names = [name for name in sources(cut) if not name.startswith(PHOTO)]
    groups = [group.split(",") for group in given.hold_out]
    rounds = folds(names, hold_out=groups, leave_one_out=given.leave_one_out)
    judged = []
    for number, fold in enumerate(rounds):
        left = [window for window in cut if not _leaves(window, fold, number, len(rounds))]
        network = fit(left, recipe, given.output_dir / fold.name, resume=given.resume)
        if not place.first:
            continue
        _write_onnx(network, given.output_dir / fold.name)
        away = [window for window in judged_cut if _leaves(window, fold, number, len(rounds))]
        judged.append(Judged(fold.name, tuple(away), logits(network, away)))
    network = fit(cut, recipe, given.output_dir / ALL.name, resume=given.resume)
    if place.first:
        if judged:
            say(temporal_report.write(given.output_dir, recipe, judged))
            report = given.output_dir / "report.json"
            run.figures_of(json.loads(report.read_text(encoding="utf-8")))
            run.plot(report, given.output_dir / "report.md", given.output_dir / "curves.png")
        exported = _write_onnx(network, given.output_dir)
        run.made(exported)
        say(str(exported))
    wait()


def fit(cut: Sequence[Window], recipe: Recipe, folder: Path, *, resume: bool) -> TemporalLstm:
    """Train on these windows.

    Raises:
        RecipeChanged: the folder's checkpoint belongs to another recipe.
        ValueError: the batch can't be split evenly among the processes.
    """
    place = here()
    part = place.share(recipe.batch_size)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = TemporalLstm(features=len(FEATURES), hidden=recipe.hidden)
    _learn_scale(network, cut)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.lr, weight_decay=0.01)
    steps = max(1, recipe.epoch_windows // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.epochs * steps, pct_start=0.1
    )
    if place.rank:
        torch.manual_seed(recipe.seed + place.rank)  # what is dropped out differs
    checkpoint, first = folder / CHECKPOINT, 0
    if resume and checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        if stored["recipe"] != repr(recipe):
            raise RecipeChanged(f"{checkpoint} was made with {stored['recipe']}, not {recipe!r}")
        network.load_state_dict(stored["network"])
        optimizer.load_state_dict(stored["optimizer"])
        schedule.load_state_dict(stored["schedule"])
        if place.first:
            torch.set_rng_state(stored["rng"])
        first = int(stored["epochs_done"])
    learner = DistributedDataParallel(network) if place.count > 1 else network
    chances, weights = _chances(cut), _weights(cut, recipe.video_weight)
    for epoch in range(first, recipe.epochs):
        rng = np.random.default_rng([recipe.seed, epoch])
        losses = []
        network.train()
        for _ in bar(range(steps), f"{folder.name}, epoch {epoch + 1}", steps):
            chosen = rng.choice(len(cut), recipe.batch_size, p=chances)
            rows, lengths = _batch([cut[index] for index in chosen], rng)
            live = torch.tensor([float(cut[index].live) for index in chosen])[part]
            target = live * (1 - 2 * SMOOTHING) + SMOOTHING
            answer = learner(rows[part], lengths[part])
            counts = torch.from_numpy(weights[chosen])[part]
            loss = binary_cross_entropy_with_logits(answer, target, weight=counts)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        say(f"{folder.name}: epoch {epoch + 1}/{recipe.epochs}  loss {np.mean(losses):.4f}")
        state = {
            "recipe": repr(recipe),
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "rng": torch.get_rng_state(),
            "epochs_done": epoch + 1,
        }
        if place.first:
            _keep(checkpoint, state)
        wait()
    return network.eval()


def logits(network: TemporalLstm, cut: Sequence[Window]) -> Floats:
    """The network's answers by movement alone, the liveness network undecided: (N,) float32."""
    with torch.inference_mode():
        found = [
            network(torch.from_numpy(window.rows)[None], torch.tensor([len(window.rows)])) for window in cut
        ]
    return torch.cat(found).numpy() if found else np.zeros(0, np.float32)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the temporal network (LSTM).")
    add = parser.add_argument
    add("--recordings", type=Path, required=True, help="made by record_sequences.py")
    add("--output_dir", type=Path, required=True, help="checkpoints, report, plots, ONNX")
    add("--epochs", type=int, default=14)
    add("--epoch_windows", type=int, default=4096, help="windows shown in an epoch")
    add("--batch_size", type=int, default=64)
    add("--lr", type=float, default=0.003)
    add("--hidden", type=int, default=48)
    add("--windows_each", type=int, default=10, help="windows cut from each recording")
    add("--video_weight", type=float, default=0.0, help="what a filmed attack counts beside the rest")
    add("--seed", type=int, default=1)
    add("--hold_out", action="append", default=[], metavar="SET[,SET]", help="sets that leave together")
    add("--leave_one_out", action="store_true", help="let every other set leave by itself")
    add("--resume", action="store_true", help="go on from the checkpoints in --output_dir")
    add("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def _leaves(window: Window, fold: Fold, number: int, count: int) -> bool:
    """Whether a window is judged in this round; each photo leaves in one of them."""
    if not window.source.startswith(PHOTO):
        return window.source in fold.held_out
    return hashlib.sha256(window.source.encode()).digest()[0] % count == number


def _chances(cut: Sequence[Window]) -> NDArray[np.float64]:
    """How often each window is drawn: both labels alike, and in each the sources alike."""
    keys = [(window.live, window.drawn, window.source, window.attack) for window in cut]
    chances = np.zeros(len(cut))
    for live in (True, False):
        kinds = sorted({key[1] for key in keys if key[0] == live})
        for drawn in kinds:
            share = 1.0 if len(kinds) == 1 else 1 - FILMED_SHARE if drawn else FILMED_SHARE
            here = sorted({key for key in keys if key[:2] == (live, drawn)})
            for key in here:
                same = np.array([other == key for other in keys])
                chances[same] = share / len(here) / same.sum()
    return chances / chances.sum()


def _weights(cut: Sequence[Window], video_weight: float) -> Floats:
    filmed = [window.attack in (RECAPTURED, REPLAY) for window in cut]
    return np.where(filmed, video_weight, 1.0).astype(np.float32)


def _batch(chosen: Sequence[Window], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(window.rows) for window in chosen)
    rows = np.zeros((len(chosen), longest, len(FEATURES)), np.float32)
    for place, window in enumerate(chosen):
        rows[place, : len(window.rows)] = window.rows
        rows[place, : len(window.rows), -1] = doubtful_cnn(window.live, len(window.rows), rng)
    return torch.from_numpy(rows), torch.tensor([len(window.rows) for window in chosen])


def _learn_scale(network: TemporalLstm, cut: Sequence[Window]) -> None:
    every = np.concatenate([window.rows for window in cut])
    mean, spread = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-2)
    mean[-1], spread[-1] = 0.0, 0.5  # the empty column: see `doubtful_cnn`
    network.mean = torch.from_numpy(mean)
    network.scale = torch.from_numpy(1.0 / spread)


def _write_onnx(network: TemporalLstm, folder: Path) -> Path:
    path = folder / "liveness_temporal.onnx"
    export(network, path)
    return path


def _keep(checkpoint: Path, state: dict[str, object]) -> None:
    """Write the checkpoint aside and rename it, so that there is always a whole one."""
    partial = checkpoint.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(checkpoint)


if __name__ == "__main__":
    main()

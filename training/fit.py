"""Train one liveness network: seeded, averaged, and able to go on where it was broken off.

Two things are learned at once: what the teachers say of a picture, and whether it is
live. What the network looks for is shaped mostly by the first, because that carries over
to cameras nobody has seen; labels of a handful of sets, left to themselves, teach it those
sets' light.

Several processes (`training.parallel`) split each batch. They train what one would: only the
norms of a GPU's part of a batch would see less of it, so on GPUs they are synchronised.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW

from facekey.core.types import Floats, Pixels
from training.data.sampling import Batch, Cell, Epoch
from training.models.resnet18 import Pupil, ResNet18, to_input
from training.parallel import Place, here, wait

CHECKPOINT = "checkpoint.pt"
WARM_UP_SHARE = 0.05  # of all steps, the learning rate rising from 0
LOGIT_PENALTY = 0.002  # keeps scores of unseen cameras from being sure of themselves
MAX_ANSWER = 4.0  # deviations; a teacher's outlier must not outweigh a batch
JUDGE_BATCH = 128


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and deviation of each of the teachers' answers, each (T,) float32."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, source: Sequence[Cell]) -> "Scale":
        """Measured over the forms that may be trained on."""
        answers = np.concatenate([cell.looks.answers[cell.rows] for cell in source]).astype(np.float32)
        return cls(answers.mean(axis=0), answers.std(axis=0) + np.float32(1e-3))


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides how a network is trained; stored with it, and compared on resume.

    Attributes:
        epoch_samples: pictures an epoch.
        colour: also show the pictures as they are, not only evened out.
        smoothing: labels are `smoothing` and 1 - `smoothing`: some of the labels are wrong.
        ema_steps: how many steps the averaged weights look back, about.
        teaching: weight of the teachers' answers beside the labels.
        label_share: how much of the labels' gradient reaches what the network looks for;
            the rest of it only moves the last layer. 1 where there are no teachers.
        bfloat16: compute in 16 bits where it is safe; twice as fast where the CPU can.
        started_from: the run whose weights these went on from; empty for random ones.
    """

    epochs: int
    batch_size: int
    lr: float
    seed: int
    width: int
    epoch_samples: int
    colour: bool = False
    weight_decay: float = 0.05
    smoothing: float = 0.05
    ema_steps: int = 200
    teaching: float = 2.0
    label_share: float = 0.3
    bfloat16: bool = True
    started_from: str = ""


class RecipeChanged(ValueError):
    """A run can't go on with another recipe than it was started with."""


def fit(
    source: Sequence[Cell],
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool,
    start: Path | None = None,
    track: Callable[[Iterable[int], int, int], Iterable[int]] = lambda it, *_: it,
    say: Callable[[str], None] = print,
) -> ResNet18:
    """Train on the cells and give the network with averaged weights.

    Args:
        source: what to train on.
        recipe: how.
        folder: where the checkpoint is kept, one an epoch.
        resume: go on from the folder's checkpoint if there is one.
        start: a checkpoint whose averaged weights to begin with.
        track: wraps the steps of an epoch to show progress: (steps, epoch, how many).
        say: takes one line an epoch.

    Raises:
        RecipeChanged: the checkpoint belongs to another recipe.
        ValueError: the batch can't be split evenly among the processes.
    """
    place, device = here(), fastest()
    torch.manual_seed(recipe.seed)  # the same weights to begin with in every process
    answers = source[0].looks.answers.shape[1]
    pupil = Pupil(ResNet18(width=recipe.width, colour=recipe.colour), answers)
    scale = Scale.of(source)
    if start is not None:
        stored = torch.load(start, weights_only=True)
        pupil.load_state_dict(stored["average"])
        scale = Scale(*(value.numpy() for value in stored["scale"]))
    pupil = pupil.to(device=device, memory_format=torch.channels_last)
    average = deepcopy(pupil).eval()
    optimizer = AdamW(_groups(pupil, recipe.weight_decay), lr=recipe.lr)
    steps_per_epoch = recipe.epoch_samples // recipe.batch_size
    first = 0
    checkpoint = folder / CHECKPOINT
    if place.rank:
        torch.manual_seed(recipe.seed + place.rank)  # what is dropped out differs
    if resume and checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True, map_location="cpu")
        if stored["recipe"] != repr(recipe):
            raise RecipeChanged(f"{checkpoint} was made with {stored['recipe']}, not {recipe!r}")
        pupil.load_state_dict(stored["network"])
        average.load_state_dict(stored["average"])
        optimizer.load_state_dict(stored["optimizer"])
        if place.rank < len(stored["rng"]):  # more processes than before begin theirs anew
            torch.set_rng_state(stored["rng"][place.rank])
        first = int(stored["epochs_done"])
    learner = _distributed(pupil, place, device)
    part = place.share(recipe.batch_size)
    for number in range(first, recipe.epochs):
        epoch = Epoch.draw(
            source, seed=recipe.seed, number=number, length=steps_per_epoch * recipe.batch_size
        )
        pupil.train()
        losses = []
        for index in track(range(steps_per_epoch), number, steps_per_epoch):
            step = number * steps_per_epoch + index
            _set_rate(optimizer, recipe, step, recipe.epochs * steps_per_epoch)
            batch = epoch.batch(index * recipe.batch_size + part.start, part.stop - part.start)
            said = np.clip((batch.answers - scale.mean) / scale.deviation, -MAX_ANSWER, MAX_ANSWER)
            losses.append(_step(learner, optimizer, recipe, batch, torch.from_numpy(said), device=device))
            _follow(average, pupil, step, recipe.ema_steps)
        label, taught = np.mean(losses, axis=0)
        say(
            f"epoch {number + 1}/{recipe.epochs}  labels {label:.4f}"
            + (f"  teachers {taught:.4f}" if answers else "")
        )
        rng = _rng_of_all(place)
        if place.first:
            _keep(
                checkpoint,
                recipe=recipe,
                scale=scale,
                network=pupil,
                average=average,
                optimizer=optimizer,
                rng=rng,
                done=number + 1,
            )
        wait()
    average = average.to("cpu")
    network = average.network
    assert isinstance(network, ResNet18)  # noqa: S101 - tells the type checker what Module forgot
    return network


def logits(network: ResNet18, pixels: Pixels) -> Floats:
    """The network's answers: (N, S, S, 3) uint8 RGB -> (N,) float32."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), JUDGE_BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(pixels[start : start + JUDGE_BATCH]))
            found.append(network(to_input(batch).contiguous(memory_format=torch.channels_last)).numpy())
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def fastest() -> torch.device:
    """The GPU of this process, or the CPU."""
    return torch.device("cuda", here().local) if torch.cuda.is_available() else torch.device("cpu")


def _distributed(pupil: Pupil, place: Place, device: torch.device) -> nn.Module:
    """The pupil, its gradients averaged over all processes."""
    if place.count == 1:
        return pupil
    if device.type == "cuda":
        # In place: what is averaged and stored is the pupil itself.
        nn.SyncBatchNorm.convert_sync_batchnorm(pupil)
        return DistributedDataParallel(pupil, device_ids=[device.index])
    return DistributedDataParallel(pupil)


def _rng_of_all(place: Place) -> list[Tensor]:
    """Where each process's random numbers are, for a run that goes on later."""
    mine = torch.get_rng_state()
    if place.count == 1:
        return [mine]
    every = [torch.empty_like(mine) for _ in range(place.count)]
    distributed.all_gather(every, mine)
    return every


def _step(
    learner: nn.Module, optimizer: AdamW, recipe: Recipe, batch: Batch, said: Tensor, *, device: torch.device
) -> tuple[float, float]:
    pixels = to_input(torch.from_numpy(batch.pixels).to(device)).contiguous(memory_format=torch.channels_last)
    target = torch.from_numpy(batch.live).to(device) * (1 - 2 * recipe.smoothing) + recipe.smoothing
    answer, foretold = learner(pixels, recipe.label_share, recipe.bfloat16)
    label = binary_cross_entropy_with_logits(answer, target) + LOGIT_PENALTY * answer.square().mean()
    taught = torch.zeros((), device=device)
    if foretold is not None:
        taught = smooth_l1_loss(foretold, said.to(device))
    optimizer.zero_grad()
    (label + recipe.teaching * taught).backward()
    torch.nn.utils.clip_grad_norm_(learner.parameters(), 5.0)
    optimizer.step()
    return float(label.detach()), float(taught.detach())


def _groups(network: Pupil, weight_decay: float) -> list[dict[str, object]]:
    """Weights decay; norms and biases, which are vectors, don't."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def _set_rate(optimizer: AdamW, recipe: Recipe, step: int, steps: int) -> None:
    """Up in a straight line, then down along half a cosine."""
    warm = max(1, round(WARM_UP_SHARE * steps))
    share = (step + 1) / warm if step < warm else 0.5 * (1 + np.cos(np.pi * (step - warm) / (steps - warm)))
    for group in optimizer.param_groups:
        group["lr"] = recipe.lr * float(share)


def _follow(average: Pupil, network: Pupil, step: int, ema_steps: int) -> None:
    """Move the averaged weights towards the new ones; the first steps count less."""
    share = max(1.0 / ema_steps, 1.0 / (step + 1))
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, share)
            else:
                kept.copy_(new)


def _keep(
    checkpoint: Path,
    *,
    recipe: Recipe,
    scale: Scale,
    network: Pupil,
    average: Pupil,
    optimizer: AdamW,
    rng: list[Tensor],
    done: int,
) -> None:
    """Write the checkpoint aside and rename it, so that there is always a whole one."""
    partial = checkpoint.with_suffix(".partial")
    torch.save(
        {
            "recipe": repr(recipe),
            "scale": (torch.from_numpy(scale.mean), torch.from_numpy(scale.deviation)),
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": rng,
            "epochs_done": done,
        },
        partial,
    )
    partial.replace(checkpoint)

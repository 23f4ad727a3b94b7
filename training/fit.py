"""Train one liveness network: seeded, averaged, and able to go on where it was broken off."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import AdamW
from torch.utils.data import DataLoader

from facekey.core.types import Floats, Pixels
from training.data.sampling import Epoch, Pool
from training.models.resnet18 import ResNet18, to_input

CHECKPOINT = "checkpoint.pt"
WARM_UP_SHARE = 0.05  # of all steps, the learning rate rising from 0
LOGIT_PENALTY = 0.002  # keeps scores of unseen cameras from being sure of themselves
JUDGE_BATCH = 128


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides how a network is trained; stored with it, and compared on resume.

    Attributes:
        epoch_samples: pictures an epoch.
        smoothing: labels are `smoothing` and 1 - `smoothing`: some of the labels are wrong.
        ema_steps: how many steps the averaged weights look back, about.
        bfloat16: compute in 16 bits where it is safe; twice as fast where the CPU can.
        started_from: the run whose weights these went on from; empty for random ones.
    """

    epochs: int
    batch_size: int
    lr: float
    seed: int
    width: int
    epoch_samples: int
    weight_decay: float = 0.05
    smoothing: float = 0.05
    ema_steps: int = 200
    bfloat16: bool = True
    started_from: str = ""


class RecipeChanged(ValueError):
    """A run can't go on with another recipe than it was started with."""


def fit(
    pool: Pool,
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool,
    start: Path | None = None,
    workers: int = 0,
    track: Callable[[Iterable[list[Tensor]], int, int], Iterable[list[Tensor]]] = lambda it, *_: it,
    say: Callable[[str], None] = print,
) -> ResNet18:
    """Train on the pool and give the network with averaged weights.

    Args:
        pool: what to train on.
        recipe: how.
        folder: where the checkpoint is kept, one an epoch.
        resume: go on from the folder's checkpoint if there is one.
        start: a checkpoint whose averaged weights to begin with.
        workers: processes that read and augment, 0 for this one.
        track: wraps the batches of an epoch to show progress: (batches, epoch, how many).
        say: takes one line an epoch.

    Raises:
        RecipeChanged: the checkpoint belongs to another recipe.
    """
    torch.manual_seed(recipe.seed)
    network = ResNet18(width=recipe.width).to(memory_format=torch.channels_last)
    if start is not None:
        network.load_state_dict(torch.load(start, weights_only=True)["average"])
    average = deepcopy(network).eval()
    optimizer = AdamW(_groups(network, recipe.weight_decay), lr=recipe.lr)
    steps_per_epoch = recipe.epoch_samples // recipe.batch_size
    first = 0
    checkpoint = folder / CHECKPOINT
    if resume and checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        if stored["recipe"] != repr(recipe):
            raise RecipeChanged(f"{checkpoint} was made with {stored['recipe']}, not {recipe!r}")
        network.load_state_dict(stored["network"])
        average.load_state_dict(stored["average"])
        optimizer.load_state_dict(stored["optimizer"])
        torch.set_rng_state(stored["rng"])
        first = int(stored["epochs_done"])
    for number in range(first, recipe.epochs):
        epoch = Epoch.draw(pool, seed=recipe.seed, number=number, length=steps_per_epoch * recipe.batch_size)
        loader = DataLoader(epoch, batch_size=recipe.batch_size, num_workers=workers)
        network.train()
        losses = []
        for index, (pixels, live) in enumerate(track(loader, number, steps_per_epoch)):
            step = number * steps_per_epoch + index
            _set_rate(optimizer, recipe, step, recipe.epochs * steps_per_epoch)
            losses.append(_step(network, optimizer, recipe, pixels, live))
            _follow(average, network, step, recipe.ema_steps)
        say(f"epoch {number + 1}/{recipe.epochs}  loss {np.mean(losses):.4f}")
        _keep(
            checkpoint,
            recipe=recipe,
            network=network,
            average=average,
            optimizer=optimizer,
            done=number + 1,
        )
    return average


def logits(network: ResNet18, pixels: Pixels) -> Floats:
    """The network's answers: (N, S, S, 3) uint8 RGB -> (N,) float32."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), JUDGE_BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(pixels[start : start + JUDGE_BATCH]))
            found.append(network(to_input(batch).contiguous(memory_format=torch.channels_last)).numpy())
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _step(network: ResNet18, optimizer: AdamW, recipe: Recipe, pixels: Tensor, live: Tensor) -> float:
    target = live * (1 - 2 * recipe.smoothing) + recipe.smoothing
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
        answer = network(to_input(pixels).contiguous(memory_format=torch.channels_last))
    answer = answer.float()
    loss = binary_cross_entropy_with_logits(answer, target) + LOGIT_PENALTY * answer.square().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


def _groups(network: ResNet18, weight_decay: float) -> list[dict[str, object]]:
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


def _follow(average: ResNet18, network: ResNet18, step: int, ema_steps: int) -> None:
    """Move the averaged weights towards the new ones; the first steps count less."""
    share = max(1.0 / ema_steps, 1.0 / (step + 1))
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, share)
            else:
                kept.copy_(new)


def _keep(
    checkpoint: Path, *, recipe: Recipe, network: ResNet18, average: ResNet18, optimizer: AdamW, done: int
) -> None:
    """Write the checkpoint aside and rename it, so that there is always a whole one."""
    partial = checkpoint.with_suffix(".partial")
    torch.save(
        {
            "recipe": repr(recipe),
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "epochs_done": done,
        },
        partial,
    )
    partial.replace(checkpoint)

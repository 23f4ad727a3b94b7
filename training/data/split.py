"""Who may be trained on and who only judged: whole sets, and whole people, never frames.

Two frames of one clip are almost one picture. A network that saw the first has seen the
second, and its score on it says nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from training.data.crops import CropSet

SHARE_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Fold:
    """One round of judging: a network is trained without `held_out` and judged on it.

    Attributes:
        name: names the round's folder and report.
        held_out: names of the sets; empty for the network that ships, which is trained on all.
    """

    name: str
    held_out: frozenset[str]


ALL = Fold("all", frozenset())


def folds(names: Sequence[str], *, hold_out: Sequence[Sequence[str]], leave_one_out: bool) -> list[Fold]:
    """The rounds to run before the last network is trained on everything.

    Args:
        names: the sets there are.
        hold_out: groups of sets that leave together. Sets that share a person or a camera
            belong in one group.
        leave_one_out: also let each set leave that no group names.

    Raises:
        ValueError: a group names a set that isn't there, or two groups share one, or one
            names all of them.
    """
    grouped = [frozenset(group) for group in hold_out]
    for group in grouped:
        unknown = group - set(names)
        if unknown:
            raise ValueError(f"there is no set {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        if group >= set(names):
            raise ValueError("a network can't be trained with every set held out")
    named = frozenset[str]().union(*grouped)
    if sum(len(group) for group in grouped) != len(named):
        raise ValueError("a set can't be held out in two groups: its scores would count twice")
    if leave_one_out and len(names) > 1:
        grouped += [frozenset({name}) for name in names if name not in named]
    return [Fold("without-" + "-".join(sorted(group)), group) for group in grouped]


def person_of(path: str) -> str:
    """Who a picture shows, as far as its path tells: its folder, or the file where there is none."""
    parents = PurePosixPath(path).parts[:-1]
    return parents[0] if parents else path


def people_kept(crops: CropSet, *, share: float, never: frozenset[str] = frozenset()) -> NDArray[np.bool_]:
    """Which pictures of an unlabelled set may be trained on: (N,) bool.

    A person is on one side or the other with all their pictures, the same side in every run.

    Args:
        crops: the set.
        share: how many of the people are trained on, 0..1.
        never: people who are only judged.
    """
    people = [person_of(str(path)) for path in crops.paths]
    return np.array([person not in never and _place(person) < share for person in people], bool)


def _place(person: str) -> float:
    """A number in 0..1 that belongs to a name and doesn't change."""
    digest = hashlib.sha256(person.encode()).digest()
    return int.from_bytes(digest[:8], "big") % SHARE_STEPS / SHARE_STEPS

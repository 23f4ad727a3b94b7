"""Put liveness networks together: `python training/combine_liveness.py --run A --run B --output_dir C`.

The product takes the mean of the networks' calibrated log-odds. Here the same is done with
what each said of the sets it never saw.

1. Read the rounds of every run; all must have held out the same sets together.
2. Calibrate each network, take the mean, and calibrate that: a mean is less sure than it
   should be. What makes up for it goes into each network's own calibration, and so does the
   `--weight` of a network whose word counts for more.
3. Write the rounds, the report and the threshold of the mean, with the networks beside them,
   as if one network had been trained: for `liveness_card.py`, `head_attempts.py`,
   `evaluate/pad.py` and `bench clips`.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training import liveness_report
from training.evaluate.attack_rates import Platt, Scored, calibrate
from training.left_out import CALIBRATION
from training.progress import say
from training.rounds import Round, keep, load


@dataclass(frozen=True, slots=True)
class Member:
    """One network's run.

    Attributes:
        name: of its ONNX file.
        rounds: one for each fold.
        last: the network that was trained on everything.
        platt: its calibration on what it never saw, times its share in the mean.
    """

    folder: Path
    name: str
    rounds: tuple[Round, ...]
    last: Round
    platt: Platt


def main(arguments: list[str] | None = None) -> None:
    """Read, combine, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", action="append", required=True, type=Path, help="one for each network")
    parser.add_argument("--weight", action="append", type=float, default=[], help="one for each; 1")
    parser.add_argument("--output_dir", required=True, type=Path)
    given = parser.parse_args(arguments)

    weights = given.weight or [1.0] * len(given.run)
    if len(weights) != len(given.run) or min(weights) <= 0:
        raise SystemExit("give one positive --weight for each --run, or none")
    mean = sum(weights) / len(weights)
    members = [read(run, weight / mean) for run, weight in zip(given.run, weights, strict=True)]
    rounds, last, final = combine(members)
    given.output_dir.mkdir(parents=True, exist_ok=True)
    for one in (*rounds, last):
        folder = given.output_dir / one.name
        folder.mkdir(exist_ok=True)
        keep(one, folder)
        for member in members:
            shutil.copy(member.folder / one.name / f"{member.name}.onnx", folder)
    for member in members:
        shutil.copy(member.folder / f"{member.name}.onnx", given.output_dir)
    calibration = {member.name: both(member.platt, final) for member in members}
    (given.output_dir / CALIBRATION).write_text(json.dumps(calibration, indent=2) + "\n", encoding="utf-8")
    say(liveness_report.write(given.output_dir, {"members": sorted(calibration)}, rounds, last))


def read(run: Path, share: float = 1.0) -> Member:
    """A run's rounds and its network.

    Args:
        run: `--output_dir` of its training.
        share: its weight over the mean of all weights.

    Raises:
        SystemExit: it has no rounds, or not one network.
    """
    rounds, last = load(run)
    networks = sorted(run.glob("*.onnx"))
    if not rounds or last is None or len(networks) != 1:
        raise SystemExit(f"{run} is no finished run with rounds of leave-one-out and one network")
    platt = calibrate([scored for one in rounds for scored in one.held_out])
    return Member(run, networks[0].stem, tuple(rounds), last, Platt(share * platt.a, share * platt.b))


def combine(members: Sequence[Member]) -> tuple[list[Round], Round, Platt]:
    """Rounds of the mean, and what calibrates the mean.

    Raises:
        SystemExit: the members were not judged on the same pictures in the same rounds.
    """
    names = [[one.name for one in member.rounds] for member in members]
    if any(other != names[0] for other in names):
        raise SystemExit(f"the runs held out different sets: {names}")
    rounds = [
        _mean([(member.rounds[place], member.platt) for member in members]) for place in range(len(names[0]))
    ]
    last = _mean([(member.last, member.platt) for member in members])
    final = calibrate([scored for one in rounds for scored in one.held_out])
    return [_scaled(one, final) for one in rounds], _scaled(last, final), final


def both(first: Platt, then: Platt) -> dict[str, float]:
    """One calibration after the other, as one."""
    return {"slope": then.a * first.a, "intercept": then.a * first.b + then.b}


def _mean(ones: Sequence[tuple[Round, Platt]]) -> Round:
    def mean(sets: Sequence[tuple[tuple[Scored, ...], Platt]]) -> tuple[Scored, ...]:
        found = []
        for group in zip(*(some for some, _ in sets), strict=True):
            if len({(scored.name, scored.live.tobytes()) for scored in group}) != 1:
                raise SystemExit(f"the runs judged different pictures of {group[0].name}")
            odds = [platt.a * scored.logits + platt.b for scored, (_, platt) in zip(group, sets, strict=True)]
            found.append(Scored(group[0].name, np.mean(odds, axis=0, dtype=np.float32), group[0].live))
        return tuple(found)

    return Round(
        ones[0][0].name,
        mean([(one.held_out, platt) for one, platt in ones]),
        mean([(one.bounding, platt) for one, platt in ones]),
        mean([(one.live, platt) for one, platt in ones]),
    )


def _scaled(one: Round, platt: Platt) -> Round:
    def scaled(sets: tuple[Scored, ...]) -> tuple[Scored, ...]:
        return tuple(Scored(some.name, platt.a * some.logits + platt.b, some.live) for some in sets)

    return Round(one.name, scaled(one.held_out), scaled(one.bounding), scaled(one.live))


if __name__ == "__main__":
    main()

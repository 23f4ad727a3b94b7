"""The report on presentation attack detection, after ISO/IEC 30107-3, in one command.

    python training/evaluate/pad.py --run O --data_root D --baselines B --output_dir R

1. FaceKey's network, as held out: the scores that `train_liveness.py` kept in its run, each
   set judged by a network that had seen neither it nor anybody in it.
2. The published detectors of `--baselines` on the very same pictures.
3. Each at two thresholds: its own, which is fixed before anything is measured, and the one
   at which its mean APCER and BPCER over the nine sets meet, which nobody knows beforehand
   and which flatters each alike.
4. Live people whom no network was trained on, judged by what ships.

APCER is by source: the type of attack is not labelled in the sets at hand. Intervals are
Clopper-Pearson at 95 %, by frame; frames of one clip are alike, so the truth is less certain.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from facekey.settings import default_models_dir
from training.data.crops import Networks, cut
from training.data.layout import SourceSet, discover
from training.evaluate.attack_rates import (
    Rate,
    Scored,
    SetResult,
    as_json,
    balanced_threshold,
    judge,
    mean_auc,
    mean_error,
    table,
)
from training.evaluate.baselines import Baseline, baselines
from training.evaluate.plots import draw, draw_systems
from training.networks import open_networks
from training.progress import bar, say
from training.rounds import load


@dataclass(frozen=True, slots=True)
class System:
    """A detector and what it said of every set.

    Attributes:
        threshold: its own, on its scores.
        sets: one for each data set.
        live: live people only, by the network that ships.
    """

    name: str
    threshold: float
    sets: tuple[Scored, ...]
    live: tuple[Scored, ...] = ()


def main(arguments: list[str] | None = None) -> None:
    """Measure, write report.md, report.json and the plots, print the summary."""
    options = _options(arguments)
    networks = open_networks(options.models_dir)
    sources = discover(options.data_root)
    apart = frozenset(options.apart)
    ours = facekey(options.run, [source.name for source in sources], options.live_count, options.seed)
    others = [published(one, sources, networks, options.cache_dir) for one in baselines(options.baselines)]
    text = write(options.output_dir, [ours, *others], apart)
    say(text)
    say(f"written to {options.output_dir}")


def facekey(run: Path, names: Sequence[str], live_count: int, seed: int) -> System:
    """Our own scores as held out, from a run of `train_liveness.py` or `combine_liveness.py`.

    Raises:
        SystemExit: the run has not judged each of the sets.
    """
    rounds, last = load(run)
    kept = {scored.name: scored for one in rounds for scored in one.held_out}
    missing = set(names) - set(kept)
    if missing:
        raise SystemExit(f"{run} has not judged {', '.join(sorted(missing))} as held out")
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return System(
        "FaceKey, held out",
        float(report["operating_point"]["threshold_logit"]),
        tuple(kept[name] for name in names),
        tuple(sample(people, live_count, seed) for people in last.live) if last else (),
    )


def published(
    detector: Baseline, sources: Sequence[SourceSet], networks: Networks, cache_dir: Path
) -> System:
    """A published detector's scores on the pictures that ours was judged on."""
    found = []
    for source in sources:
        judged = cut(source, networks, cache_dir=cache_dir)  # those that have a face
        wanted = set(judged.paths)
        scores, live = [], []
        for picture in bar(source.pictures, f"{detector.name}: {source.name}", len(source.pictures)):
            if source.label_of(picture) not in wanted:
                continue
            pixels = cv2.imdecode(np.frombuffer(picture.read(), np.uint8), cv2.IMREAD_COLOR)
            scores.append(detector.score(np.asarray(pixels[..., ::-1], np.uint8)))
            live.append(picture.live)
        found.append(Scored(source.name, np.array(scores, np.float32), np.array(live, bool)))
    return System(detector.name, detector.threshold, tuple(found))


def sample(people: Scored, count: int, seed: int) -> Scored:
    """At most `count` of the people, drawn with a seed."""
    chosen = np.random.default_rng(seed).permutation(len(people.live))[:count]
    return Scored(people.name, people.logits[chosen], people.live[chosen])


def write(folder: Path, systems: Sequence[System], apart: frozenset[str]) -> str:
    """Write the files; give the report's text."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = ["# Presentation attack detection", summary(systems, apart), by_set(systems, apart)]
    document = []
    for system in systems:
        main_sets = [scored for scored in system.sets if scored.name not in apart]
        balanced = balanced_threshold(main_sets)
        own = [judge(scored, system.threshold) for scored in system.sets]
        even = [judge(scored, balanced) for scored in system.sets]
        live = [judge(scored, system.threshold) for scored in system.live]
        parts += [
            f"## {system.name}, at its own threshold\n\n" + table(own),
            f"## {system.name}, where its own mean APCER and BPCER meet\n\n" + table(even),
        ]
        if live:
            parts.append(f"## {system.name}: live people, at its own threshold\n\n" + table(live))
        document.append(
            {
                "system": system.name,
                "at_own_threshold": as_json(own),
                "where_rates_meet": as_json(even),
                "live": as_json(live),
            }
        )
        draw(system.sets, folder / f"curves-{_slug(system.name)}.png", title=system.name)
    draw_systems(
        {system.name: [scored for scored in system.sets if scored.name not in apart] for system in systems},
        folder / "systems.png",
    )
    text = "\n\n".join(parts)
    (folder / "report.md").write_text(text + "\n", encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return text


def summary(systems: Sequence[System], apart: frozenset[str]) -> str:
    """One line a system, over the sets that are not reported apart."""
    lines = [
        "| System | mean AUC | worst AUC | mean (APCER + BPCER) / 2, own threshold | where they meet |",
        "|---|---|---|---|---|",
    ]
    for system in systems:
        sets = [scored for scored in system.sets if scored.name not in apart]
        own = [judge(scored, system.threshold) for scored in sets]
        even = [judge(scored, balanced_threshold(sets)) for scored in sets]
        worst = min(row.auc for row in own if row.auc is not None)
        lines.append(
            f"| {system.name} | {mean_auc(own):.3f} | {worst:.3f} | {100 * mean_error(own):.1f} % "
            f"| {100 * mean_error(even):.1f} % |"
        )
    count = len({scored.name for scored in systems[0].sets} - apart)
    note = f" ({', '.join(sorted(apart))} apart)" if apart else ""
    return f"## Mean over {count} sets{note}\n\n" + "\n".join(lines)


def by_set(systems: Sequence[System], apart: frozenset[str]) -> str:
    """AUC of every system on every set."""
    head = "| Set | " + " | ".join(system.name for system in systems) + " | attacks | live |"
    lines = [head, "|---" * (len(systems) + 3) + "|"]
    for rows in zip(*(_results(system) for system in systems), strict=True):
        name = rows[0].name + (" (apart)" if rows[0].name in apart else "")
        values = " | ".join("" if row.auc is None else f"{row.auc:.3f}" for row in rows)
        lines.append(f"| {name} | {values} | {_count(rows[0].apcer)} | {_count(rows[0].bpcer)} |")
    return "## AUC by set\n\n" + "\n".join(lines)


def _results(system: System) -> list[SetResult]:
    return [judge(scored, system.threshold) for scored in system.sets]


def _count(rate: Rate | None) -> int:
    return rate.count if rate is not None else 0


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--run", type=Path, required=True, help="--output_dir of train_liveness.py or combine_liveness.py")
    add("--data_root", type=Path, required=True, help="the labelled sets of that run")
    add("--baselines", type=Path, required=True, help="folder with the published detectors' files")
    add("--output_dir", type=Path, required=True, help="report.md, report.json, plots")
    add("--apart", action="append", default=[], help="a set that is reported but not averaged")
    add("--live_count", type=int, default=200, help="live people of each source, drawn with --seed")
    add("--seed", type=int, default=1)
    add("--models_dir", type=Path, default=default_models_dir())
    add("--cache_dir", type=Path, default=Path(".cache/crops"), help="face crops; they show people")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

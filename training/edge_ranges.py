"""Measure the ranges of activations that int8 bundles come with.

    python training/edge_ranges.py --data_root FOLDER [--data_root FOLDER ...]

Pictures are drawn at random from the folders; give none that the bundle is judged on later. What is
written beside the recipe, `<network>.ranges.json`, holds the ranges and how they
were born, and nothing of any picture.
"""

import argparse
import hashlib
import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.edge.calibration import shown_to_networks
from facekey.edge.made import prepared
from facekey.edge.ranges import measure
from facekey.edge.recipe import read_recipe
from facekey.settings import read_settings
from facekey.wiring.vision import open_detector, open_zoo
from facekey.zoo.durable import write_whole
from facekey.zoo.zoo import default_cards_dir
from training.git import commit
from training.progress import say

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def main(arguments: list[str] | None = None) -> None:
    """Draw, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data_root", action="append", required=True, type=Path)
    parser.add_argument("--count", type=int, default=80, help="pictures of each folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cards_dir", type=Path, default=default_cards_dir())
    given = parser.parse_args(arguments)

    drawn: list[Path] = []
    for root in given.data_root:
        found = sorted(path for path in root.rglob("*") if path.suffix.lower() in ENDINGS)
        if not found:
            raise SystemExit(f"there are no pictures in {root}")
        drawn += random.Random(given.seed).sample(found, min(given.count, len(found)))  # noqa: S311
    contents = [path.read_bytes() for path in drawn]
    # Which pictures, without naming them.
    manifest = hashlib.sha256("".join(sorted(hashlib.sha256(one).hexdigest() for one in contents)).encode())
    zoo, recipe = open_zoo(read_settings()), read_recipe(given.cards_dir)
    shown = shown_to_networks(contents, open_detector(zoo), first_look_px=recipe.detector_px[0])
    say(f"{len(shown.crops)} of {len(contents)} pictures show a face that can be used")
    for name, treatment in recipe.treatments.items():
        model = prepared(zoo.graph(name), name)
        nodes = treatment.nodes(model)
        if not nodes:
            continue
        ranges = measure(model, shown.for_network(name), nodes=nodes, share=treatment.share)
        born = {
            "pictures": len(shown.crops),
            "manifest_sha256": manifest.hexdigest(),
            "folders": [root.name for root in given.data_root],
            "seed": given.seed,
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "network": str(zoo.card(name).model_id),
        }
        rounded = {key: [float(f"{low:.5g}"), float(f"{high:.5g}")] for key, (low, high) in ranges.items()}
        path = recipe.folder / f"{name}.ranges.json"
        text = json.dumps({"born": born, "ranges": rounded}, indent=1) + "\n"
        write_whole(path, text.encode())
        say(f"{path.name}: {len(ranges)} activations")


if __name__ == "__main__":
    main()

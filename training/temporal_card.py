"""Ship a trained temporal network: its file, and its model card with calibration and birth certificate.

    python training/temporal_card.py --run O --data "what it was trained and judged on"

Takes the ONNX file and report.json of a run of `train_temporal.py`. A run without held-out
sources has no calibration that means anything, and is refused.
"""

import argparse
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.zoo.cards import load_card
from facekey.zoo.zoo import default_cards_dir
from training.git import commit
from training.progress import say

NAME = "liveness_temporal"
PROTOCOL = (
    "groups of sets, and each photo, held out in turn; windows of 1.2 to 5 s at 3 to 30 frames a second "
    "judged by a network that saw none of their source, the liveness network undecided"
)


def main() -> None:
    """Copy the network beside the cards and write its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", required=True, type=Path, help="--output_dir of train_temporal.py")
    parser.add_argument("--data", required=True, help="one line for the birth certificate")
    parser.add_argument("--cards_dir", type=Path, default=default_cards_dir())
    given = parser.parse_args()

    report = json.loads((given.run / "report.json").read_text(encoding="utf-8"))
    network = (given.run / f"{NAME}.onnx").read_bytes()
    weights = given.cards_dir / "weights" / f"{NAME}.onnx"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(network)
    card = given.cards_dir / f"{NAME}.toml"
    calibration = report["calibration"]
    text = card_text(
        network,
        slope=calibration["a"],
        intercept=calibration["b"],
        auc=report["auc"]["filmed people against moved pictures"],
        windows=report["windows"],
        data=given.data,
    )
    card.write_text(text, encoding="utf-8")
    say(str(load_card(card).model_id))


def card_text(network: bytes, *, slope: float, intercept: float, auc: float, windows: int, data: str) -> str:
    """The card, as `facekey.zoo.cards` reads it."""
    lines = [
        f'name = "{NAME}"',
        'title = "Liveness over time, LSTM"',
        'task = "sequence"',
        'pack = "default"',
        'paper = "Hochreiter and Schmidhuber, \\"Long Short-Term Memory\\", Neural Computation 1997"',
        f'origin = "trained by this project, training/train_temporal.py; see docs/model-cards/{NAME}.md"',
        'licence = "MIT"',
        "figures = [",
        f'    "AUC of filmed people against moved pictures, both unseen: {auc:.2f} (measured)",',
        "]",
        "",
        "[weights]",
        f'file = "{NAME}.onnx"',
        'format = "onnx"',
        f'sha256 = "{hashlib.sha256(network).hexdigest()}"',
        f"max_bytes = {len(network)}",
        "",
        "[[sources]]",
        'kind = "shipped"',
        f'path = "weights/{NAME}.onnx"',
        "",
        "[[outputs]]",
        'name = "logit"',
        "shape = [1]",
        'meaning = "larger for live"',
        "",
        "[sequence]",
        f"slope = {slope:.6f}",
        f"intercept = {intercept:.6f}",
        "",
        "[sequence.born]",
        f"data = {json.dumps(data)}",
        f"protocol = {json.dumps(PROTOCOL)}",
        f"comparisons = {windows}",
        f"date = {datetime.now(UTC).date().isoformat()}",
        f'commit = "{commit()}"',
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""Ship a trained liveness network: its file, and its model card with threshold and birth certificate.

    python training/liveness_card.py --run O --data "what it was trained and judged on"

Takes the ONNX file and report.json of a run of `train_liveness.py`. A run without held-out
sets has no threshold that means anything, and is refused.
"""

import argparse
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.vision.align import CONTEXT_SIDE
from facekey.zoo.cards import load_card
from facekey.zoo.zoo import default_cards_dir
from training.data.crops import CROP_PX
from training.git import commit
from training.progress import say

NAME = "liveness_resnet18"
PROTOCOL = (
    "groups of sets held out in turn, frames scored by a network that saw none of the group; the threshold "
    "is where mean APCER and mean BPCER meet, bounded by 5 % BPCER on people that were not trained on"
)


class _Calibration(TypedDict):
    a: float
    b: float


class _Point(TypedDict):
    threshold: float
    threshold_logit: float
    calibration: _Calibration


def main() -> None:
    """Copy the network beside the cards and write its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", required=True, type=Path, help="--output_dir of train_liveness.py")
    parser.add_argument("--data", required=True, help="one line for the birth certificate")
    parser.add_argument("--cards_dir", type=Path, default=default_cards_dir())
    given = parser.parse_args()

    report = json.loads((given.run / "report.json").read_text(encoding="utf-8"))
    network = (given.run / f"{NAME}.onnx").read_bytes()
    judged = sum(_frames(row) for row in report["held_out"])
    text = card_text(
        network,
        report["operating_point"],
        data=given.data,
        judged=judged,
        mean_auc=report["mean_auc"],
        sets=len(report["held_out"]),
    )
    weights = given.cards_dir / "weights" / f"{NAME}.onnx"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(network)
    card = given.cards_dir / f"{NAME}.toml"
    card.write_text(text, encoding="utf-8")
    say(f"{load_card(card).model_id}, threshold {report['operating_point']['threshold']:.3f}")


def card_text(network: bytes, point: _Point, *, data: str, judged: int, mean_auc: float, sets: int) -> str:
    """The card, as `facekey.zoo.cards` reads it."""
    calibration = point["calibration"]
    lines = [
        f'name = "{NAME}"',
        'title = "Liveness ResNet-18, slim"',
        'task = "liveness"',
        'pack = "default"',
        'paper = "He et al., \\"Deep Residual Learning for Image Recognition\\", CVPR 2016, '
        'https://arxiv.org/abs/1512.03385"',
        f'origin = "trained by this project, training/train_liveness.py; see docs/model-cards/{NAME}.md"',
        'licence = "MIT"',
        "figures = [",
        f'    "AUC on {sets} data sets, each judged by a network that never saw it: '
        f'{mean_auc:.2f} in the mean (measured)",',
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
        "[liveness]",
        f"crop_px = {CROP_PX}",
        f"box_scale = {CONTEXT_SIDE}",
        "live_index = 0",
        f"temperature = {1 / calibration['a']:.6f}",
        f"bias = {calibration['b']:.6f}",
        f"threshold = {point['threshold']:.4f}",
        "",
        "[liveness.born]",
        f"data = {json.dumps(data)}",
        f"protocol = {json.dumps(PROTOCOL)}",
        f"comparisons = {judged}",
        f"date = {datetime.now(UTC).date().isoformat()}",
        f'commit = "{commit()}"',
    ]
    return "\n".join(lines) + "\n"


def _frames(row: dict[str, dict[str, int] | None]) -> int:
    return sum(rate["count"] for rate in (row["apcer"], row["bpcer"]) if rate is not None)


if __name__ == "__main__":
    main()

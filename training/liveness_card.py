"""Ship trained liveness networks: their files, and their cards with threshold and birth certificate.

    python training/liveness_card.py --run C --data "what they were trained and judged on"

Takes the networks, calibration.json and report.json of a run of `combine_liveness.py`; a
single network is combined with itself alone. A run without held-out sets has no threshold that
means anything, and can't be combined. Cards of networks that are no longer used are removed.
"""

import argparse
import hashlib
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.vision.align import CONTEXT_SIDE
from facekey.zoo.cards import load_card
from facekey.zoo.zoo import default_cards_dir
from training.data.crops import CROP_PX
from training.git import commit
from training.left_out import CALIBRATION
from training.progress import say

RESNET = (
    'He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385'
)
MINIFASNET = 'Minivision, "Silent-Face-Anti-Spoofing", 2020, https://github.com/minivision-ai/Silent-Face-Anti-Spoofing'
KNOWN = {
    "liveness_resnet18": ("Liveness ResNet-18, slim, on evened-out colours", RESNET, "train_liveness", "MIT"),
    "liveness_resnet18_colour": ("Liveness ResNet-18, slim, on all colours", RESNET, "train_liveness", "MIT"),
    "liveness_minifasnet": (
        "Liveness MiniFASNets, taught further",
        MINIFASNET,
        "train_minifasnet",
        "MIT; begun from weights under Apache-2.0, see NOTICE",
    ),
}
PROTOCOL = (
    "groups of sets held out in turn, frames scored by networks that saw none of the group and nobody in it; "
    "the threshold of the networks' mean is where mean APCER and mean BPCER meet, bounded by 5 % BPCER on "
    "people that were not trained on"
)


def main(arguments: list[str] | None = None) -> None:
    """Copy the networks beside the cards and write their cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", required=True, type=Path, help="--output_dir of combine_liveness.py")
    parser.add_argument("--data", required=True, help="one line for the birth certificate")
    parser.add_argument("--cards_dir", type=Path, default=default_cards_dir())
    given = parser.parse_args(arguments)

    report = json.loads((given.run / "report.json").read_text(encoding="utf-8"))
    calibration = json.loads((given.run / CALIBRATION).read_text(encoding="utf-8"))
    judged = sum(_frames(row) for row in report["held_out"])
    # What the product computes is this logit's own probability: the mean is calibrated already.
    threshold = 1 / (1 + math.exp(-report["operating_point"]["threshold_logit"]))
    weights = given.cards_dir / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    for name in KNOWN.keys() - calibration.keys():
        (given.cards_dir / f"{name}.toml").unlink(missing_ok=True)
        (weights / f"{name}.onnx").unlink(missing_ok=True)
    for name, use in sorted(calibration.items()):
        network = (given.run / f"{name}.onnx").read_bytes()
        text = card_text(
            name,
            network,
            slope=use["slope"],
            intercept=use["intercept"],
            threshold=threshold,
            data=given.data,
            judged=judged,
            mean_auc=report["mean_auc"],
            sets=len(report["held_out"]),
        )
        (weights / f"{name}.onnx").write_bytes(network)
        card = given.cards_dir / f"{name}.toml"
        card.write_text(text, encoding="utf-8")
        say(f"{load_card(card).model_id}, threshold {threshold:.3f}")


def card_text(
    name: str,
    network: bytes,
    *,
    slope: float,
    intercept: float,
    threshold: float,
    data: str,
    judged: int,
    mean_auc: float,
    sets: int,
) -> str:
    """The card, as `facekey.zoo.cards` reads it."""
    title, paper, script, licence = KNOWN[name]
    lines = [
        f'name = "{name}"',
        f"title = {json.dumps(title)}",
        'task = "liveness"',
        'pack = "default"',
        f"paper = {json.dumps(paper)}",
        f'origin = "trained by this project, training/{script}.py; see docs/model-cards/liveness_cnn.md"',
        f"licence = {json.dumps(licence)}",
        "figures = [",
        f'    "AUC of all liveness networks together on {sets} data sets, each judged by networks that never '
        f'saw it: {mean_auc:.2f} in the mean (measured)",',
        "]",
        "",
        "[weights]",
        f'file = "{name}.onnx"',
        'format = "onnx"',
        f'sha256 = "{hashlib.sha256(network).hexdigest()}"',
        f"max_bytes = {len(network)}",
        "",
        "[[sources]]",
        'kind = "shipped"',
        f'path = "weights/{name}.onnx"',
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
        f"temperature = {1 / slope:.6f}",
        f"bias = {intercept:.6f}",
        f"threshold = {threshold:.4f}",
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

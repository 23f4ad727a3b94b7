"""facenet-pytorch as its README uses it. Runs in the peer's environment, not in FaceKey's.

It asks for torchvision, of which it uses two functions. They are written here anew, in plain
torch and with the same results, so that no second build of torch has to be had.
"""

import io
import sys
import types

import torch


def nms(boxes, scores, overlap):
    """Indices of the boxes that are kept, best first: greedy, by intersection over union.

    Args:
        boxes: (N, 4), corners.
        scores: (N,).
        overlap: more of it with a better box, and a box goes.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, kept = scores.argsort(descending=True), []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[rest, :2])
        high = torch.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        order = rest[shared / (areas[best] + areas[rest] - shared) <= overlap]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64)


def batched_nms(boxes, scores, groups, overlap):
    """`nms` within each group: boxes of different groups are moved so far apart that none meet."""
    if not len(boxes):
        return torch.empty(0, dtype=torch.int64)
    apart = groups.to(boxes) * (boxes.max() + 1)
    return nms(boxes + apart[:, None], scores, overlap)


def to_tensor(picture):
    """(H, W, C) of floats to (C, H, W)."""
    return torch.from_numpy(picture).permute(2, 0, 1).contiguous()


def stand_in():
    """Put the two functions where facenet-pytorch looks for them."""
    named = ("torchvision", "torchvision.ops", "torchvision.ops.boxes", "torchvision.transforms")
    modules = {name: types.ModuleType(name) for name in (*named, "torchvision.transforms.functional")}
    modules["torchvision.ops.boxes"].batched_nms = batched_nms
    modules["torchvision.transforms.functional"].to_tensor = to_tensor
    modules["torchvision.transforms"].functional = modules["torchvision.transforms.functional"]
    sys.modules.update(modules)


stand_in()

from answering import answer  # noqa: E402 - the stand-in must be there first
from facenet_pytorch import MTCNN, InceptionResnetV1  # noqa: E402
from PIL import Image  # noqa: E402

torch.manual_seed(0)
DETECTOR = MTCNN()
NETWORK = InceptionResnetV1().eval()  # its weights are a download: these are random, and for timing alone


@torch.no_grad()
def encode(data):
    """The most prominent face's 512 numbers, or None."""
    face = DETECTOR(Image.open(io.BytesIO(data)).convert("RGB"))
    return None if face is None else NETWORK(face[None])[0]


if __name__ == "__main__":
    answer(encode, lambda enrolled, found: float((enrolled - found).norm()))

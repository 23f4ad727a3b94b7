"""A recognition network's checkpoint to ONNX, checked against torch.

    python training/export_embedder.py --network iresnet100 --checkpoint backbone.pth --output iresnet100.onnx

`iresnet50` and `iresnet100` take what insightface's arcface_torch writes, `inception_resnet_v1`
the files of facenet-pytorch. The ONNX file takes what the published ones take: one picture
(N, 3, S, S) float32, prepared as the network's file in `training/models/` says.

1. Read the checkpoint; whatever it lacks or has beyond the network is named, and nothing written.
2. Write the graph down, batch norms folded into convolutions where that is exact.
3. Compare torch and ONNX Runtime on pictures; more than rounding apart, nothing is written.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.types import Floats, ModelId
from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.networks.inception_resnet_v1 import build_inception_resnet_v1
from facekey.zoo.convert.state import StateDict
from facekey.zoo.durable import write_whole
from facekey.zoo.onnx import OnnxSession
from training.models import inception_resnet_v1, iresnet
from training.models.inception_resnet_v1 import InceptionResnetV1
from training.models.iresnet import BLOCKS, IBlock, IResNet
from training.progress import say

MAX_DIFFERENCE = 1e-4  # of unit vectors' coordinates; float32 sums in another order
PICTURES = 4
NAMED = 5  # so many names of missing tensors say what is wrong
WRAPPED = ("state_dict_backbone", "state_dict", "backbone", "model")
"""Under these names checkpoints of a training keep the network beside the rest."""
CLASSIFIER = ("logits.weight", "logits.bias")
"""What FaceNet was trained with and nobody needs afterwards."""


class CheckpointRefused(ValueError):
    """A file that is no checkpoint, or one of another network."""


class ExportDiffers(RuntimeError):
    """The exported network does not say what the trained one says."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be exported.

    Attributes:
        make: with random weights.
        graph: the network as ONNX.
        crop_px: side of its picture.
        mean, scale: what a picture is prepared with.
    """

    make: Callable[[], nn.Module]
    graph: Callable[[nn.Module], onnx.ModelProto]
    crop_px: int
    mean: float
    scale: float


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        difference: the largest between coordinates of unit vectors by torch and ONNX Runtime.
    """

    path: Path
    size_bytes: int
    sha256: str
    difference: float


def main(arguments: list[str] | None = None) -> None:
    """Read, write, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--network", required=True, choices=tuple(ARCHITECTURES))
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path, help="the ONNX file")
    given = parser.parse_args(arguments)
    architecture = ARCHITECTURES[given.network]
    try:
        network = architecture.make()
        load(network, given.checkpoint)
        done = export(network, architecture, given.output)
    except (CheckpointRefused, ExportDiffers) as error:
        raise SystemExit(str(error)) from error
    say(
        f"{done.path}: {done.size_bytes / 1e6:.1f} MB, torch and ONNX Runtime differ by "
        f"{done.difference:.1e} at most\nsha256 {done.sha256}"
    )


def load(network: nn.Module, checkpoint: Path) -> None:
    """Put a checkpoint's weights into a network, all of them or none.

    Raises:
        CheckpointRefused: it can't be read, has not exactly the network's tensors, or not
            only finite numbers.
    """
    try:
        stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load has no error of its own for a file that is none
        raise CheckpointRefused(f"{checkpoint.name} can't be read as a checkpoint: {_line(error)}") from error
    state = _state_of(stored, checkpoint)
    wanted = network.state_dict()
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = [name for name in wanted if name not in state and name not in counters]
    surplus = [name for name in state if name not in wanted and name not in CLASSIFIER]
    shapes = [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and name not in counters and state[name].shape != wanted[name].shape
    ]
    faults = [
        *([f"it lacks {_some(missing)}"] if missing else []),
        *([f"it has beyond the network {_some(surplus)}"] if surplus else []),
        *([_some(shapes)] if shapes else []),
    ]
    if faults:
        raise CheckpointRefused(f"{checkpoint.name} is not of this network: {'; '.join(faults)}")
    broken = [
        name
        for name in wanted
        if name not in counters and not bool(torch.isfinite(state[name].float()).all())
    ]
    if broken:
        raise CheckpointRefused(f"{checkpoint.name} has weights that are not finite: {_some(broken)}")
    network.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)


def export(network: nn.Module, architecture: Architecture, path: Path) -> Exported:
    """Write a network down and check it against torch.

    Raises:
        ExportDiffers: it doesn't say what torch says; nothing is written.
    """
    data = architecture.graph(network.eval()).SerializeToString()
    difference = compare(network, data, architecture)
    if not difference <= MAX_DIFFERENCE:
        raise ExportDiffers(f"torch and ONNX Runtime differ by {difference}; nothing was written")
    write_whole(path, data)
    return Exported(path, len(data), hashlib.sha256(data).hexdigest(), difference)


def compare(network: nn.Module, data: bytes, architecture: Architecture) -> float:
    """The largest difference between unit vectors' coordinates, over pictures of noise."""
    pictures = _pictures(architecture.crop_px)
    prepared = ((pictures - architecture.mean) / architecture.scale).astype(np.float32)
    with torch.inference_mode():
        wanted = network.eval()(torch.from_numpy(prepared)).numpy()
    (found,) = OnnxSession(data, model_id=ModelId("export")).run(prepared)
    return float(np.abs(_unit(found) - _unit(wanted)).max())


def iresnet_graph(network: nn.Module) -> onnx.ModelProto:
    """IResNet as ONNX.

    Raises:
        TypeError: it is another network.
    """
    if not isinstance(network, IResNet):
        raise TypeError("only an IResNet is written so")
    graph = Graph("iresnet")
    x = _conv(graph, "input", network.conv1, network.bn1)
    x = _prelu(graph, x, network.prelu)
    for stage in network.stages():
        for block in stage:
            if isinstance(block, IBlock):
                x = _block(graph, x, block)
    # The last norms are folded into the dense layer: nothing is padded between them.
    scale, shift = (value.double() for value in _norm(network.bn2))
    cells = iresnet.CELLS * iresnet.CELLS
    weight = network.fc.weight.double()
    bias = network.fc.bias.double() + weight @ shift.repeat_interleave(cells)
    weight = weight * scale.repeat_interleave(cells)
    last_scale, last_shift = (value.double() for value in _norm(network.features))
    weight, bias = weight * last_scale[:, None], bias * last_scale + last_shift
    x = graph.node("Flatten", x, axis=1)
    graph.node(
        "Gemm", x, graph.weight(_floats(weight)), graph.weight(_floats(bias)), output="embedding", transB=1
    )
    side = iresnet.CROP_PX
    return graph.model(
        inputs={"input": ("batch", 3, side, side)}, outputs={"embedding": ("batch", iresnet.DIM)}
    )


def inception_graph(network: nn.Module) -> onnx.ModelProto:
    """Inception-ResNet-v1 as ONNX: the graph that the product makes of the published file."""
    return build_inception_resnet_v1(
        StateDict({name: value.numpy() for name, value in network.state_dict().items()})
    )


ARCHITECTURES: Mapping[str, Architecture] = {
    **{
        name: Architecture(
            lambda blocks=blocks: IResNet(blocks), iresnet_graph, iresnet.CROP_PX, mean=127.5, scale=127.5
        )
        for name, blocks in BLOCKS.items()
    },
    "inception_resnet_v1": Architecture(
        InceptionResnetV1, inception_graph, inception_resnet_v1.CROP_PX, mean=127.5, scale=128.0
    ),
}
"""What can be exported, by the name that the command takes."""


def _block(graph: Graph, x: str, block: IBlock) -> str:
    # The first norm stays: the convolution behind it pads, and the zeros it pads with are not scaled.
    scale, shift = _norm(block.bn1)
    deep = graph.node("Mul", x, graph.weight(_planes(scale)))
    deep = graph.node("Add", deep, graph.weight(_planes(shift)))
    deep = _prelu(graph, _conv(graph, deep, block.conv1, block.bn2), block.prelu)
    deep = _conv(graph, deep, block.conv2, block.bn3)
    short = x
    if block.downsample is not None:
        conv, norm = block.downsample
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            short = _conv(graph, x, conv, norm)
    return graph.node("Add", deep, short)


def _conv(graph: Graph, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> str:
    """A convolution and the norm behind it as one convolution."""
    scale, shift = _norm(norm)
    weight = conv.weight.double() * scale.double()[:, None, None, None]
    pad = int(conv.padding[0])
    return graph.node(
        "Conv",
        x,
        graph.weight(_floats(weight)),
        graph.weight(_floats(shift)),
        kernel_shape=conv.kernel_size,
        strides=conv.stride,
        pads=(pad, pad, pad, pad),
    )


def _prelu(graph: Graph, x: str, layer: nn.PReLU) -> str:
    return graph.node("PRelu", x, graph.weight(_planes(layer.weight)))


def _norm(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The factor and the shift that a trained batch norm comes down to, each (C,)."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise TypeError("a norm without what it learned can't be written down")
    scale = norm.weight.double() / torch.sqrt(variance.double() + norm.eps)
    return scale, norm.bias.double() - mean.double() * scale


def _planes(values: Tensor) -> Floats:
    return _floats(values)[:, None, None]  # (C, 1, 1)


def _floats(values: Tensor) -> Floats:
    return values.detach().numpy().astype(np.float32)


def _pictures(side: int) -> Floats:
    """(4, 3, S, S) in 0..255: noise of grains of 1, 4 and 16 px, and an even grey."""
    rng = np.random.default_rng(0)
    found = []
    for grain in (1, 4, 16):
        cells = -(-side // grain)
        noise = rng.integers(0, 256, (3, cells, cells)).repeat(grain, 1).repeat(grain, 2)
        found.append(noise[:, :side, :side])
    return np.stack([*found, np.full((3, side, side), 128)]).astype(np.float32)[:PICTURES]


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _state_of(stored: object, checkpoint: Path) -> Mapping[str, Tensor]:
    """The tensors by name, however they are wrapped."""
    for name in WRAPPED:
        if isinstance(stored, Mapping) and isinstance(stored.get(name), Mapping):
            stored = stored[name]
    if not isinstance(stored, Mapping) or not all(isinstance(value, Tensor) for value in stored.values()):
        raise CheckpointRefused(f"{checkpoint.name} holds no weights by name")
    # Written by several processes together, each name begins so.
    return {str(name).removeprefix("module."): value for name, value in stored.items()}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    main()

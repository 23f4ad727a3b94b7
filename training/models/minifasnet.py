"""Two MiniFASNets as one network, begun from their published weights and trained on.

Paper:    Minivision, "Silent-Face-Anti-Spoofing", 2020 (V2 and V1SE: MobileFaceNet-like, 80 px,
          0.43 M parameters each; Apache-2.0)
Input:    (N, 3, S, S) float32, RGB, 0..255, scaled down to 80 px by averaging areas and turned
          to BGR inside
Output:   (N,) float32, positive for live: one linear layer over what both see, 2 x 128 numbers
Weights:  begun from the published files, then made by training/train_minifasnet.py
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from facekey.core.types import Floats

SIDE_PX = 80
MAX_DEVIATIONS = 4.0  # an outlier must not decide alone
FIT_STEPS = 100
STATISTICS = 2  # the last two inputs of a batch norm, running mean and variance, are not trained


class Trunk(nn.Module):
    """A published ONNX network without its last layer, as torch parameters that can be trained.

    Batch norms keep the statistics they were published with.
    """

    def __init__(self, data: bytes) -> None:
        """Read the ONNX file.

        Raises:
            KeyError: it has an operation that isn't known here.
        """
        super().__init__()
        model = onnx.load_from_string(data)
        self.graph = model.graph
        self.input = model.graph.input[0].name
        last = next(node for node in reversed(model.graph.node) if node.op_type == "Gemm")
        self.output = last.input[0]
        self.nodes = _needed(list(model.graph.node), self.output)
        fixed = {
            name
            for node in self.nodes
            if node.op_type == "BatchNormalization"
            for name in list(node.input)[-STATISTICS:]
        }
        self.names = {
            value.name: f"p{place}"
            for place, value in enumerate(model.graph.initializer)
            if _used(value, self.nodes)
        }
        for value in model.graph.initializer:
            if value.name in self.names:
                tensor = torch.from_numpy(numpy_helper.to_array(value).copy())
                if value.name in fixed:
                    self.register_buffer(self.names[value.name], tensor)
                else:
                    self.register_parameter(self.names[value.name], nn.Parameter(tensor))
        for node in self.nodes:
            OPERATIONS[node.op_type]

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, 80, 80) float32 BGR 0..255 -> (N, 128)."""
        values: dict[str, Tensor] = {self.input: pixels}
        for name, attribute in self.names.items():
            values[name] = getattr(self, attribute)
        for node in self.nodes:
            attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            given = [values[name] for name in node.input]
            values[node.output[0]] = OPERATIONS[node.op_type](given, attributes)
        return values[self.output]

    def constants(self) -> dict[str, Floats]:
        """The weights as they are now, by their names in the ONNX file."""
        return {name: getattr(self, attribute).detach().numpy() for name, attribute in self.names.items()}


class Decision(nn.Module):
    """Logistic regression on what the trunks see, each number brought to one scale and bounded."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.limit = MAX_DEVIATIONS
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.last = nn.Linear(features, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """(N, features) -> (N,) logits of "live"."""
        even = ((seen - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)).clamp(
            -self.limit, self.limit
        )
        return cast(Tensor, self.last(even))[:, 0]

    @classmethod
    def fit(
        cls, seen: Floats, live: NDArray[np.bool_], weight: NDArray[np.float64], *, ridge: float
    ) -> "Decision":
        """Fit it by L-BFGS.

        Args:
            seen: (N, features).
            live: (N,).
            weight: (N,), sums to 1.
            ridge: pull of the weights towards 0.
        """
        decision = cls(seen.shape[1])
        features, wanted = torch.from_numpy(seen), torch.from_numpy(live.astype(np.float32))
        share = torch.from_numpy(weight.astype(np.float32))
        decision.mean = features.mean(dim=0)
        decision.deviation = features.std(dim=0) + 1e-3
        nn.init.zeros_(decision.last.weight)
        nn.init.zeros_(decision.last.bias)
        optimizer = torch.optim.LBFGS(
            decision.last.parameters(), max_iter=FIT_STEPS, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            optimizer.zero_grad()
            each = functional.binary_cross_entropy_with_logits(decision(features), wanted, reduction="none")
            total = (each * share).sum() + ridge * decision.last.weight.square().sum()
            total.backward()
            return cast(Tensor, total)

        optimizer.step(loss)
        return decision

    def load(self, other: "Decision") -> None:
        """Take over another's numbers."""
        self.load_state_dict(other.state_dict())


class MiniFasNets(nn.Module):
    """Both trunks and the one layer that decides."""

    def __init__(self, trunks: list[bytes], *, crop_px: int) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(Trunk(data) for data in trunks)
        self.register_buffer("shrink", torch.from_numpy(area_matrix(crop_px, SIDE_PX)))
        with torch.inference_mode():
            self.features = self.describe(torch.zeros(1, 3, crop_px, crop_px)).shape[1]
        self.decision = Decision(self.features)

    def describe(self, pixels: Tensor) -> Tensor:
        """What is seen: (N, 3, S, S) float32 0..255 -> (N, features)."""
        shrink = cast(Tensor, self.shrink)
        small = (shrink @ pixels @ shrink.T).flip(1)  # (N, 3, 80, 80) BGR
        return torch.cat([trunk(small) for trunk in self.trunks], dim=1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logit of "live": (N, 3, S, S) float32 0..255 -> (N,)."""
        return cast(Tensor, self.decision(self.describe(pixels)))


def area_matrix(long: int, short: int) -> Floats:
    """What averages `long` pixels down to `short`, each over its own part: (short, long) float32."""
    edges = np.linspace(0, long, short + 1)
    low, high = edges[:-1, None], edges[1:, None]
    places = np.arange(long)[None]
    overlap = np.clip(np.minimum(high, places + 1) - np.maximum(low, places), 0, None)
    result: Floats = (overlap * (short / long)).astype(np.float32)
    return result


Attributes = dict[str, Any]


def _conv(given: list[Tensor], attributes: Attributes) -> Tensor:
    bias = given[2] if len(given) > 2 else None
    return functional.conv2d(
        given[0],
        given[1],
        bias,
        stride=attributes["strides"],
        padding=attributes["pads"][:2],
        groups=attributes["group"],
    )


def _norm(given: list[Tensor], attributes: Attributes) -> Tensor:
    x, weight, bias, mean, variance = given
    return functional.batch_norm(x, mean, variance, weight, bias, training=False, eps=attributes["epsilon"])


def _linear(given: list[Tensor], attributes: Attributes) -> Tensor:
    weight = given[1] if attributes.get("transB") else given[1].T
    return functional.linear(given[0], weight, given[2] if len(given) > 2 else None)


OPERATIONS: dict[str, Callable[[list[Tensor], Attributes], Tensor]] = {
    "Conv": _conv,
    "BatchNormalization": _norm,
    "Gemm": _linear,
    "PRelu": lambda given, _: functional.prelu(given[0], given[1].flatten()),
    "Add": lambda given, _: given[0] + given[1],
    "Mul": lambda given, _: given[0] * given[1],
    "Relu": lambda given, _: functional.relu(given[0]),
    "Sigmoid": lambda given, _: torch.sigmoid(given[0]),
    "GlobalAveragePool": lambda given, _: given[0].mean(dim=(2, 3), keepdim=True),
    "Flatten": lambda given, _: given[0].flatten(1),
}
"""All that these two networks are made of."""


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """The nodes that `output` depends on, in their order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _used(value: onnx.TensorProto, nodes: list[onnx.NodeProto]) -> bool:
    return any(value.name in node.input for node in nodes)

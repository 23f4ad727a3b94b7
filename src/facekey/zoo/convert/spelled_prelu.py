"""PReLU that an exporter spelled out in five operators, put back into one.

    RELU(x) + slope * (x - ABS(x))

is x for positive x and 2 * slope * x for negative x: a PReLU of twice the slope.
"""

from dataclasses import replace

import numpy as np

from facekey.zoo.convert.tflite_file import Operator, TfliteGraph


def fold_prelu(graph: TfliteGraph) -> TfliteGraph:
    """Replace every spelled-out PReLU by one PRELU operator; anything else stays as it is."""
    made_by = {output: step for step in graph.operators for output in step.outputs}
    tensors = list(graph.tensors)
    operators: list[Operator] = []
    for step in graph.operators:
        pattern = _match(step, made_by, graph)
        if pattern is None:
            operators.append(step)
            continue
        source, slope = pattern
        doubled = graph.tensors[slope]
        if doubled.constant is None:
            operators.append(step)
            continue
        tensors.append(replace(doubled, constant=2 * doubled.constant.astype(np.float32)))
        operators.append(Operator("PRELU", (source, len(tensors) - 1), step.outputs, None))
    return replace(graph, tensors=tuple(tensors), operators=_alive(operators, graph.outputs))


def _match(step: Operator, made_by: dict[int, Operator], graph: TfliteGraph) -> tuple[int, int] | None:
    """(x, slope) as tensor indices when `step` is the final ADD of the pattern, else None."""
    if step.kind != "ADD" or _fused(step):
        return None
    rectified, product = (made_by.get(index) for index in step.inputs)
    if rectified is None or product is None or (rectified.kind, product.kind) != ("RELU", "MUL"):
        return None
    slopes = [index for index in product.inputs if graph.tensors[index].constant is not None]
    differences = [made_by[index] for index in product.inputs if index in made_by]
    if len(slopes) != 1 or len(differences) != 1 or differences[0].kind != "SUB":
        return None
    source, magnitude = differences[0].inputs
    absolute = made_by.get(magnitude)
    if absolute is None or absolute.kind != "ABS" or _fused(product) or _fused(differences[0]):
        return None
    if absolute.inputs[0] != source or rectified.inputs[0] != source:
        return None
    return source, slopes[0]


def _fused(step: Operator) -> bool:
    return step.options is not None and step.options.int8(0) != 0


def _alive(operators: list[Operator], outputs: tuple[int, ...]) -> tuple[Operator, ...]:
    """Drop what nothing uses any more."""
    needed, kept = set(outputs), []
    for step in reversed(operators):
        if needed.intersection(step.outputs):
            needed.update(step.inputs)
            kept.append(step)
    return tuple(reversed(kept))

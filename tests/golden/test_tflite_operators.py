"""Each operator of the converter against LiteRT, on files of our own."""

import numpy as np
import pytest
from numpy.typing import NDArray

from facekey.core.errors import ConversionError
from facekey.core.types import ModelId
from facekey.zoo.convert.tflite import convert_tflite
from facekey.zoo.onnx import OnnxSession
from tests.golden.test_tflite_conversion import LiteRt
from tests.golden.tflite_writer import TfliteWriter

SAME, VALID = 0, 1
RANDOM = np.random.default_rng(11)


def numbers(*shape: int) -> NDArray[np.float32]:
    return RANDOM.normal(size=shape).astype(np.float32)


def check(writer: TfliteWriter, source: int, result: int) -> None:
    """Ours and LiteRT's outputs are the same picture."""
    file = writer.file(source, result)
    images = numbers(*writer.tensors[source][0])
    shape = writer.tensors[result][0]
    theirs = LiteRt(file).run(images)[0].reshape(len(images), *shape[1:])
    graph = convert_tflite(file, name="x", outputs=["y"]).SerializeToString()
    session = OnnxSession(graph, model_id=ModelId("x"))
    (ours,) = session.run(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    if len(shape) == 4:
        theirs = theirs.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, atol=1e-5)


def windows(size: int, window: int, stride: int, padding: int) -> int:
    return -(-size // stride) if padding == SAME else (size - window) // stride + 1


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("size", [(7, 7), (8, 6), (9, 8)])
@pytest.mark.parametrize("window", [(1, 1), (2, 3), (3, 3)])
@pytest.mark.parametrize("activation", [0, 3])
def test_windows(
    *,
    kind: str,
    padding: int,
    stride: tuple[int, int],
    size: tuple[int, int],
    window: tuple[int, int],
    activation: int,
) -> None:
    writer = TfliteWriter()
    source = writer.tensor((1, *size, 4))
    rows, columns = (windows(*each, padding) for each in zip(size, window, stride, strict=True))
    across = (stride[1], stride[0])  # the schema has width before height
    if kind == "CONV_2D":
        inputs = [source, writer.constant(numbers(5, *window, 4)), writer.constant(numbers(5))]
        result = writer.step(kind, inputs, (1, rows, columns, 5), padding, *across, activation, 1, 1)
    elif kind == "DEPTHWISE_CONV_2D":
        inputs = [source, writer.constant(numbers(1, *window, 4)), writer.constant(numbers(4))]
        result = writer.step(kind, inputs, (1, rows, columns, 4), padding, *across, 1, activation, 1, 1)
    else:
        result = writer.step(
            kind, [source], (1, rows, columns, 4), padding, *across, window[1], window[0], activation
        )
    check(writer, source, result)


def test_weights_in_half_precision() -> None:
    writer = TfliteWriter()
    source = writer.tensor((1, 5, 5, 2))
    kernel = writer.step(
        "DEQUANTIZE", [writer.constant(numbers(3, 3, 3, 2).astype(np.float16))], (3, 3, 3, 2)
    )
    bias = writer.step("DEQUANTIZE", [writer.constant(numbers(3).astype(np.float16))], (3,))
    check(writer, source, writer.step("CONV_2D", [source, kernel, bias], (1, 5, 5, 3), SAME, 1, 1, 0, 1, 1))


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("other", [(4,), (1, 1, 1, 4), (1, 5, 5, 1), (1,), (1, 5, 5, 4)])
@pytest.mark.parametrize("activation", [0, 1])
def test_arithmetic_with_a_constant(kind: str, other: tuple[int, ...], activation: int) -> None:
    writer = TfliteWriter()
    source = writer.tensor((1, 5, 5, 4))
    inputs = [source, writer.constant(numbers(*other))]
    check(writer, source, writer.step(kind, inputs, (1, 5, 5, 4), activation))


@pytest.mark.parametrize("slope", [(1, 1, 4), (5, 3, 4)])
def test_prelu_with_a_slope_for_each_channel_or_each_place(slope: tuple[int, ...]) -> None:
    writer = TfliteWriter()
    source = writer.tensor((2, 5, 3, 4))
    check(writer, source, writer.step("PRELU", [source, writer.constant(numbers(*slope))], (2, 5, 3, 4)))


def spelled_prelu(writer: TfliteWriter, source: int, slope: int, *, minuend: int | None = None) -> int:
    shape = (1, 4, 4, 3)
    rectified = writer.step("RELU", [source], shape)
    magnitude = writer.step("ABS", [source], shape)
    difference = writer.step("SUB", [source if minuend is None else minuend, magnitude], shape, 0)
    scaled = writer.step("MUL", [slope, difference], shape, 0)
    return writer.step("ADD", [rectified, scaled], shape, 0)


def test_a_spelled_out_prelu_becomes_one() -> None:
    writer = TfliteWriter()
    source = writer.tensor((1, 4, 4, 3))
    result = spelled_prelu(writer, source, writer.constant(numbers(3)))
    check(writer, source, result)
    graph = convert_tflite(writer.file(source, result), name="x", outputs=["y"]).graph
    assert [node.op_type for node in graph.node] == ["PRelu", "Identity"]


def test_what_only_looks_like_one_stays_as_it_is() -> None:
    writer = TfliteWriter()
    source = writer.tensor((1, 4, 4, 3))
    other = writer.step("ADD", [source, source], (1, 4, 4, 3), 0)
    result = spelled_prelu(writer, source, writer.constant(numbers(3)), minuend=other)
    check(writer, source, result)


@pytest.mark.parametrize("amounts", [((0, 0), (1, 2), (0, 3), (0, 0)), ((0, 0), (0, 0), (0, 0), (0, 5))])
def test_pad(amounts: tuple[tuple[int, int], ...]) -> None:
    writer = TfliteWriter()
    source = writer.tensor((1, 4, 4, 3))
    shape = [size + sum(amount) for size, amount in zip((1, 4, 4, 3), amounts, strict=True)]
    check(writer, source, writer.step("PAD", [source, writer.constant(np.array(amounts, np.int32))], shape))


def test_one_pixel_becomes_a_vector() -> None:
    writer = TfliteWriter()
    source = writer.tensor((2, 1, 1, 6))
    check(
        writer, source, writer.step("RESHAPE", [source, writer.constant(np.array([2, 6], np.int32))], (2, 6))
    )


def refused(writer: TfliteWriter, source: int, result: int, complaint: str) -> None:
    with pytest.raises(ConversionError, match=complaint):
        convert_tflite(writer.file(source, result), name="x", outputs=["y"])


def test_what_is_not_known_is_named_and_not_guessed() -> None:
    def start() -> tuple[TfliteWriter, int]:
        writer = TfliteWriter()
        return writer, writer.tensor((1, 4, 4, 3))

    writer, x = start()
    refused(writer, x, writer.step("LOGISTIC", [x], (1, 4, 4, 3)), "operator 14")
    writer, x = start()
    refused(writer, x, writer.step("ADD", [x, x], (1, 4, 4, 3), 4), "fused activation 4")
    writer, x = start()
    flat = writer.constant(np.array([1, 48], np.int32))
    refused(writer, x, writer.step("RESHAPE", [x, flat], (1, 48)), r"RESHAPE from \(1, 4, 4, 3\)")
    writer, x = start()
    kernel = writer.constant(numbers(1, 2, 2, 3))
    refused(writer, x, writer.step("CONV_2D", [x, kernel], (1, 2, 2, 1), VALID, 1, 1, 0, 2, 2), "dilated")
    writer, x = start()
    refused(writer, x, writer.step("DEQUANTIZE", [x], (1, 4, 4, 3)), "float16 weights")
    writer, x = start()
    refused(writer, x, writer.step("PAD", [x, writer.tensor((4, 2))], (1, 4, 4, 3)), "fixed amounts")
    writer, x = start()
    refused(
        writer, x, writer.step("ABS", [writer.tensor((1, 4, 4, 3))], (1, 4, 4, 3)), "before it is computed"
    )
    writer, x = start()
    refused(writer, x, writer.step("PRELU", [x, x], (1, 4, 4, 3)), "should be float weights")
    writer = TfliteWriter()
    x = writer.tensor((1, 4))
    refused(writer, x, writer.step("ABS", [x], (1, 4)), "should be an image")

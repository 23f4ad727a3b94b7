import numpy as np
import pytest

from facekey.core.errors import ConversionError
from facekey.zoo.convert.flatbuffer import FlatTable
from facekey.zoo.convert.tflite import convert_tflite
from facekey.zoo.convert.tflite_file import read_tflite
from facekey.zoo.zoo import Zoo


@pytest.fixture(scope="module")
def facemesh(zoo: Zoo) -> bytes:
    return zoo.published("facemesh").read_bytes()


def changed(data: bytes, table: FlatTable, slot: int, value: bytes) -> bytes:
    """The same file with one field of one table overwritten."""
    vtable = table.position - int.from_bytes(data[table.position : table.position + 4], "little", signed=True)
    entry = vtable + 4 + 2 * slot
    at = table.position + int.from_bytes(data[entry : entry + 2], "little")
    assert at > table.position
    return data[:at] + value + data[at + len(value) :]


def test_the_graph_is_read(facemesh: bytes) -> None:
    graph = read_tflite(facemesh)
    assert graph.tensors[graph.inputs[0]].shape == (1, 192, 192, 3)
    assert {step.kind for step in graph.operators} == {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "PRELU",
        "ADD",
        "MAX_POOL_2D",
        "PAD",
    }


def test_an_operator_that_is_not_known_is_named(facemesh: bytes) -> None:
    code = FlatTable.root(facemesh, identifier=b"TFL3").tables(1)[0]
    with pytest.raises(ConversionError, match="TFLite operator 99 is not known"):
        read_tflite(changed(facemesh, code, 0, b"\x63"))


@pytest.mark.parametrize("length", [0, 3, 8, 100, 5000, 100_000])
def test_a_cut_file_is_refused(facemesh: bytes, length: int) -> None:
    with pytest.raises(ConversionError):
        read_tflite(facemesh[:length])


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(ConversionError, match="not a TFL3"):
        read_tflite(bytes(100))


def test_the_outputs_are_counted(facemesh: bytes) -> None:
    with pytest.raises(ConversionError, match="expected 1 input and 3 outputs"):
        convert_tflite(facemesh, name="x", outputs=["a", "b", "c"])


def test_padding_puts_the_odd_pixel_below_and_right(facemesh: bytes) -> None:
    # 192 pixels, a window of 3, a stride of 2: one pixel of padding in all, at the end.
    first = convert_tflite(facemesh, name="x", outputs=["a", "b"]).graph.node[0]
    pads = next(attribute.ints for attribute in first.attribute if attribute.name == "pads")
    np.testing.assert_array_equal(pads, [0, 0, 1, 1])

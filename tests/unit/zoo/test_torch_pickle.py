import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facekey.core.errors import ConversionError
from facekey.zoo.convert.state import StateDict
from facekey.zoo.convert.torch_pickle import read_state_dict
from facekey.zoo.zoo import Zoo


class Global:
    """Pickles as a bare name, as torch's own classes do, without torch being there."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """Pickles as a call of a name."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.function, self.arguments = Global(module, name), arguments


class Storage:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.key, self.count, self.kind = key, count, kind


def pickled(value: object) -> bytes:
    """Protocol 2, by hand: the pickler of the library would look the names up."""
    out = bytearray(b"\x80\x02")

    def write(part: Any) -> None:
        if isinstance(part, Global):
            out.extend(f"c{part.module}\n{part.name}\n".encode())
        elif isinstance(part, Call):
            write(part.function)
            write(part.arguments)
            out.extend(b"R")
        elif isinstance(part, Storage):
            write(("storage", Global("torch", part.kind), part.key, "cpu", part.count))
            out.extend(b"Q")
        elif isinstance(part, tuple):
            out.extend(b"(")
            for item in part:
                write(item)
            out.extend(b"t")
        elif isinstance(part, dict):
            out.extend(b"}(")
            for key, item in part.items():
                write(key)
                write(item)
            out.extend(b"u")
        else:
            out.extend(pickle.dumps(part, 2)[2:-1])

    write(value)
    return bytes(out) + b"."


def tensor(
    storage: object, *, offset: int = 0, shape: tuple[int, ...] = (2,), strides: tuple[int, ...] = (1,)
) -> Call:
    hooks = Call("collections", "OrderedDict")
    return Call("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, False, hooks)


def torch_file(value: object, **storages: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net/data.pkl", value if isinstance(value, bytes) else pickled(value))
        for key, content in storages.items():
            archive.writestr(f"net/data/{key}", content)
    return buffer.getvalue()


NUMBERS = np.arange(6, dtype=np.float32).tobytes()


def test_tensors_are_views_of_storages() -> None:
    state = {
        "first": tensor(Storage("a", 6)),
        "turned": tensor(Storage("a", 6), shape=(3, 2), strides=(1, 3)),
        "last": tensor(Storage("a", 6), offset=5, shape=(1,)),
        "scalar": tensor(Storage("a", 6), offset=2, shape=(), strides=()),
    }
    read = read_state_dict(torch_file(state, a=NUMBERS))
    assert read["first"].tolist() == [0, 1]
    assert read["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert read["last"].tolist() == [5]
    assert read["scalar"].tolist() == 2


def test_a_checkpoint_gives_its_state_dict() -> None:
    state = {"step": 7, "model_state": {"x": tensor(Storage("a", 6))}, "optimizer_state": {"lr": 1}}
    assert list(read_state_dict(torch_file(state, a=NUMBERS))) == ["x"]
    for held in (3, [1], {"x": 3}):
        with pytest.raises(ConversionError):
            read_state_dict(torch_file({"model_state": held}))


def test_the_older_form_is_read(zoo: Zoo) -> None:
    state = read_state_dict(zoo.published("mtcnn_pnet").read_bytes())
    assert state["conv1.weight"].shape == (10, 3, 3, 3)
    assert len(state) == 13


@pytest.mark.parametrize("wrap", [lambda program: program, torch_file])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("torch", "load"),
        ("torch", "os.system"),
        ("torch._utils", "_rebuild_parameter"),
        ("collections", "namedtuple"),
        ("numpy", "load"),
    ],
)
def test_a_program_in_the_pickle_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, wrap: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConversionError, match="which no state dict needs; refused"):
        read_state_dict(wrap(pickled({"x": Call(module, name, "echo > ran")})))
    assert not (tmp_path / "ran").exists()


def test_what_pickle_itself_would_run_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    for protocol in range(6):
        with pytest.raises(ConversionError):
            read_state_dict(torch_file(pickle.dumps(OrderedDict(x=Evil()), protocol)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "state",
    [
        {"x": 3},
        {3: tensor(Storage("a", 6))},
        [1],
        {"x": tensor("storage")},
        {"x": tensor(Storage("a", 6), offset=5)},
        {"x": tensor(Storage("a", 6), offset=-1)},
        {"x": tensor(Storage("a", 6), shape=(7,))},
        {"x": tensor(Storage("a", 6), shape=(-1,))},
        {"x": tensor(Storage("a", 6), shape=(2, 2))},
        {"x": tensor(Storage("a", 6), shape=(10**9,), strides=(0,))},
        {"x": tensor(Storage("a", 7))},
        {"x": tensor(Storage("a", 10**12))},
        {"x": tensor(Storage("a", -1))},
        {"x": tensor(Storage("b", 6))},
        {"x": tensor(Storage("a", 6, kind="QInt8Storage"))},
    ],
)
def test_a_state_dict_that_is_none_is_refused(state: object) -> None:
    with pytest.raises(ConversionError):
        read_state_dict(torch_file(state, a=NUMBERS))


@pytest.mark.parametrize(
    "garbage", [b"", b"garbage", b"\x80\x02.", b"\x80\x02N.", torch_file(b"N."), b"\x80\xff"]
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ConversionError):
        read_state_dict(garbage)


def test_a_cut_older_file_is_refused(zoo: Zoo) -> None:
    content = zoo.published("mtcnn_pnet").read_bytes()
    for length in range(10, len(content), len(content) // 40):
        with pytest.raises(ConversionError):
            read_state_dict(content[:length])


def test_every_tensor_of_a_network_is_used_once() -> None:
    state = StateDict({"a": np.ones((2, 3)), "b.num": np.ones(1)})
    with pytest.raises(ConversionError, match="has no c"):
        state.take("c", (1,))
    with pytest.raises(ConversionError, match=r"instead of \(3, 2\)"):
        StateDict({"a": np.ones((2, 3))}).take("a", (3, 2))
    state.take("a", (2, 3))
    with pytest.raises(ConversionError, match=r"more than the network: b\.num"):
        state.close()
    state.drop(".num")
    state.close()

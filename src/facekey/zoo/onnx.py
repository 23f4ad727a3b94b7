"""The only file that touches ONNX Runtime.

A session is safe to share: `run` may be called from any thread at once.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import ModelId
from facekey.zoo.batching import Arrays, Batcher, Batching
from facekey.zoo.cores import MAX_THREADS, usable_cores
from facekey.zoo.device import Device

ERROR_LEVEL = 3  # ONNX Runtime's own numbering; warnings about unused initialisers are noise

RunObserver = Callable[[float], None]
"""Called with the seconds that a run took."""


def runs_on_processor(device: Device | None = None) -> bool:
    """Whether networks run on the processor alone, because that was asked for or because there is no more."""
    return (device or Device()).on_processor(available_providers())


def available_providers() -> frozenset[str]:
    """The execution providers of this build of ONNX Runtime."""
    return frozenset(onnxruntime.get_available_providers())


def runtime_version() -> str:
    """Version of ONNX Runtime; what `simplify` makes depends on it."""
    return str(onnxruntime.__version__)


def simplify(model: bytes) -> bytes:
    """Fold once, for good, what ONNX Runtime would fold at every start.

    Only its basic level: the result is still plain ONNX, for any machine and provider.

    Raises:
        ModelError: ONNX Runtime can't load the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "simplified.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = os.fspath(target)
        options.log_severity_level = ERROR_LEVEL
        options.intra_op_num_threads = 1
        try:
            onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no root of their own.
            raise ModelError(f"ONNX Runtime can't load the converted network: {error}") from error
        return target.read_bytes()


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network. A free dimension is None."""

    name: str
    shape: tuple[int | None, ...]


class OnnxSession:
    """A loaded network. Mirrors ONNX Runtime's session, with names, shapes and errors of ours."""

    def __init__(
        self,
        model: Path | bytes,
        *,
        model_id: ModelId,
        threads: int = MAX_THREADS,
        device: Device | None = None,
        batching: Batching | None = None,
        observe: RunObserver | None = None,
    ) -> None:
        """Load a network onto a device.

        Args:
            model: an ONNX file, or its bytes. Whoever calls has checked its hash.
            model_id: stored with everything the network makes.
            threads: for one run, at most; fewer where this process has fewer cores.
            device: what it runs on; left out, the best there is.
            batching: what different threads ask for at once is computed together, where the network
                takes any number of rows; left out, each is computed alone.
            observe: told how long each run took.

        Raises:
            ModelError: ONNX Runtime can't load it, or not onto the device that was asked for.
        """
        device = device or Device()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERROR_LEVEL
        options.intra_op_num_threads = min(threads, usable_cores())
        _share_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        # Threads that wait must sleep. By default they spin, which costs more than it
        # saves: see docs/decisions/0005-threads-that-wait-sleep.md.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                model if isinstance(model, bytes) else os.fspath(model),
                options,
                providers=device.providers(available_providers()),
            )
        except Exception as error:  # ONNX Runtime's exceptions share no root of their own.
            raise ModelError(f"{model_id}: ONNX Runtime can't load it: {error}") from error
        if device.provider not in (None, *self._session.get_providers()):
            # ONNX Runtime itself goes on with the processor.
            raise ModelError(
                f"{model_id}: can't be run on {device.kind}; its driver or libraries may be missing"
            )
        self._model_id = model_id
        self._observe = observe
        self._inputs = tuple(_port(value) for value in self._session.get_inputs())
        self._outputs = tuple(_port(value) for value in self._session.get_outputs())
        takes_any = all(port.shape[:1] == (None,) for port in (*self._inputs, *self._outputs))
        self._batcher = Batcher(self._run, batching) if batching is not None and takes_any else None

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        return self._model_id

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What the network takes."""
        return self._inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What the network gives."""
        return self._outputs

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return str(self._session.get_providers()[0])

    def require(
        self, *, inputs: Sequence[tuple[int | None, ...]], outputs: Sequence[tuple[int | None, ...]]
    ) -> None:
        """Check the shapes without the batch dimension; None stands for any size.

        Raises:
            ModelError: the network is not the one that its adapter was written for.
        """
        for kind, ports, wanted in (("input", self._inputs, inputs), ("output", self._outputs, outputs)):
            found = tuple(port.shape[1:] for port in ports)
            if len(found) != len(wanted) or not all(map(_fits, found, wanted)):
                raise ModelError(f"{self._model_id}: {kind} shapes are {found}, expected {tuple(wanted)}")

    def run(self, *arrays: NDArray[np.generic]) -> list[NDArray[np.float32]]:
        """Compute all outputs, in the network's order.

        Args:
            arrays: one for each input, in the network's order, C-contiguous.

        Raises:
            ModelOutputInvalid: ONNX Runtime refused the arrays or failed.
        """
        if len(arrays) != len(self._inputs):
            raise ModelOutputInvalid(self._model_id, f"takes {len(self._inputs)} inputs, got {len(arrays)}")
        return self._run(arrays) if self._batcher is None else self._batcher.run(arrays)

    def _run(self, arrays: Arrays) -> list[NDArray[np.float32]]:
        feed = {port.name: array for port, array in zip(self._inputs, arrays, strict=True)}
        began = time.perf_counter()
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(None, feed)
        except Exception as error:  # ONNX Runtime's exceptions share no root of their own.
            raise ModelOutputInvalid(self._model_id, f"inference failed: {error}") from error
        if self._observe is not None:
            self._observe(time.perf_counter() - began)
        return outputs


@cache
def _share_memory() -> None:
    """Let all networks of this process compute in the same memory.

    They take turns, and each would keep for itself the most that it ever needed:
    see docs/decisions/0018-one-memory-for-all-networks.md.
    """
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, None)


def _port(value: onnxruntime.NodeArg) -> Port:
    shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    return Port(value.name, shape)


def _fits(found: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(
        want is None or have is None or have == want for have, want in zip(found, wanted, strict=True)
    )

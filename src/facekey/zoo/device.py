"""What networks run on, in ONNX Runtime's own words: execution providers and their options."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facekey.core.errors import SettingsInvalid

DeviceKind = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "coreml"]

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""Execution providers, the preferred one first; `auto` takes those that the build has."""

PACKAGES = {"tensorrt": "onnxruntime-gpu", "cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}
"""Where a build with the provider comes from. Each takes the place of `onnxruntime`."""

Provider = tuple[str, dict[str, str]]
"""Name of an execution provider, and its options."""


@dataclass(frozen=True, slots=True)
class Device:
    """What networks run on.

    Attributes:
        kind: `auto` takes the best there is and is content with the processor; anything else is
            refused where it can't be had.
        number: which one, of several accelerators.
        memory_bytes: the most that CUDA may take for one network; None for no limit.
        engines: where TensorRT keeps what it builds for this very device, which takes minutes;
            None builds at every start.
    """

    kind: DeviceKind = "auto"
    number: int = 0
    memory_bytes: int | None = None
    engines: Path | None = None

    @property
    def provider(self) -> str | None:
        """The one execution provider that will do; None when any will."""
        return PROVIDERS.get(self.kind)

    def require(self, available: Collection[str]) -> None:
        """Find out whether this build of ONNX Runtime has what was asked for.

        Raises:
            SettingsInvalid: it hasn't; says what to install.
        """
        if self.provider is None or self.provider in available:
            return
        here = ", ".join(kind for kind, name in PROVIDERS.items() if name in available)
        package = PACKAGES.get(self.kind)
        how = f"install {package} in place of onnxruntime, or " if package else ""
        raise SettingsInvalid(
            f"FACEKEY_DEVICE is {self.kind}, but this ONNX Runtime has only: {here}; {how}choose auto"
        )

    def on_processor(self, available: Collection[str]) -> bool:
        """Whether networks run on the processor alone."""
        return [name for name, _ in self.providers(available)] == [PROVIDERS["cpu"]]

    def providers(self, available: Collection[str]) -> list[Provider]:
        """What to ask for, the preferred one first, with the processor for what others can't run."""
        wanted = {
            "auto": tuple(PROVIDERS),
            "tensorrt": ("tensorrt", "cuda", "cpu"),  # CUDA runs what TensorRT can't
        }.get(self.kind, (self.kind, "cpu"))
        kinds = dict.fromkeys(kind for kind in wanted if PROVIDERS[kind] in available)
        return [(PROVIDERS[kind], self._options(kind)) for kind in kinds]

    def _options(self, kind: str) -> dict[str, str]:
        """What differs from the provider's own defaults: thresholds were measured in 32 bits."""
        memory = {} if self.memory_bytes is None else {"gpu_mem_limit": str(self.memory_bytes)}
        if kind == "cuda":
            return {
                "device_id": str(self.number),
                "use_tf32": "0",  # TensorFloat keeps 10 bits of a number
                # Trying all algorithms anew for each size of picture costs seconds.
                "cudnn_conv_algo_search": "HEURISTIC",
                "arena_extend_strategy": "kSameAsRequested",
                **memory,
            }
        if kind == "tensorrt":
            options = {"device_id": str(self.number), "trt_fp16_enable": "0", "trt_int8_enable": "0"}
            if self.engines is not None:
                options |= {
                    "trt_engine_cache_enable": "1",
                    "trt_engine_cache_path": str(self.engines),
                    "trt_timing_cache_enable": "1",
                }
            return options
        return {}

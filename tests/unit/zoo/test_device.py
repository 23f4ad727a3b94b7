from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from facekey.core.errors import ModelError, SettingsInvalid
from facekey.core.types import ModelId
from facekey.settings import Settings
from facekey.wiring.vision import open_device, open_zoo
from facekey.zoo.device import PROVIDERS, Device, DeviceKind
from facekey.zoo.onnx import OnnxSession, available_providers

CPU = PROVIDERS["cpu"]
EVERYTHING = frozenset(PROVIDERS.values())


@pytest.mark.parametrize(
    ("kind", "available", "expected"),
    [
        ("auto", EVERYTHING, list(PROVIDERS)),
        ("auto", {CPU}, ["cpu"]),
        ("auto", {CPU, PROVIDERS["openvino"], "AzureExecutionProvider"}, ["openvino", "cpu"]),
        ("cpu", EVERYTHING, ["cpu"]),
        ("cuda", EVERYTHING, ["cuda", "cpu"]),
        ("tensorrt", EVERYTHING, ["tensorrt", "cuda", "cpu"]),
        ("tensorrt", {PROVIDERS["tensorrt"], CPU}, ["tensorrt", "cpu"]),
        ("openvino", EVERYTHING, ["openvino", "cpu"]),
        ("coreml", EVERYTHING, ["coreml", "cpu"]),
    ],
)
def test_which_providers_are_asked_for(kind: DeviceKind, available: set[str], expected: list[str]) -> None:
    device = Device(kind)
    device.require(available)
    assert [name for name, _ in device.providers(available)] == [PROVIDERS[one] for one in expected]
    assert device.on_processor(available) is (expected == ["cpu"])


def test_cuda_computes_in_32_bits_and_within_its_memory() -> None:
    (name, options), _ = Device("cuda", number=1, memory_bytes=2 << 30).providers(EVERYTHING)
    assert name == "CUDAExecutionProvider"
    assert options == {
        "device_id": "1",
        "use_tf32": "0",
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "gpu_mem_limit": str(2 << 30),
    }
    assert "gpu_mem_limit" not in Device("cuda").providers(EVERYTHING)[0][1]


def test_tensorrt_computes_in_32_bits_and_keeps_what_it_built(tmp_path: Path) -> None:
    (_, options), *_ = Device("tensorrt", number=2, engines=tmp_path).providers(EVERYTHING)
    assert options["device_id"] == "2"
    assert options["trt_fp16_enable"] == options["trt_int8_enable"] == "0"
    assert options["trt_engine_cache_path"] == str(tmp_path)
    assert "trt_engine_cache_path" not in Device("tensorrt").providers(EVERYTHING)[0][1]


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("cuda", "install onnxruntime-gpu in place of onnxruntime"),
        ("tensorrt", "install onnxruntime-gpu in place of onnxruntime"),
        ("openvino", "install onnxruntime-openvino in place of onnxruntime"),
        ("coreml", "has only: cpu; choose auto"),
    ],
)
def test_a_device_that_the_build_lacks_is_refused(kind: DeviceKind, advice: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"FACEKEY_DEVICE is {kind}.*{advice}"):
        Device(kind).require({CPU})


def test_settings_name_the_device(tmp_path: Path) -> None:
    settings = Settings(device="cpu", device_number=3, device_memory_mb=512, models_dir=tmp_path)
    assert open_device(settings) == Device("cpu", 3, 512 << 20, tmp_path / "tensorrt")


@pytest.mark.skipif("CUDAExecutionProvider" in available_providers(), reason="a build with CUDA is installed")
def test_a_service_refuses_to_start_without_the_device() -> None:
    with pytest.raises(SettingsInvalid, match="FACEKEY_DEVICE is cuda"):
        open_zoo(Settings(device="cuda"))


def doubling() -> bytes:
    """A network that gives each row twice as much."""
    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "g", rows[:1], rows[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


class Elsewhere(Device):
    """A device that ONNX Runtime silently replaces by the processor."""

    def providers(self, available: object) -> list[tuple[str, dict[str, str]]]:
        return [(CPU, {})]


def test_a_network_that_lands_elsewhere_is_refused() -> None:
    with pytest.raises(
        ModelError, match="double: can't be run on cuda; its driver or libraries may be missing"
    ):
        OnnxSession(doubling(), model_id=ModelId("double"), device=Elsewhere("cuda"))
    assert OnnxSession(doubling(), model_id=ModelId("double"), device=Device("cpu")).provider == CPU

"""Edge bundles on 64-bit ARM: the same decisions as here, under emulation.

Protocol: an int8 and an fp32 bundle enrol three public photos and authenticate two others, first with
this Python, then with an aarch64 Python that `qemu-aarch64-static` runs as a Cortex-A72 (the processor of a
Raspberry Pi 4), with the aarch64 wheels of numpy, ONNX Runtime and OpenCV. Decisions must be equal and
scores within what rounding explains. Emulation says nothing about speed or memory of a board.

Interpreter and libraries come from the machine's own Debian sources (`apt-get download`, unpacked into a
folder, nothing is installed), wheels from pip. Without qemu, apt or these packages the bench says why it
can't run and measures nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from bench.host import describe
from facekey.edge.bundle import Order, export_bundle
from facekey.edge.made import Precision
from facekey.edge.texts import LIBRARIES
from facekey.settings import default_models_dir, read_settings
from facekey.wiring.vision import open_zoo
from facekey.zoo.samples import load_samples, pull_samples
from facekey.zoo.zoo import default_cards_dir

QEMU = "qemu-aarch64-static"
PROCESSOR = "cortex-a72"
PACKAGES = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "libexpat1", "zlib1g",
    "libssl3", "libstdc++6", "libgcc-s1", "libffi8", "liblzma5", "libbz2-1.0", "libcrypt1",
)  # fmt: skip
PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
LARGEST_DIFFERENCE = {Precision.FP32: 1e-3, Precision.INT8: 3e-2}

CPU = """processor\t: {}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
"""What a Cortex-A72 says of itself. Without it ONNX Runtime reads this machine's and falls over."""


def main() -> None:
    """Prepare, run on both, compare."""
    print(__doc__)
    print(f"machine: {describe()}")
    if shutil.which(QEMU) is None or shutil.which("apt-get") is None:
        print(
            f"NOT MEASURED: {QEMU} or apt-get is missing; `apt-get install qemu-user-static` brings the first"
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            root = prepare(work)
        except subprocess.CalledProcessError as failed:
            print(f"NOT MEASURED: {' '.join(failed.cmd[:3])} failed: {failed.stderr.strip()[-300:]}")
            return
        samples = default_models_dir().parent / "samples"
        photos = {path.stem: path for path in pull_samples(load_samples(default_cards_dir()), samples)}
        for precision, most in LARGEST_DIFFERENCE.items():
            bundle = work / precision
            export_bundle(
                open_zoo(read_settings()), default_cards_dir(), bundle, Order(precision, {}, (), times=1)
            )
            here = decided(bundle, [sys.executable], photos, work / f"{precision}.here", {})
            there = decided(
                bundle,
                [QEMU, "-cpu", PROCESSOR, "-L", str(root), str(root / "usr/bin/python3.11")],
                photos,
                work / f"{precision}.there",
                {"PYTHONPATH": str(root / "site")},
            )
            compare(precision, here, there, most)


def prepare(work: Path) -> Path:
    """A folder with an aarch64 Python and the wheels.

    Raises:
        CalledProcessError: something can't be had.
    """
    root, debs, wheels = work / "root", work / "debs", work / "wheels"
    for path in (
        root / "proc",
        root / "site",
        debs,
        wheels,
        work / "apt/lists/partial",
        work / "cache/archives",
    ):
        path.mkdir(parents=True)
    (root / "proc" / "cpuinfo").write_text("".join(CPU.format(number) for number in range(2)))
    apt = ["apt-get", "-q"]
    for option in (
        "APT::Architecture=arm64", "APT::Architectures=arm64", f"Dir::State={work / 'apt'}",
        f"Dir::Cache={work / 'cache'}", "Dir::State::status=/dev/null", "APT::Sandbox::User=root",
    ):  # fmt: skip
        apt += ["-o", option]
    _run([*apt, "update"], debs)
    _run([*apt, "download", *PACKAGES], debs)
    for package in debs.glob("*.deb"):
        _run(["dpkg", "-x", str(package), str(root)], work)
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary=:all:",
        "-d",
        str(wheels),
    ]
    for platform in PLATFORMS:
        download += ["--platform", platform]
    _run([*download, "--python-version", "3.11", *(f"{name}=={version(name)}" for name in LIBRARIES)], work)
    for wheel in wheels.glob("*.whl"):
        shutil.unpack_archive(wheel, root / "site", "zip")
    return root


def decided(
    bundle: Path, python: list[str], photos: dict[str, Path], template: Path, environment: dict[str, str]
) -> list[dict[str, object]]:
    """What a bundle's own command says, run by one Python."""
    command = [*python, "-m", "facekey_edge", "--threads", "1"]
    mine = [str(photos[name]) for name in ("obama", "obama2", "obama3")]
    _run([*command, "enrol", *mine, "--template", str(template)], bundle, environment)
    answers = []
    for name in ("obama2", "biden"):
        done = subprocess.run(
            [*command, "authenticate", str(photos[name]), "--template", str(template)],
            cwd=bundle,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        answers.append(json.loads(done.stdout))
    return answers


def compare(
    precision: Precision, here: list[dict[str, object]], there: list[dict[str, object]], most: float
) -> None:
    """Print the differences, and end with an error where they are too large."""
    worst = 0.0
    for one, other in zip(here, there, strict=True):
        if (one["authenticated"], one["reason"]) != (other["authenticated"], other["reason"]):
            raise SystemExit(f"{precision}: decided {one['reason']} here and {other['reason']} on aarch64")
        for key in ("confidence", "liveness_score", "probability"):
            worst = max(worst, abs(float(str(one[key])) - float(str(other[key]))))
    print(f"{precision}: {len(here)} decisions are the same; scores differ by {worst:.1e} at most")
    if worst > most:
        raise SystemExit(f"{precision}: more than {most} is no rounding")


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        check=True,
        capture_output=True,
        text=True,
    )

"""Kubernetes manifests as kubectl builds them, read by the tests."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.debian import program

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deployment" / "k8s"
RENDERED = K8S / "facekey.yaml"
OVERLAYS = ("development", "standard", "production")
BUILDERS = (1, 27)
"""The oldest kubectl whose kustomize (5) these files are written for."""

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Resource = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """Something that starts pods."""

    kind: str
    name: str
    template: Resource

    @property
    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.template["metadata"]["labels"]
        return found

    @property
    def pod(self) -> Resource:
        spec: Resource = self.template["spec"]
        return spec

    @property
    def containers(self) -> list[Resource]:
        return [*self.pod.get("initContainers", ()), *self.pod["containers"]]


def read(text: str) -> list[Resource]:
    loaded = yaml.load_all(text, Loader=FAST)
    return [document for document in loaded if document is not None]


def kubectl() -> Path:
    """A kubectl that can build them; skips with the reason."""
    found = program("kubectl")
    told = subprocess.run(
        [found, "version", "--client", "-o", "json"], capture_output=True, text=True, timeout=30, check=True
    )
    version = json.loads(told.stdout)["clientVersion"]
    numbers = int(version["major"]), int(version["minor"].rstrip("+"))
    if numbers < BUILDERS:
        pytest.skip(
            f"kubectl {version['gitVersion']} is too old for kustomize 5: 1.27 or newer builds these files"
        )
    return found


@cache
def built(folder: Path) -> str:
    done = subprocess.run(
        [kubectl(), "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return done.stdout


@cache
def resources(name: str) -> list[Resource]:
    """Of an overlay, or of the file that `kubectl apply -f deployment/k8s/` reads."""
    return read(RENDERED.read_text() if name == "rendered" else built(K8S / "overlays" / name))


def of_kind(found: list[Resource], kind: str) -> dict[str, Resource]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def workloads(found: list[Resource]) -> Iterator[Workload]:
    for one in found:
        spec = one.get("spec", {})
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield Workload(one["kind"], one["metadata"]["name"], spec["template"])


def workload(found: list[Resource], name: str) -> Workload:
    """The one of this name; a job's name may end in a version."""
    return next(one for one in workloads(found) if one.name.startswith(name))


def settings_of(found: list[Resource]) -> Mapping[str, str]:
    """What the ConfigMap `facekey` puts into the service's environment."""
    maps = of_kind(found, "ConfigMap")
    return next(one["data"] for name, one in maps.items() if name.rpartition("-")[0] == "facekey")


def selects(selector: Resource, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes something with these labels."""
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(_expressed(one, labels) for one in selector.get("matchExpressions", ()))


def _expressed(expression: Resource, labels: Mapping[str, str]) -> bool:
    among = labels.get(expression["key"]) in expression["values"]
    return {"In": among, "NotIn": not among}[expression["operator"]]

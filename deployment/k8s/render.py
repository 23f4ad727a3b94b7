"""`make k8s`: the manifests that are made out of other files, and kept in the repository.

`facekey.yaml` is what `kubectl apply -f deployment/k8s/` applies: `overlays/standard`, built. The alerts
of the Prometheus operator are deployment/prometheus/rules in the operator's own kind. Both name their
sources; a test fails when they are older. Needs kubectl 1.27 or newer, which has kustomize 5.

A release takes the same with the names of published images:

    python deployment/k8s/render.py --registry ghcr.io/owner --tag 1.2.3 --to facekey.yaml
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RULES = HERE.parent / "prometheus" / "rules"
OVERLAY = HERE / "overlays" / "standard"
RENDERED = HERE / "facekey.yaml"
ALERTS = HERE / "components" / "monitoring" / "alerts.yaml"
OWN_IMAGES = re.compile(r"(?m)^(\s*(?:- )?image: )(facekey-[a-z]+):(\S+)$")
LEFT_OUT = {
    "facekey_backups": "the backup job's metrics stay in its volume: backup.yaml asks Kubernetes instead",
    "facekey_watchers": "whoever runs the Prometheus operator has rules for Prometheus itself",
}
"""Groups of rules that mean nothing in a cluster, and why."""


def header(source: Path) -> str:
    """First lines of a file that is made."""
    return f"# Made by `make k8s` out of {source.relative_to(ROOT)}: change that, not this.\n"


def alerts(rules: Path = RULES) -> str:
    """The rules of Prometheus as a PrometheusRule, but those of `LEFT_OUT`."""
    groups = [
        group
        for path in sorted(rules.glob("*.yml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        if group["name"] not in LEFT_OUT
    ]
    reasons = "".join(f"# Without {name}: {reason}.\n" for name, reason in LEFT_OUT.items())
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "facekey"},
        "spec": {"groups": groups},
    }
    return (
        header(RULES) + reasons + yaml.safe_dump(resource, sort_keys=False, width=2**16, allow_unicode=True)
    )


def manifests(overlay: Path = OVERLAY, *, kubectl: str = "kubectl") -> str:
    """All resources of an overlay, in the order in which they can be applied.

    Raises:
        subprocess.CalledProcessError: kubectl can't build it; it has said why.
    """
    built = subprocess.run(  # noqa: S603 - a program and folders of ours, no shell
        [kubectl, "kustomize", str(overlay)], check=True, stdout=subprocess.PIPE, text=True
    )
    return built.stdout


def published(text: str, *, registry: str, tag: str) -> str:
    """The same manifests with FaceKey's own images from a registry."""
    return OWN_IMAGES.sub(rf"\g<1>{registry.rstrip('/').lower()}/\g<2>:{tag}", text)


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--registry", help="where the images are published, such as ghcr.io/owner")
    parser.add_argument("--tag", help="their tag")
    parser.add_argument("--to", type=Path, help="where the file for a release goes")
    chosen = parser.parse_args()
    released = chosen.registry, chosen.tag, chosen.to
    if any(released):
        if not all(released):
            parser.error("--registry, --tag and --to go together")
        text = published(RENDERED.read_text("utf-8"), registry=chosen.registry, tag=chosen.tag)
        chosen.to.write_text(text, "utf-8")
        return
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        sys.exit("no kubectl in PATH: https://kubernetes.io/docs/tasks/tools/ (1.27 or newer)")
    ALERTS.write_text(alerts(), "utf-8")
    RENDERED.write_text(header(OVERLAY) + manifests(kubectl=kubectl), "utf-8")


if __name__ == "__main__":
    main()

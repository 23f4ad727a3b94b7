"""The Kubernetes manifests: built by kubectl, held against Kubernetes' schemas and against the service."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from deployment.k8s.render import ALERTS, LEFT_OUT, OVERLAY, alerts, header
from facekey.settings import Settings, read_settings
from facekey.store.sql.postgres import Postgres
from tests.debian import program
from tests.deployment.api_server import empty_cluster
from tests.deployment.manifests import (
    K8S,
    RENDERED,
    ROOT,
    built,
    kubectl,
    of_kind,
    read,
    resources,
    settings_of,
    workloads,
)

EVERYTHING = ("rendered", "development", "production")
"""`standard` is what is rendered, which a test of its own holds."""

VERSIONS = ("1.30", kubernetes_validate.latest_version())
"""The oldest that has preStop sleep, and the newest with a bundled schema."""

CUSTOM = {
    "Cluster": ("postgresql.cnpg.io/v1", {"instances", "storage", "bootstrap"}),
    "PrometheusRule": ("monitoring.coreos.com/v1", {"groups"}),
    "ServiceMonitor": ("monitoring.coreos.com/v1", {"selector", "endpoints"}),
}
"""Kinds of operators. No schema of theirs is bundled: only their version and the fields that they can't do
without are looked at."""

NOT_SETTINGS = {"WEB_CONCURRENCY"}  # gunicorn's own
SECRET_WORDS = re.compile(r"KEY|PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL|WEBHOOK", re.IGNORECASE)


@cache
def fits(document: str) -> None:
    """Once for each: what overlays share is the same."""
    for version in VERSIONS:
        kubernetes_validate.validate(json.loads(document), version, strict=True)


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_document_fits_the_schemas_of_kubernetes(name: str) -> None:
    found = resources(name)
    assert len(found) > 20
    for one in found:
        if one["kind"] in CUSTOM:
            version, needed = CUSTOM[one["kind"]]
            assert one["apiVersion"] == version
            assert needed <= set(one["spec"])
        else:
            fits(json.dumps(one))


def test_what_apply_reads_is_what_the_standard_overlay_builds() -> None:
    assert RENDERED.read_text() == header(OVERLAY) + built(OVERLAY), "stale: run `make k8s`"


def test_apply_finds_nothing_else_in_its_folder() -> None:
    # kubectl apply -f FOLDER reads *.json, *.yaml and *.yml there; a kustomization.yaml would stop it.
    assert [path.name for path in K8S.iterdir() if path.suffix in {".json", ".yaml", ".yml"}] == [
        "facekey.yaml"
    ]
    assert not any(one["kind"] in CUSTOM for one in resources("rendered")), "it must work on a bare cluster"


def test_apply_makes_everything_and_the_namespace_first(tmp_path: Path) -> None:
    wanted = resources("rendered")
    with empty_cluster(wanted) as (address, made):
        # The documented command, for a cluster without schemas of its own, as nobody.
        told = subprocess.run(
            [kubectl(), "apply", "-f", "deployment/k8s/", "--validate=false", "--server", address],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "KUBECONFIG": os.devnull},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert told.returncode == 0, told.stderr
    assert [(one["kind"], one["metadata"]["name"]) for one in made] == [
        (one["kind"], one["metadata"]["name"]) for one in wanted
    ]
    assert made[0]["kind"] == "Namespace"


def test_the_operators_alerts_are_those_of_prometheus() -> None:
    assert ALERTS.read_text() == alerts(), "stale: run `make k8s`"
    rules = (ROOT / "deployment" / "prometheus" / "rules").glob("*.yml")
    groups = {group["name"] for path in rules for group in yaml.safe_load(path.read_text())["groups"]}
    assert set(LEFT_OUT) < groups


@pytest.mark.parametrize(
    "path", sorted((K8S / "components" / "monitoring").glob("*.yaml")), ids=lambda path: path.stem
)
def test_promtool_reads_the_operators_rules(path: Path, tmp_path: Path) -> None:
    rules = [one for one in read(path.read_text()) if one["kind"] == "PrometheusRule"]
    for one in rules:
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(one["spec"]))
        told = subprocess.run(
            [program("promtool"), "check", "rules", tmp_path / "rules.yml"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("name", EVERYTHING)
def test_everything_lies_in_one_namespace_under_its_documented_name(name: str) -> None:
    found = resources(name)
    assert "auth-service" in of_kind(found, "Deployment")
    # What `kubectl get` and `kubectl logs` choose by.
    part = {"app.kubernetes.io/part-of": "facekey"}.items()
    assert all(part <= one["metadata"]["labels"].items() for one in found)
    assert all(part <= one.labels.items() for one in workloads(found))
    clusterwide = {"Namespace", "PriorityClass"}
    assert {one["metadata"].get("namespace") for one in found if one["kind"] not in clusterwide} == {
        "facial-auth"
    }


@pytest.mark.parametrize("name", EVERYTHING)
def test_selectors_find_their_pods_and_ports(name: str) -> None:
    found = resources(name)
    pods = list(workloads(found))
    for one in found:
        if one["kind"] in {"Deployment", "StatefulSet"}:
            selector = one["spec"]["selector"]["matchLabels"]
            assert selector.items() <= one["spec"]["template"]["metadata"]["labels"].items()
    for service in of_kind(found, "Service").values():
        chosen = [pod for pod in pods if service["spec"]["selector"].items() <= pod.labels.items()]
        assert [pod.name for pod in chosen] == [service["metadata"]["name"]]
        ports = {
            port["name"]: port["containerPort"]
            for box in chosen[0].containers
            for port in box.get("ports", ())
        }
        assert {ports[port["targetPort"]] for port in service["spec"]["ports"]} <= set(ports.values())
    for budget in of_kind(found, "PodDisruptionBudget").values():
        selector = budget["spec"]["selector"]["matchLabels"]
        assert len([pod for pod in pods if selector.items() <= pod.labels.items()]) == 1
    for ingress in of_kind(found, "Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                ports = {
                    port["name"]: port for port in of_kind(found, "Service")[backend["name"]]["spec"]["ports"]
                }
                assert backend["port"]["name"] in ports


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_node_can_always_be_emptied(name: str) -> None:
    found = resources(name)
    replicas = {
        scaler["spec"]["scaleTargetRef"]["name"]: scaler["spec"]
        for scaler in of_kind(found, "HorizontalPodAutoscaler").values()
    }
    for budget in of_kind(found, "PodDisruptionBudget").values():
        assert budget["spec"].get("maxUnavailable", 0) >= 1, (
            "minAvailable as large as the replicas stops every drain"
        )
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    if name in {"rendered", "standard", "production"}:
        assert replicas["auth-service"]["minReplicas"] >= 2
        assert of_kind(found, "Deployment")["web"]["spec"]["replicas"] >= 2


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_autoscaler_has_something_to_scale_and_works_on_cpu_alone(name: str) -> None:
    found = resources(name)
    (scaler,) = of_kind(found, "HorizontalPodAutoscaler").values()
    target = scaler["spec"]["scaleTargetRef"]
    deployment = of_kind(found, target["kind"])[target["name"]]
    assert deployment["apiVersion"] == target["apiVersion"]
    assert "replicas" not in deployment["spec"], "apply would set back what the autoscaler chose"
    metrics = {metric["type"]: metric for metric in scaler["spec"]["metrics"]}
    assert metrics["Resource"]["resource"]["name"] == "cpu"
    assert set(metrics) == ({"Resource", "Pods"} if name == "production" else {"Resource"})


def test_the_adapter_gives_what_the_autoscaler_asks_for() -> None:
    (scaler,) = of_kind(resources("production"), "HorizontalPodAutoscaler").values()
    (pods,) = (metric["pods"] for metric in scaler["spec"]["metrics"] if metric["type"] == "Pods")
    values = yaml.safe_load((K8S / "components" / "queue-depth" / "adapter-values.yaml").read_text())
    (rule,) = values["rules"]["custom"]
    assert rule["name"]["as"] == pods["metric"]["name"]
    assert rule["seriesQuery"].startswith(f"{pods['metric']['name']}{{")
    source = "".join(path.read_text() for path in (ROOT / "src" / "facekey" / "wiring").glob("*.py"))
    assert f'"{pods["metric"]["name"]}"' in source
    assert int(pods["target"]["averageValue"]) < Settings.model_fields["vision_queue"].default


@pytest.mark.parametrize("name", EVERYTHING)
def test_configuration_is_settings_of_the_service_and_no_secret(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {f"FACEKEY_{field}".upper() for field in Settings.model_fields} | NOT_SETTINGS
    found = settings_of(resources(name))
    assert set(found) <= known
    assert not [key for key in found if SECRET_WORDS.search(key.removeprefix("FACEKEY_"))]
    monkeypatch.setenv("FACEKEY_SECRETS_DIR", str(tmp_path))
    for key, value in found.items():
        monkeypatch.setenv(key, value)
    settings = read_settings()
    assert settings.profile in {"production", "strict"}, "development answers its own machine only"
    assert settings.public_url.startswith("https://")
    (ingress,) = of_kind(resources(name), "Ingress").values()
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [
        settings.public_url.removeprefix("https://")
    ]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"] for rule in ingress["spec"]["rules"]]


def test_a_release_names_its_own_images(tmp_path: Path) -> None:
    target = tmp_path / "facekey.yaml"
    made: list[str | Path] = [
        sys.executable,
        K8S / "render.py",
        "--registry",
        "ghcr.io/Owner",
        "--tag",
        "9.8.7",
    ]
    assert subprocess.run(made, check=False, capture_output=True).returncode == 2, "where to, is not said"
    subprocess.run([*made, "--to", target], check=True)
    before, after = read(RENDERED.read_text()), read(target.read_text())
    assert len(before) == len(after)
    images = {box["image"] for one in workloads(after) for box in one.containers}
    assert {f"ghcr.io/owner/facekey-{name}:9.8.7" for name in ("api", "web", "backup")} <= images
    assert not [image for image in images if image.startswith("facekey-")]


def test_the_database_has_a_connection_for_every_pod_that_the_autoscaler_may_make() -> None:
    found = resources("production")
    (scaler,) = of_kind(found, "HorizontalPodAutoscaler").values()
    pods = scaler["spec"]["maxReplicas"] + 1  # one more while a version replaces another
    parameters = of_kind(found, "Cluster")["postgres"]["spec"]["postgresql"]["parameters"]
    assert pods * (Postgres.readers + Postgres.writers) < int(parameters["max_connections"])

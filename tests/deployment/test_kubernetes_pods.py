"""What the pods of the Kubernetes manifests may do, hold and run."""

import json
import re

import pytest

from facekey.settings import Settings
from tests.deployment.manifests import ROOT, of_kind, resources, settings_of, workload, workloads

EVERYTHING = ("rendered", "development", "production")
SECRET_WORDS = re.compile(r"KEY|PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL|WEBHOOK", re.IGNORECASE)
OWN_IMAGES = ("facekey-api", "facekey-web", "facekey-backup")


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_container_can_do_nothing_but_its_work(name: str) -> None:
    for one in workloads(resources(name)):
        assert one.pod["automountServiceAccountToken"] is False, one.name
        assert one.pod["enableServiceLinks"] is False, (
            f"{one.name}: a Service's variables could read like settings"
        )
        together = one.pod["securityContext"]
        assert together["runAsNonRoot"] is True
        assert together["runAsUser"] > 0
        assert together["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in one.containers:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, container["name"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not context.get("privileged")
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
    namespace = of_kind(resources(name), "Namespace")["facial-auth"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", EVERYTHING)
def test_images_name_a_version(name: str) -> None:
    version = re.search(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text())
    assert version is not None
    for one in workloads(resources(name)):
        for container in one.containers:
            image, _, tag = container["image"].rpartition(":")
            assert image, f"{container['image']} has no tag"
            assert tag != "latest"
            if image in OWN_IMAGES:
                assert tag == version[1]
    migration = workload(resources(name), "migrate")
    assert migration.name == f"migrate-{version[1].replace('.', '-')}", (
        "a job can't be changed: its name has the version"
    )


@pytest.mark.parametrize("name", EVERYTHING)
def test_secrets_come_as_files_from_outside(name: str) -> None:
    found = resources(name)
    assert not of_kind(found, "Secret"), "a secret in the repository is none"
    for one in workloads(found):
        assert not [volume for volume in one.pod.get("volumes", ()) if "hostPath" in volume]
        for container in one.containers:
            variables = container.get("env", [])
            assert "secretKeyRef" not in str(variables), "files, not variables"
            inline = [
                one
                for one in variables
                if SECRET_WORDS.search(one["name"].removeprefix("FACEKEY_"))
                and not one["name"].endswith("_FILE")
            ]
            assert not inline
            assert not [source for source in container.get("envFrom", ()) if "secretRef" in source]


def test_the_job_that_changes_tables_sees_no_keys() -> None:
    for name in EVERYTHING:
        (secrets,) = (
            volume
            for volume in workload(resources(name), "migrate").pod["volumes"]
            if volume["name"] == "secrets"
        )
        sources = {source["secret"]["name"] for source in secrets["projected"]["sources"]}
        assert sources in ({"database"}, {"postgres-app", "postgres-ca"})


def test_a_pod_that_stops_lets_live_sessions_end() -> None:
    pod = workload(resources("rendered"), "auth-service").pod
    (service,) = pod["containers"]
    graceful = re.search(r"(?m)^graceful_timeout = (\d+)$", (ROOT / "gunicorn.conf.py").read_text())
    assert graceful is not None
    sleeps = service["lifecycle"]["preStop"]["sleep"]["seconds"]
    session = float(
        settings_of(resources("rendered")).get(
            "FACEKEY_STREAM_SECONDS", Settings.model_fields["stream_seconds"].default
        )
    )
    assert sleeps > session
    assert pod["terminationGracePeriodSeconds"] > sleeps + int(graceful[1])


def test_probes_ask_what_they_are_for() -> None:
    for name in EVERYTHING:
        (service,) = workload(resources(name), "auth-service").pod["containers"]
        asked = {
            probe: service[f"{probe}Probe"]["httpGet"]["path"]
            for probe in ("startup", "liveness", "readiness")
        }
        assert asked == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
        startup = service["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120


def test_the_commands_of_the_service_are_those_of_its_image() -> None:
    dockerfile = (ROOT / "deployment" / "docker" / "api.Dockerfile").read_text()
    words = re.findall(r"(?m)^CMD (\[.*\])$", dockerfile)
    (service,) = workload(resources("rendered"), "auth-service").pod["containers"]
    assert json.loads(words[-1]) == service["command"]
    user = re.findall(r"(?m)^USER (\d+):(\d+)$", dockerfile)[-1]
    context = workload(resources("rendered"), "auth-service").pod["securityContext"]
    assert user == (str(context["runAsUser"]), str(context["runAsGroup"]))


def test_whoever_uses_the_operators_database_verifies_its_certificate() -> None:
    clients = [one for one in workloads(resources("production")) if one.labels.get("facekey/database")]
    assert {one.name.partition("-")[0] for one in clients} == {"auth", "migrate", "backup", "restore"}
    for one in clients:
        (secrets,) = (
            volume["projected"]["sources"] for volume in one.pod["volumes"] if volume["name"] == "secrets"
        )
        taken = {item["path"] for source in secrets for item in source["secret"].get("items", ())}
        assert taken == {"DATABASE_URL", "postgres-ca.pem"}
        assert "database" not in {source["secret"]["name"] for source in secrets}
        for container in one.containers:
            if "secrets" in {mount["name"] for mount in container["volumeMounts"]}:
                variables = {variable["name"]: variable["value"] for variable in container["env"]}
                assert variables["PGSSLMODE"] == "verify-full"
                assert variables["PGSSLROOTCERT"] == "/run/secrets/postgres-ca.pem"


def test_stores_are_the_versions_that_compose_has() -> None:
    compose = (ROOT / "deployment" / "docker-compose.yml").read_text()
    tested = dict(re.findall(r"\$\{(REDIS|POSTGRES)_IMAGE:-([^}]+)\}", compose))
    (redis,) = workload(resources("production"), "redis").containers
    (postgres,) = workload(resources("development"), "postgres").containers
    assert redis["image"] == f"docker.io/library/{tested['REDIS']}"
    assert postgres["image"] == f"docker.io/{tested['POSTGRES']}"
    # pg_dump of the backup's image reads servers up to its own version.
    operators = of_kind(resources("production"), "Cluster")["postgres"]["spec"]["imageName"]
    major = re.search(r"-pg(\d+)$", tested["POSTGRES"])
    assert major is not None
    assert operators.rpartition(":")[2].startswith(f"{major[1]}.")

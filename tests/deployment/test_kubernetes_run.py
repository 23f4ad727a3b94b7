"""The manifests' own command lines, settings and probes, carried out."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from facekey.settings import read_settings
from facekey.zoo.zoo import Zoo
from tests.deployment.manifests import K8S, ROOT, Resource, read, resources, settings_of, workload
from tests.e2e.conftest import free_port
from tests.postgres import PostgresServer
from tests.servers import RedisServer

WAIT_S = 60.0


def made(tmp_path: Path, **variables: str) -> dict[str, dict[str, str]]:
    """What secrets.sh prints, by name."""
    told = subprocess.run(
        [K8S / "secrets.sh"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not list(tmp_path.iterdir()), "keys were left lying about"
    return {one["metadata"]["name"]: one["stringData"] for one in read(told.stdout)}


def mounted(pod: Resource, secrets: Mapping[str, Mapping[str, str]], folder: Path) -> Path:
    """The pod's volume `secrets`, as the kubelet fills it."""
    folder.mkdir()
    (volume,) = (one for one in pod["volumes"] if one["name"] == "secrets")
    for source in volume["projected"]["sources"]:
        for key, value in secrets[source["secret"]["name"]].items():
            (folder / key).write_text(value)
    return folder


def until(holds: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None
        time.sleep(0.1)


@dataclass(frozen=True)
class Node:
    """A machine that has what the image has."""

    log: Path
    common: Mapping[str, str]

    def start(self, container: Resource, secrets: Path, port: int = 8000) -> subprocess.Popen[bytes]:
        """Start a container's command with the settings of the ConfigMap and a volume of secrets."""
        words = [word.replace(":8000", f":{port}") for word in container["command"]]
        environment = dict(self.common) if "envFrom" in container else {}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                words,
                env={**environment, **self.image(), "FACEKEY_SECRETS_DIR": str(secrets)},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def image(self) -> dict[str, str]:
        """What the image's ENV says, for this machine's paths."""
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        home = str(self.log.parent)
        return {"PATH": path, "HOME": home, "FACEKEY_MODELS_DIR": str(read_settings().models_dir)}

    def exec(self, words: list[str], secrets: Path) -> str:
        """`kubectl exec`: a command in the container's surroundings."""
        environment = {**self.common, **self.image(), "FACEKEY_SECRETS_DIR": str(secrets)}
        done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Callable[[str], RedisServer]]:
    """A Redis with the manifests' redis.conf but for TLS, which the tests' Redis may lack."""
    started: list[RedisServer] = []

    def start(users: str) -> RedisServer:
        (tmp_path / "users.acl").write_text(users)
        lines = (K8S / "components" / "redis" / "redis.conf").read_text().splitlines()
        options = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
        options["aclfile"] = str(tmp_path / "users.acl")
        words = [
            word
            for key, value in options.items()
            if not key.startswith("tls-") and key not in {"port", "dir"}
            for word in (f"--{key}", value.strip('"'))
        ]
        started.append(RedisServer(tmp_path, tuple(words)))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_from_an_empty_cluster_to_a_service_that_stops_well(
    tmp_path: Path, postgres: PostgresServer, redis: Callable[[str], RedisServer], zoo: Zoo
) -> None:
    found = resources("rendered")
    (tmp_path / "scratch").mkdir()
    secrets = made(tmp_path / "scratch", DATABASE_URL=postgres.empty())
    shared = redis(secrets["redis-server"]["users.acl"])
    url = secrets["redis-client"]["REDIS_URL"].partition("?")[0]
    secrets["redis-client"]["REDIS_URL"] = url.replace("rediss", "redis").replace(
        "redis:6379", f"127.0.0.1:{shared.port}"
    )
    node = Node(tmp_path / "log", settings_of(found))

    migration = workload(found, "migrate")
    (job,) = migration.containers
    pod = workload(found, "auth-service").pod
    files = mounted(pod, secrets, tmp_path / "of-service")
    (preflight,), (service,) = pod["initContainers"], pod["containers"]
    # `kubectl apply` starts both at once.
    migrating = node.start(job, mounted(migration.pod, secrets, tmp_path / "of-job"))
    waiting = node.start(preflight, files)
    assert migrating.wait(WAIT_S) == 0, node.log.read_text()
    # It waits, and says for what: nobody could sign in yet.
    until(lambda: "facekey accounts add" in node.log.read_text(), waiting)
    node.exec(["facekey", "accounts", "add", "ada", "--role", "admin"], files)
    assert waiting.wait(WAIT_S) == 0

    port = free_port()
    running = node.start(service, files, port)
    try:

        def asked(probe: str) -> int:
            path = service[f"{probe}Probe"]["httpGet"]["path"]
            try:
                return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code
            except httpx.TransportError:
                return 0

        until(lambda: asked("startup") == 200, running)
        until(lambda: asked("readiness") == 200, running)
        shared.stop()
        until(lambda: asked("readiness") == 503, running)
        assert asked("liveness") == 200, "a pod isn't killed for what is wrong elsewhere"
    finally:
        running.send_signal(signal.SIGTERM)
        ended = running.wait(WAIT_S)
    assert ended == 0, node.log.read_text()


def test_the_nightly_job_makes_a_backup(tmp_path: Path, postgres: PostgresServer) -> None:
    found = resources("rendered")
    pod = workload(found, "backup").pod
    (backup,) = pod["initContainers"]
    (tmp_path / "backups").mkdir()
    (command,) = backup["command"]
    secrets = {"database": {"DATABASE_URL": postgres.migrated()}}
    done = subprocess.run(
        [command.replace("/srv/facekey", str(ROOT / "deployment" / "backup"))],
        env={
            "PATH": f"{postgres.programs()}:/usr/bin:/bin",
            "FACEKEY_SECRETS_DIR": str(mounted(pod, secrets, tmp_path / "secrets")),
            "FACEKEY_BACKUP_DIR": str(tmp_path / "backups"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "backups").glob("facekey-*.dump"))
    (rehearse,) = pod["containers"]
    (script,) = rehearse["command"]
    assert (ROOT / "deployment" / "backup" / Path(script).name).exists()
    assert not [mount for mount in rehearse["volumeMounts"] if mount["name"] == "secrets"]


def test_redis_shows_a_certificate_that_the_service_can_verify(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    secrets = made(tmp_path / "scratch", NAMESPACE="elsewhere")
    for key, value in secrets["redis-server"].items():
        (tmp_path / key).write_text(value)
    assert secrets["redis-client"]["redis-ca.pem"] == secrets["redis-server"]["redis-ca.pem"]
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "redis.pem", tmp_path / "redis.key")
    client = ssl.create_default_context(cadata=secrets["redis-client"]["redis-ca.pem"])
    for name in ("redis", "redis.elsewhere.svc"):
        shaken(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(client, server, "postgres")


def shaken(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A handshake in memory.

    Raises:
        ssl.SSLCertVerificationError: the client doesn't believe the certificate.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert not ends


def test_every_deployment_has_keys_of_its_own(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    kept = [value for name in first for key, value in first[name].items()]
    assert not {value for name in second for value in second[name].values()} & set(kept)
    assert first["postgres"]["POSTGRES_PASSWORD"] in first["database"]["DATABASE_URL"]
    assert "postgres" not in made(tmp_path, DATABASE_URL="postgresql://elsewhere/facekey")


def test_an_address_that_would_break_the_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        made(tmp_path, DATABASE_URL="postgresql://facekey:it's@elsewhere/facekey")
    assert error.value.returncode == 65
    assert "DATABASE_URL" in error.value.stderr
    assert not error.value.stdout

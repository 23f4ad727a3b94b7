"""The compose file, the scripts beside it, and what they make, without a Docker daemon."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry
from sqlalchemy.engine import make_url

from facekey.credentials.access_tokens import SecretKey
from facekey.settings import Settings, read_settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from tests.deployment.proxy import COMPOSE, COMPOSE_VARIABLE, DEPLOYMENT, composed
from tests.e2e.conftest import ROOT, facekey
from tests.postgres import PostgresServer
from tests.servers import RedisServer

NAME = "faces.example.org"
FILE = composed({"FACEKEY_PUBLIC_URL": f"https://{NAME}"})
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
NEEDED = {
    "nginx",
    "api",
    "web",
    "postgres",
    "redis",
    "prometheus",
    "alertmanager",
    "grafana",
    "backup",
    "migrate",
}
MADE_BY_INIT = {"secrets/tls", "secrets/alertmanager", "acme", "facekey.env"}
OF_SERVERS = {"WEB_CONCURRENCY"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment that was prepared."""
    return prepared(tmp_path_factory.mktemp("one") / "deployment")


def copied(folder: Path) -> Path:
    shutil.copytree(
        DEPLOYMENT, folder, ignore=shutil.ignore_patterns("secrets", ".env", "facekey.env", "k8s")
    )
    return folder


def prepared(folder: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: the scripts of a deployment need it")
    said = run(copied(folder) / "init.sh", NAME)
    assert said.returncode == 0, said.stderr
    assert "Keep a copy of secrets/ENCRYPTION_KEY" in said.stdout
    return folder


def run(script: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_file_is_what_the_compose_specification_takes() -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
            str(COMPOSE),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_everything_that_belongs_to_a_deployment_is_there() -> None:
    assert set(SERVICES) == NEEDED


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & set(
        service
    )
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert group.isdigit()
    assert all(mount.startswith(("/tmp:size=", "/var/run/postgresql:size=")) for mount in service["tmpfs"])  # noqa: S108
    assert {"cpus", "mem_limit", "pids_limit", "networks"} <= set(service)
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert not any("docker.sock" in volume for volume in service.get("volumes", ()))


@pytest.mark.parametrize("name", sorted(NEEDED - {"migrate", "api"}))
def test_its_health_is_looked_at(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"], "the service's own stands in its Dockerfile"


def test_only_nginx_is_reached_from_elsewhere() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"nginx", "prometheus", "alertmanager", "grafana"}
    for name in set(published) - {"nginx"}:
        assert all(port.startswith("127.0.0.1:") for port in published[name])


def test_who_keeps_data_has_no_way_outside() -> None:
    inner = {name for name, network in FILE["networks"].items() if (network or {}).get("internal")}
    assert inner == {"data", "watch", "front"}
    for name in ("postgres", "redis", "backup", "web", "migrate"):
        assert set(SERVICES[name]["networks"]) <= inner, name
    for name in ("nginx", "web", "prometheus", "alertmanager", "grafana"):
        assert "data" not in SERVICES[name]["networks"], name


def test_the_service_believes_the_address_of_nginx_alone() -> None:
    address = SERVICES["nginx"]["networks"]["front"]["ipv4_address"]
    assert SERVICES["api"]["environment"]["FACEKEY_TRUSTED_PROXIES"] == f"{address}/32"


def test_what_is_mounted_is_there() -> None:
    mounted = {
        volume.split(":")[0].removeprefix("./"): volume
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if volume.startswith(("./", "../"))
    }
    assert len(mounted) >= 10
    assert all(volume.endswith(":ro") for volume in mounted.values())
    missing = {path for path in set(mounted) - MADE_BY_INIT if not (DEPLOYMENT / path).exists()}
    assert missing == set()
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if not volume.startswith(("./", "../"))
    }
    assert named == set(FILE["volumes"])


def test_every_setting_that_is_named_exists() -> None:
    known = {
        alias if isinstance(alias := field.validation_alias, str) else f"FACEKEY_{name.upper()}"
        for name, field in Settings.model_fields.items()
    }
    written = re.findall(r"^#?((?:FACEKEY_)?[A-Z_]+)=", (DEPLOYMENT / "init.sh").read_text(), re.MULTILINE)
    named = {name for name in written if name.startswith("FACEKEY_")} | set(SERVICES["api"]["environment"])
    assert len(named) >= 7
    assert named - OF_SERVERS <= known
    assert SERVICES["api"]["environment"]["FACEKEY_PROFILE"] == "production"


def test_the_example_names_what_the_file_asks_for_with_the_same_values() -> None:
    example = dict(
        line.split("=", 1)
        for line in (DEPLOYMENT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    asked = {
        name: default for name, kind, default in COMPOSE_VARIABLE.findall(COMPOSE.read_text()) if kind == "-"
    }
    assert {name: example.get(name) for name in asked} == asked
    assert set(example) - set(asked) == {"COMPOSE_PROJECT_NAME", "FACEKEY_PUBLIC_URL"}


def test_nothing_has_a_password_that_is_written_down() -> None:
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN", variable.removeprefix("FACEKEY_")):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert str(value).startswith("/run/secrets/")
    for file in (COMPOSE, DEPLOYMENT / ".env.example", DEPLOYMENT / "redis/redis.conf"):
        assert not re.search(
            r"(?i)(password|secret|requirepass)\s*[=:]\s*[\"']?\w*[a-z0-9]{4,}[\"']?\s*$", file.read_text()
        )


def test_init_makes_every_secret_and_nothing_else(made: Path) -> None:
    declared = {Path(str(one["file"])).name for one in FILE["secrets"].values()}
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    there = {path.name for path in (made / "secrets").iterdir()}
    assert used == set(FILE["secrets"])
    assert there == declared | {"tls", "alertmanager"}, "and no key of the authority"
    assert {path.name for path in (made / "secrets" / "tls").iterdir()} == {"fullchain.pem", "privkey.pem"}
    assert not list(made.glob(".init-*"))


def test_nobody_else_on_the_machine_reads_them(made: Path) -> None:
    assert (made / "secrets").stat().st_mode & 0o777 == 0o700
    for path in (made / ".env", made / "facekey.env"):
        assert path.stat().st_mode & 0o777 == 0o600
    for path in (made / "secrets").iterdir():
        # Containers see single files, as users of their own.
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    for folder in ("nginx", "postgres", "redis"):
        assert all(path.stat().st_mode & 0o004 for path in (made / folder).rglob("*"))


def test_every_deployment_has_keys_of_its_own(made: Path, tmp_path: Path) -> None:
    other = prepared(tmp_path / "deployment")
    same = {
        path.name
        for path in (made / "secrets").iterdir()
        if path.is_file() and path.read_bytes() == (other / "secrets" / path.name).read_bytes()
    }
    assert same == {"facekey_monitor_key"}, "which is empty until the service made one"


@pytest.mark.parametrize("there", [".env", "facekey.env", "secrets"])
def test_init_overwrites_nothing(tmp_path: Path, there: str) -> None:
    folder = copied(tmp_path / "deployment")
    (folder / there).write_text("mine")
    before = {path.name for path in folder.iterdir()}
    said = run(folder / "init.sh", NAME)
    assert (said.returncode, f"{there} is there already; nothing was changed" in said.stderr) == (73, True)
    assert (folder / there).read_text() == "mine"
    assert {path.name for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "name", ["", "https://faces.example.org", "a b", "-x", "x" * 65, "a|b", "../x", "x;id"]
)
def test_init_refuses_what_is_no_host_name(tmp_path: Path, name: str) -> None:
    folder = copied(tmp_path / "deployment")
    said = run(folder / "init.sh", name)
    assert (said.returncode, said.stdout) == (64, "")
    assert "init.sh:" in said.stderr
    assert not (folder / "secrets").exists()


def test_init_leaves_nothing_half_done(tmp_path: Path) -> None:
    folder = copied(tmp_path / "deployment")
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "openssl").write_text(
        '#!/bin/sh\n[ "$1" = rand ] && exec /usr/bin/env -i head -c 32 /dev/zero\nexit 1\n'
    )
    (broken / "openssl").chmod(0o755)
    said = run(folder / "init.sh", NAME, PATH=f"{broken}:{os.environ['PATH']}")
    assert (said.returncode, "could not make a certificate" in said.stderr) == (70, True)
    assert not {".env", "facekey.env", "secrets"} & {path.name for path in folder.iterdir()}
    assert not list(folder.glob(".init-*"))


def test_the_service_takes_what_init_made(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENCRYPTION_KEY", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACEKEY_SECRETS_DIR", str(made / "secrets"))
    monkeypatch.chdir(made / "redis")  # no .env
    settings = read_settings()
    EncryptionKey.parse(settings.encryption_key.get_secret_value())
    SecretKey.parse(settings.secret_key.get_secret_value())
    database = make_url(settings.database_url)
    assert (database.username, database.host, database.database) == ("facekey", "postgres", "facekey")
    assert dict(database.query) == {"sslmode": "verify-full", "sslrootcert": "/run/secrets/internal_ca"}
    assert database.password == (made / "secrets" / "database_password").read_text().strip()
    assert settings.redis_url is not None
    redis = make_url(settings.redis_url.get_secret_value())
    assert (redis.drivername, redis.host, redis.query["ssl_ca_certs"]) == (
        "rediss",
        "redis",
        "/run/secrets/internal_ca",
    )
    assert f"FACEKEY_PUBLIC_URL=https://{NAME}\n" in (made / ".env").read_text()


@pytest.mark.parametrize("server", ["postgres", "redis"])
def test_the_servers_inside_have_certificates_of_one_authority(made: Path, server: str) -> None:
    secrets = made / "secrets"
    authority = x509.load_pem_x509_certificate((secrets / "internal_ca").read_bytes())
    certificate = x509.load_pem_x509_certificate((secrets / f"{server}_tls_certificate").read_bytes())
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [server]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(secrets / f"{server}_tls_certificate", secrets / f"{server}_tls_key")


def test_redis_lets_the_service_do_its_work_and_no_more(made: Path, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, words=("--aclfile", str(made / "secrets" / "redis_users")))
    server.start()
    try:
        url = make_url((made / "secrets" / "REDIS_URL").read_text().strip())
        service = Redis(port=server.port, username=url.username, password=url.password, socket_timeout=5)
        assert service.set("facekey:1:x", "y")
        assert service.publish("facekey:1:changes", "z") == 0
        assert service.info("memory")
        for forbidden in (
            lambda: service.set("other", "x"),
            service.flushall,
            lambda: service.config_get("*"),
            lambda: service.keys("*"),
            service.acl_list,
        ):
            with pytest.raises(NoPermissionError):
                forbidden()
        health = Redis(port=server.port, username="health", password="-", socket_timeout=5)
        assert health.ping()
        with pytest.raises(NoPermissionError):
            health.get("facekey:1:x")
        with pytest.raises(AuthenticationError):
            Redis(port=server.port, socket_timeout=5, retry=Retry(NoBackoff(), 0)).get("facekey:1:x")
    finally:
        server.stop()


def test_postgres_has_an_ordinary_user_who_owns_one_database(made: Path, postgres: PostgresServer) -> None:
    server = make_url(postgres.empty())
    administrator = server.set(database="postgres").render_as_string(hide_password=False)
    made_it = subprocess.run(
        [
            postgres.programs() / "psql",
            "--no-psqlrc",
            "--dbname",
            administrator,
            "--file",
            "postgres/init.sql",
        ],
        env={**os.environ, "FACEKEY_PASSWORD_FILE": str(made / "secrets" / "database_password")},
        cwd=DEPLOYMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    try:
        assert made_it.returncode == 0, made_it.stderr
        assert (made / "secrets" / "database_password").read_text().strip() not in made_it.stdout
        own = server.set(database="facekey", username="facekey").render_as_string(hide_password=False)
        migrate(own)
        with psycopg.connect(own, autocommit=True) as connection:
            told = connection.execute(
                "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert told == (False,) * 5
            assert connection.execute(
                "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"
            ).fetchone() == (1,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT pg_read_file('/etc/passwd')")
    finally:
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS facekey")
            connection.execute("DROP ROLE IF EXISTS facekey")


def test_a_backup_that_is_overdue_is_seen(tmp_path: Path) -> None:
    (kind, command) = SERVICES["backup"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    asking = command.replace("$$", "$").replace("/backups", str(tmp_path))
    dump = tmp_path / "facekey-20260101T000000Z.dump"

    def healthy() -> bool:
        return run(Path("/bin/sh"), "-c", asking, FACEKEY_BACKUP_EVERY_HOURS="24").returncode == 0

    assert not healthy(), "there is none yet"
    dump.touch()
    assert healthy()
    two_days_ago = (datetime.now(UTC) - timedelta(hours=49)).timestamp()
    os.utime(dump, (two_days_ago, two_days_ago))
    assert not healthy()


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """Stands where docker would: keeps what it was asked, and runs the command line of the service here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(f"""#!/bin/bash
printf '%s\\n' "$*" >> {tmp_path}/asked
[ -z "$AWAY" ] || [ "$*" = "compose version" ] || exit 1
case "$*" in
    "compose version") exit 0 ;;
    "compose ps -q nginx") echo 0123 ;;
    "compose exec -T nginx nginx -s reload") exit 0 ;;
    "compose run --rm -T api facekey "*) shift 6; exec {" ".join(facekey())} "$@" ;;
    *) exit 99 ;;
esac
""")
    script.chmod(0o755)
    return folder


def test_the_key_of_prometheus_comes_by_one_command(made: Path, docker: Path, tmp_path: Path) -> None:
    file = made / "secrets" / "facekey_monitor_key"
    seen_by_the_container = file.stat().st_ino
    said = run(
        made / "monitor-key.sh",
        PATH=f"{docker}:{os.environ['PATH']}",
        ENCRYPTION_KEY=EncryptionKey.generate().written(),
        DATABASE_URL=f"sqlite:///{tmp_path}/facekey.db",
    )
    assert said.returncode == 0, said.stderr
    key = file.read_text().strip()
    assert len(key) > 30
    assert file.stat().st_ino == seen_by_the_container
    assert key not in said.stdout + said.stderr
    refused = run(made / "monitor-key.sh", PATH=f"{docker}:{os.environ['PATH']}", AWAY="1")
    assert refused.returncode != 0
    assert file.read_text().strip() == key, "what doesn't work changes nothing"


def test_a_certificate_of_ones_own(made: Path, docker: Path, tmp_path: Path) -> None:
    other = prepared(tmp_path / "other") / "secrets" / "tls"
    mine = made / "secrets" / "tls"
    before = (mine / "fullchain.pem").read_bytes()
    path = f"{docker}:{os.environ['PATH']}"
    for chain, key, why in (
        (other / "fullchain.pem", mine / "privkey.pem", "doesn't belong to the certificate"),
        (ROOT / "README.md", other / "privkey.pem", "is no certificate"),
        (other / "fullchain.pem", ROOT / "README.md", "is no private key"),
    ):
        refused = run(made / "certificate.sh", str(chain), str(key), PATH=path)
        assert (refused.returncode, why in refused.stderr) == (65, True), refused.stderr
        assert (mine / "fullchain.pem").read_bytes() == before
    taken = run(made / "certificate.sh", str(other / "fullchain.pem"), str(other / "privkey.pem"), PATH=path)
    assert taken.returncode == 0, taken.stderr
    assert (mine / "fullchain.pem").read_bytes() == (other / "fullchain.pem").read_bytes()
    assert (mine / "privkey.pem").read_bytes() == (other / "privkey.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate((mine / "fullchain.pem").read_bytes())
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)
    assert "compose exec -T nginx nginx -s reload" in (tmp_path / "asked").read_text()
    assert {path.name for path in mine.iterdir()} == {"fullchain.pem", "privkey.pem"}


@pytest.mark.parametrize(
    "script", [path.relative_to(DEPLOYMENT) for path in sorted(DEPLOYMENT.glob("*.sh"))], ids=str
)
def test_a_script_has_no_fault_of_form(script: Path) -> None:
    assert run(Path("/bin/sh"), "-n", str(DEPLOYMENT / script)).returncode == 0

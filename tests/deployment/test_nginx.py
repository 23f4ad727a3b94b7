"""The nginx of the deployment, as it is shipped, in front of a real service."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner
from websockets.sync.client import connect

from facekey.api import app as application
from facekey.api.problems import TYPE_PREFIX
from facekey.api.rate import RECOGNITION_PATHS
from facekey.api.security import HEADERS, STRICT_TRANSPORT
from facekey.cli.main import app as cli
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.zoo.zoo import Zoo
from tests.api.conftest import problem
from tests.debian import program
from tests.deployment.proxy import (
    CONFIGURATION,
    DEPLOYMENT,
    checked,
    front_settings,
    laid_out,
    serving,
)
from tests.e2e.conftest import ROOT, facekey, free_port, running
from tests.e2e.streaming import new_session, start_message
from tests.photos import Photos

PERSON = "alice.person@example.org"
PAGE = {"Accept": "text/html,application/xhtml+xml"}
OF_ONE_ANSWER = {"accept-ranges", "connection", "content-length", "date", "etag", "last-modified"}
"""Headers that differ between two answers, or two servers, without meaning anything."""


@dataclass(frozen=True)
class Site:
    """A service, the web app's nginx and the one in front.

    Attributes:
        url: of the nginx in front.
        direct: of the service itself.
        http: of the door without TLS.
        folder: of the nginx in front.
        key: of an application.
        operator: of somebody who may read the audit log.
    """

    url: str
    direct: str
    http: str
    folder: Path
    key: str
    operator: str
    trust: ssl.SSLContext
    logs: tuple[Path, ...]

    def client(self, *, key: bool = True, address: str = "127.0.0.1") -> httpx.Client:
        """A client; each with an address of its own is somebody else."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"} if key else {},
            transport=httpx.HTTPTransport(verify=self.trust, local_address=address),
            timeout=60,
        )

    def socket(self, *protocols: str) -> ssl.SSLSocket:
        """A bare connection with TLS."""
        context = ssl.create_default_context(cafile=self.folder / "tls" / "fullchain.pem")
        context.set_alpn_protocols(list(protocols))
        url = httpx.URL(self.url)
        return context.wrap_socket(
            socket.create_connection(("127.0.0.1", url.port or 443), timeout=20), server_hostname="localhost"
        )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate that a new deployment begins with."""
    program("nginx")  # or skip, before anything is started
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: the scripts of a deployment need it")
    folder = tmp_path_factory.mktemp("new") / "deployment"
    folder.mkdir()
    for name in ("init.sh", ".env.example"):
        shutil.copy(DEPLOYMENT / name, folder)
    subprocess.run([folder / "init.sh", "localhost"], check=True, capture_output=True, timeout=60)
    return folder / "secrets" / "tls"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A web app, as small as one can be."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>FaceKey</title>" + " " * 1200)
    (folder / "assets" / "app-1a2b.js").write_text("export {};" + " " * 1200)
    (folder / "assets" / "app-1a2b.css").write_text("a{}")
    (folder / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "manifest.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tls: Path, built: Path, zoo: Zoo) -> Iterator[Site]:
    """All three, in the production profile, where nginx alone is believed on addresses."""
    folder = tmp_path_factory.mktemp("site")
    web_port, service_port = str(free_port()), str(free_port())
    front = folder / "front"
    front.mkdir()
    shutil.copytree(tls, front / "tls")
    settings = front_settings(
        front, FACEKEY_NGINX_API=f"127.0.0.1:{service_port}", FACEKEY_NGINX_WEB=f"127.0.0.1:{web_port}"
    )
    environment = {
        **os.environ,
        "ENCRYPTION_KEY": EncryptionKey.generate().written(),
        "SECRET_KEY": EncryptionKey.generate().written(),
        "DATABASE_URL": f"sqlite:///{folder}/facekey.db",
        "FACEKEY_PROFILE": "production",
        "FACEKEY_PORT": service_port,
        "FACEKEY_WEB_DIR": str(built),
        "FACEKEY_PUBLIC_URL": settings["FACEKEY_PUBLIC_URL"],
        "FACEKEY_TRUSTED_PROXIES": "127.0.0.1/32",
        "FACEKEY_RATE_LOGIN_BURST": "3",
    }
    web = folder / "web"
    served = {"FACEKEY_WEB_PORT": web_port, "FACEKEY_WEB_ROOT": str(built), "FACEKEY_VOICE": "off"}
    keys = [new_key(role, environment) for role in ("service", "operator")]
    with ExitStack() as stack:
        direct, _ = stack.enter_context(running(facekey("serve"), environment))
        web_log = stack.enter_context(serving(laid_out(web, "web.conf.template", served), web_port))
        main = laid_out(front, "front.conf.template", settings)
        log = stack.enter_context(serving(main, settings["FACEKEY_NGINX_HTTPS_PORT"]))
        yield Site(
            url=settings["FACEKEY_PUBLIC_URL"],
            direct=direct,
            http=f"http://127.0.0.1:{settings['FACEKEY_NGINX_HTTP_PORT']}",
            folder=front,
            key=keys[0],
            operator=keys[1],
            trust=ssl.create_default_context(cafile=tls / "fullchain.pem"),
            logs=(log, web_log),
        )


def new_key(role: str, environment: dict[str, str]) -> str:
    made = CliRunner().invoke(cli, ["api-keys", "add", f"a-{role}", "--role", role], env=environment)
    assert made.exit_code == 0, made.output
    return made.stdout.splitlines()[-1]


def lines(site: Site) -> list[dict[str, str]]:
    """What the nginx in front logged; it may be a moment behind its answers."""
    time.sleep(0.1)
    return [json.loads(line) for line in site.logs[0].read_text().splitlines()]


def test_nginx_itself_finds_nothing_wrong(site: Site) -> None:
    for log in site.logs:
        assert "warn" not in checked(log.parent / "nginx.conf")


@pytest.mark.parametrize(("asked", "given"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1")])
def test_http_2_is_offered_over_tls(site: Site, asked: tuple[str, ...], given: str) -> None:
    with site.socket(*asked) as opened:
        assert opened.selected_alpn_protocol() == given
        assert opened.version() == "TLSv1.3"


def test_old_tls_is_refused(site: Site) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    plain = socket.create_connection(("127.0.0.1", httpx.URL(site.url).port or 443), timeout=20)
    with plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_plain_http_is_sent_to_the_public_address(site: Site) -> None:
    answer = httpx.get(f"{site.http}/people?q=1", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (308, f"{site.url}/people?q=1")


def test_proofs_for_a_certificate_authority_need_no_tls(site: Site) -> None:
    proof = site.folder / "acme" / ".well-known" / "acme-challenge" / "token"
    proof.parent.mkdir(parents=True)
    proof.write_text("proof")
    assert httpx.get(f"{site.http}/.well-known/acme-challenge/token").text == "proof"


def test_the_service_answers_with_its_headers_once_each(site: Site) -> None:
    with site.client() as client:
        for path in ("/health", "/api/v1/system/info", "/api/v1/nothing"):
            answer, itself = client.get(path), httpx.get(f"{site.direct}{path}", headers=client.headers)
            assert answer.status_code == itself.status_code
            assert answer.json() == itself.json()
            for name in {**HEADERS, **STRICT_TRANSPORT, "X-Request-ID": ""}:
                assert answer.headers.get_list(name) == [answer.headers[name]], name
                if name != "X-Request-ID":
                    assert answer.headers[name] == itself.headers[name]
            assert "uvicorn" not in answer.headers["server"]
            assert answer.headers["server"] == "nginx", "and no version"


def test_a_photo_is_judged_and_a_claim_decided(site: Site, photos: Photos) -> None:
    with site.client() as client:
        judged = client.post("/api/v1/assess", files={"image": photos.obama})
        assert judged.json()["usable"], judged.text
        claimed = client.post(
            "/api/v1/authenticate", data={"user_id": "nobody.here"}, files={"image": photos.obama}
        )
        assert (claimed.status_code, claimed.json()["authenticated"]) == (200, False)


def test_a_live_stream_goes_through(site: Site) -> None:
    with connect(
        f"{site.url.replace('https', 'wss', 1)}/ws/camera",
        ssl=site.trust,
        additional_headers={"Authorization": f"Bearer {site.key}"},
    ) as opened:
        opened.send(start_message("nobody.here", new_session()))
        status = json.loads(opened.recv(timeout=20))
        assert status["status"] != "error", status


def test_records_come_as_they_are_written(site: Site) -> None:
    with (
        site.client() as client,
        client.stream(
            "GET",
            "/api/v1/audit/live?after=0",
            headers={"Authorization": f"Bearer {site.operator}"},
            timeout=8,  # less than until the next heartbeat
        ) as answer,
    ):
        assert json.loads(next(answer.iter_lines()))["sequence"] == 1


@pytest.mark.parametrize(
    ("path", "length"),
    [("/api/v1/auth/token", 64 * 1024 + 1), ("/api/v1/users", 10**9), ("/api/v1/register", 201_392_129)],
)
def test_a_request_that_is_too_large_is_refused_before_it_comes(site: Site, path: str, length: int) -> None:
    with site.socket("http/1.1") as opened:
        opened.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        answer = received(opened)
    assert answer.status_code == 413
    assert problem(answer, 413, "request_too_large")
    assert dressed(answer)


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "a" * 20_000, 400, "request_malformed"),
        ("GET /" + "a" * 20_000 + " HTTP/1.1\r\nHost: localhost", 414, "request_malformed"),
        ("GET /../x HTTP/1.1\r\nHost: localhost", 400, "request_malformed"),
        ("GET / HTTP/1.1", 400, "request_malformed"),
        ("TRACE / HTTP/1.1\r\nHost: localhost", 405, "method_not_allowed"),
        ("GET /problem/400 HTTP/1.1\r\nHost: localhost", 404, "not_found"),
    ],
    ids=["head too large", "address too long", "above the root", "no host", "trace", "a page of nginx's own"],
)
def test_what_nginx_cannot_pass_on_is_a_problem_too(site: Site, head: str, status: int, code: str) -> None:
    with site.socket("http/1.1") as opened:
        opened.sendall(f"{head}\r\n\r\n".encode())
        answer = received(opened)
    problem(answer, status, code)
    assert dressed(answer)


def test_what_bring_pictures_may_be_large_and_nothing_else(site: Site) -> None:
    """The same line as the service draws, for the same paths."""
    front = (CONFIGURATION / "front.conf.template").read_text()
    for path in RECOGNITION_PATHS:
        assert path.removeprefix("/api/v1/") in front.split("^/api/v1/(")[1].split(")$")[0].split("|")
    assert len(RECOGNITION_PATHS) == len(front.split("^/api/v1/(")[1].split(")$")[0].split("|"))
    default = Settings.model_fields["max_image_bytes"].default
    largest = application.MAX_FILES * default + application.FORM_OVERHEAD_BYTES
    assert front_settings(site.folder)["FACEKEY_NGINX_MAX_BODY"] == str(largest)


def test_pictures_never_touch_a_disk(site: Site) -> None:
    """In the middle of an upload the service has what came, and nginx has no file with it."""
    workers = [int(pid) for pid in children(site.folder / "tmp" / "nginx.pid")]
    with site.socket("http/1.1") as opened:
        head = "POST /api/v1/assess HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        opened.sendall(head.encode() + b"x" * 500_000)
        time.sleep(0.3)
        held = {str(name.readlink()) for pid in workers for name in Path(f"/proc/{pid}/fd").iterdir()}
    assert not [name for name in held if "client_body" in name or "proxy" in name]
    assert any(name.startswith("socket:") for name in held), "there was something to look at"


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/api/../metrics", "/metrics?x=1", "/./metrics"],
)
def test_metrics_are_not_for_the_outside(site: Site, path: str) -> None:
    with site.socket("http/1.1") as opened:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {site.key}\r\n\r\n"
        opened.sendall(request.encode())
        answer = received(opened)
    problem(answer, 404, "not_found")
    assert "facekey_" not in answer.text


def test_an_address_that_a_client_claims_counts_for_nothing(site: Site) -> None:
    """Four wrong passwords and three in its budget: who says to be somebody else each time is still one."""

    def sign_in(client: httpx.Client, number: int) -> httpx.Response:
        claimed = f"198.51.100.{number}"
        return client.post(
            "/api/v1/auth/token",
            data={"username": f"ada{number}", "password": "wrong"},
            headers={"X-Forwarded-For": claimed, "X-Real-IP": claimed, "Forwarded": f"for={claimed}"},
        )

    with (
        site.client(key=False, address="127.0.0.2") as one,
        site.client(key=False, address="127.0.0.3") as other,
    ):
        assert [sign_in(one, number).status_code for number in range(4)] == [401, 401, 401, 429]
        assert sign_in(other, 4).status_code == 401, "its address is its own"


@pytest.mark.parametrize("path", ["/", "/people", "/assets/app-1a2b.js", "/assets/app-1a2b.css", "/icon.svg"])
@pytest.mark.parametrize("accept", [PAGE, {"Accept": "*/*"}], ids=["page", "file"])
def test_the_web_app_is_served_as_the_service_serves_it(
    site: Site, path: str, accept: dict[str, str]
) -> None:
    with site.client(key=False) as client:
        through = client.get(path, headers=accept)
        itself = httpx.get(f"{site.direct}{path}", headers=accept)
    assert through.status_code == itself.status_code
    if through.status_code == HTTPStatus.OK:
        assert through.content == itself.content
        assert said(through) == said(itself)
    else:
        problem(through, 404, "not_found")
        problem(itself, 404, "not_found")
        assert dressed(through)


def said(answer: httpx.Response) -> dict[str, list[str]]:
    names = {name.lower() for name in answer.headers} - OF_ONE_ANSWER - {"server", "transfer-encoding"}
    return {
        name: ["..."] if name == "x-request-id" else answer.headers.get_list(name) for name in sorted(names)
    }


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/assets/../../etc/passwd", "/%2e%2e/etc/passwd", "/assets/"]
)
def test_nothing_outside_of_the_web_app_is_served(site: Site, path: str) -> None:
    with site.socket("http/1.1") as opened:
        opened.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert received(opened).status_code in (400, 404)


def test_the_microphone_is_asked_for_where_voice_is_on(tmp_path: Path, built: Path) -> None:
    port = str(free_port())
    served = {"FACEKEY_WEB_PORT": port, "FACEKEY_WEB_ROOT": str(built), "FACEKEY_VOICE": "on"}
    with serving(laid_out(tmp_path / "web", "web.conf.template", served), port):
        answer = httpx.get(f"http://127.0.0.1:{port}/")
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 204


def test_the_way_leads_to_every_route(site: Site) -> None:
    """No path of the service is taken for a page of the web app."""
    app = application.create_app(None, max_image_bytes=1)  # type: ignore[arg-type] # it is never started
    paths = set(app.openapi()["paths"]) | {"/docs", "/redoc", "/openapi.json", "/health/ready"}
    assert len(paths) > 40
    with site.client(key=False) as client:
        for path in sorted(paths - {"/metrics"}):
            named = path.replace("{", "").replace("}", "")
            answer = client.get(named, headers=PAGE)
            itself = httpx.get(f"{site.direct}{named}", headers=PAGE)
            for told in (answer, itself):
                assert "camera=" not in told.headers.get("permissions-policy", ""), path
            assert answer.status_code == itself.status_code


def test_the_log_says_no_name_and_no_address(site: Site) -> None:
    with site.client() as client:
        client.get(f"/api/v1/users/{PERSON}")
        client.post("/api/v1/delete_user", params={"user_id": PERSON})
        client.get(f"/{PERSON}", headers=PAGE)
        client.get(f"/api/v1/{PERSON}")
        client.get(f"/metrics/{PERSON}")
        client.get(f"/ws/{PERSON}")
        client.request(PERSON.partition(".")[0].upper(), "/health")
        client.post(f"/api/v1/users/{PERSON}", content=b"x" * 70_000)
    with site.socket("http/1.1") as opened:
        opened.sendall(f"GET /{PERSON} HTTP/1.1\r\nno header\r\n{PERSON}\r\n\r\n".encode())
        opened.recv(1000)
    written = lines(site)
    for log in site.logs:
        text = log.read_text().lower()
        assert "alice" not in text
        assert "127.0.0." not in text
    assert {"/api/v1/users", "/api/v1/delete_user", "web", "/api", "/metrics", "/ws"} <= {
        line["route"] for line in written
    }
    assert {"GET", "POST", "OTHER"} <= {line["method"] for line in written}
    assert "413" in {line["status"] for line in written}


def test_one_request_has_one_id(site: Site) -> None:
    with site.client() as client:
        ids = {client.get(path).headers["x-request-id"] for path in ("/health", "/metrics", "/icon.svg")}
    assert len(ids) == 3
    assert ids <= {line["request_id"] for line in lines(site)}


@pytest.fixture
def alone(tmp_path: Path, tls: Path) -> Iterator[tuple[str, ssl.SSLContext, dict[str, str]]]:
    """An nginx whose service is away, that lets two requests pass and then one in a minute."""
    shutil.copytree(tls, tmp_path / "tls")
    settings = front_settings(tmp_path, FACEKEY_NGINX_RATE="1r/m", FACEKEY_NGINX_BURST="1")
    main = laid_out(tmp_path, "front.conf.template", settings)
    # As an operator would, where a load balancer stands before it.
    (tmp_path / "facekey-local" / "balancer.conf").write_text(
        "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"
    )
    with serving(main, settings["FACEKEY_NGINX_HTTPS_PORT"]):
        trust = ssl.create_default_context(cafile=tls / "fullchain.pem")
        yield settings["FACEKEY_PUBLIC_URL"], trust, settings


def test_while_the_service_is_away_and_when_too_much_is_asked(
    alone: tuple[str, ssl.SSLContext, dict[str, str]],
) -> None:
    url, trust, settings = alone
    with httpx.Client(base_url=url, verify=trust) as client:

        def ask(address: str, path: str = "/health") -> httpx.Response:
            return client.get(path, headers={"X-Forwarded-For": address})

        away = ask("192.0.2.1")
        problem(away, 502, "service_away")
        assert int(away.headers["retry-after"]) > 0
        assert dressed(away)
        assert ask("192.0.2.1", "/people").status_code == 502
        refused = ask("192.0.2.1")
        problem(refused, 429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 0
        assert dressed(refused)
        # Others have a budget of their own; in IPv6 a network has one together.
        assert ask("192.0.2.2").status_code == 502
        one, same, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"
        assert [ask(address).status_code for address in (one, same, one, other)] == [502, 502, 429, 502]
    assert httpx.get(f"http://127.0.0.1:{settings['FACEKEY_NGINX_HEALTH_PORT']}/healthz").status_code == 204


def test_who_has_too_much_open_is_refused(tmp_path: Path, tls: Path) -> None:
    shutil.copytree(tls, tmp_path / "tls")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = front_settings(
            tmp_path,
            FACEKEY_NGINX_CONNECTIONS="1",
            FACEKEY_NGINX_API=f"127.0.0.1:{silent.getsockname()[1]}",
        )
        main = laid_out(tmp_path, "front.conf.template", settings)
        trust = ssl.create_default_context(cafile=tls / "fullchain.pem")
        with (
            serving(main, settings["FACEKEY_NGINX_HTTPS_PORT"]),
            httpx.Client(base_url=settings["FACEKEY_PUBLIC_URL"], verify=trust) as client,
        ):
            waiting = trust.wrap_socket(
                socket.create_connection(("127.0.0.1", int(settings["FACEKEY_NGINX_HTTPS_PORT"]))),
                server_hostname="localhost",
            )
            with waiting:
                waiting.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                held, _ = silent.accept()  # the service has it, and says nothing
                with held:
                    problem(client.get("/health"), 429, "too_many_requests")


def test_every_refusal_of_nginx_is_a_problem_that_is_documented() -> None:
    written = (CONFIGURATION / "facekey" / "problems.conf").read_text()
    documented = (ROOT / "docs" / "api.md").read_text()
    bodies = [
        json.loads(line.split("'", 1)[1].rsplit("'", 1)[0].replace("\\'", "'"))
        for line in written.splitlines()
        if line.strip().startswith("return ")
    ]
    assert len(bodies) >= 12
    for body in bodies:
        assert body["title"] == HTTPStatus(body["status"]).phrase
        assert body["type"] == TYPE_PREFIX + body["code"]
        assert f"`{body['code']}`" in documented
        assert f"return {body['status']} " in written
        assert f"error_page {body['status']}" in written


def dressed(answer: httpx.Response) -> bool:
    """Whether it has each of the headers that every answer has, once."""
    wanted = {**HEADERS, **STRICT_TRANSPORT}
    assert {name: answer.headers.get_list(name) for name in wanted} == {
        name: [value] for name, value in wanted.items()
    }
    return len(answer.headers.get_list("x-request-id")) == 1


def received(opened: ssl.SSLSocket) -> httpx.Response:
    """The answer on a bare connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = opened.recv(65536)
        assert more, data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status, *rest = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    length = int({name.lower(): value for name, value in headers}.get("content-length", 0))
    while len(body) < length:
        body += opened.recv(65536)
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


def children(pid_file: Path) -> list[str]:
    pid = pid_file.read_text().strip()
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

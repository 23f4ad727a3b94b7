"""A stand-in for Kubernetes' API server: it knows the kinds, has nothing yet, and remembers what is made.

It decides nothing, so what it takes is no proof that a cluster would. What kubectl reads out of a folder, and
in which order it sends it, is kubectl's own doing.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.deployment.manifests import Resource

CLUSTERWIDE = {"Namespace", "PriorityClass"}


def plural(kind: str) -> str:
    """The name of a kind in paths."""
    name = kind.lower()
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def described(known: list[Resource]) -> dict[str, Resource]:
    """What discovery answers, by path."""
    versions: dict[str, set[str]] = {}
    for one in known:
        versions.setdefault(one["apiVersion"], set()).add(one["kind"])
    answers: dict[str, Resource] = {"/api": {"kind": "APIVersions", "versions": ["v1"]}}
    groups = []
    for version, kinds in versions.items():
        path = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        answers[path] = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": version,
            "resources": [
                {
                    "name": plural(kind),
                    "kind": kind,
                    "namespaced": kind not in CLUSTERWIDE,
                    "verbs": ["get", "create", "patch"],
                }
                for kind in sorted(kinds)
            ],
        }
        if version != "v1":
            named = {"groupVersion": version, "version": version.partition("/")[2]}
            groups.append({"name": version.partition("/")[0], "versions": [named], "preferredVersion": named})
    answers["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    return answers


@contextmanager
def empty_cluster(known: list[Resource]) -> Iterator[tuple[str, list[Resource]]]:
    """Its address, and what was made there, in order.

    Args:
        known: resources whose kinds the server has.
    """
    answers, made = described(known), list[Resource]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            missing = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": "NotFound",
                "code": 404,
            }
            self._answer(200 if path in answers else 404, answers.get(path, missing))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.append(body)
            self._answer(201, body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _answer(self, status: int, body: Resource) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", made
    finally:
        server.shutdown()
        serving.join()
        server.server_close()

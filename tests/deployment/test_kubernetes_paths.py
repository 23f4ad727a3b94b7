"""Where requests from outside are led: by the ingress, or by a route of the Gateway API."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from facekey.api.app import create_app
from facekey.api.service import Service
from tests.deployment.manifests import K8S, built, of_kind, read, resources


@asynccontextmanager
async def never_opened() -> AsyncIterator[Service]:
    raise RuntimeError("only the description is asked for")
    yield


def test_the_ingress_leads_every_path_where_it_is_answered() -> None:
    (ingress,) = of_kind(resources("rendered"), "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    paths = [
        (one["path"], one["pathType"], one["backend"]["service"]["name"]) for one in rule["http"]["paths"]
    ]

    def backend(path: str) -> str:
        """The longest path that fits, as every controller has it."""
        fitting = [
            one
            for one in paths
            if one[0] == path or (one[1] == "Prefix" and f"{path}/".startswith(f"{one[0].rstrip('/')}/"))
        ]
        return str(max(fitting, key=lambda one: len(one[0]))[2])

    app = create_app(never_opened(), max_image_bytes=1)
    described = [path for path in app.openapi()["paths"] if not path.startswith(("/health", "/metrics"))]
    assert len(described) > 20
    served = [*described, "/ws/camera", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"]
    assert {backend(path) for path in [*served, "/static-offline-docs/swagger-ui.css"]} == {"auth-service"}
    assert {backend(path) for path in ("/", "/people", "/assets/index.js", "/metrics", "/health")} == {"web"}


def test_a_route_of_the_gateway_api_leads_like_the_ingress(tmp_path: Path) -> None:
    parts = ("components/address", "components/gateway")
    overlay = {
        "resources": [os.path.relpath(K8S / "base", tmp_path)],
        "components": [os.path.relpath(K8S / part, tmp_path) for part in parts],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    found = read(built(tmp_path))
    assert not of_kind(found, "Ingress")
    route = of_kind(found, "HTTPRoute")["facekey"]["spec"]
    (ingress,) = of_kind(resources("rendered"), "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    assert route["hostnames"] == [rule["host"]]
    led = {
        (match["path"]["value"], match["path"]["type"], one["backendRefs"][0]["name"])
        for one in route["rules"]
        for match in one["matches"]
    }
    kinds = {"Prefix": "PathPrefix", "Exact": "Exact"}
    assert led == {
        (one["path"], kinds[one["pathType"]], one["backend"]["service"]["name"])
        for one in rule["http"]["paths"]
    }
    ports = {name: one["spec"]["ports"][0]["port"] for name, one in of_kind(found, "Service").items()}
    for one in route["rules"]:
        assert [(end["name"], end["port"]) for end in one["backendRefs"]] == [
            (end["name"], ports[end["name"]]) for end in one["backendRefs"]
        ]

"""A server that answers like AWS KMS, on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer


@dataclass(frozen=True)
class Kms:
    """One server with one key in it."""

    server: ThreadedMotoServer
    key_id: str


@contextmanager
def kms(environment: pytest.MonkeyPatch) -> Iterator[Kms]:
    """Start it, make a key, and let the AWS settings point to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL_KMS", "AWS_SESSION_TOKEN"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield Kms(server, boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    finally:
        server.stop()

"""A real face on a screen, real networks, the whole service: one mail and one signed request."""

import asyncio
import json

import httpx
from asgi_lifespan import LifespanManager

from facekey.api.app import create_app
from facekey.settings import Settings
from facekey.wiring.service import open_service
from tests.api.conftest import authenticate, identify, register
from tests.photos import Photos, on_a_screen
from tests.receivers import MailServerProcess, Receiver

SECRET = "a secret of thirty-two characters"


async def test_a_face_on_a_screen_is_told_to_the_operators(settings: Settings, photos: Photos) -> None:
    with MailServerProcess() as mail, Receiver() as hook:
        more = {
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_tls": "none",
            "alert_from": "facekey@example.org",
            "alert_to": ("ops@example.org",),
            "webhook_url": hook.url,
            "webhook_secret": SECRET,
        }
        alerted = Settings.model_validate({**_given(settings), **more})
        app = create_app(open_service(alerted), max_image_bytes=alerted.max_image_bytes)
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234))
        async with (
            LifespanManager(app, startup_timeout=60),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
        ):
            assert (await register(client, "john_doe", photos.enrolment())).status_code == 200
            assert (await authenticate(client, "john_doe", photos.obama3)).json()["authenticated"] is True
            refused = (await authenticate(client, "john_doe", on_a_screen(photos.obama3))).json()
            assert (refused["authenticated"], refused["reason"]) == (False, "spoof_suspected")
            assert (await identify(client, photos.biden)).json()["found"] is False
            async with asyncio.timeout(20):
                while not (mail.inbox.raw and hook.posted):  # noqa: ASYNC110 - servers in threads
                    await asyncio.sleep(0.02)
    (sent,), (posted,) = mail.inbox.mails, hook.posted
    assert sent["Subject"] == "[FaceKey] 1 spoof attempt refused"
    said = json.loads(posted.body)
    assert (said["kind"], said["count"], said["actor"]) == ("spoof", 1, "open")
    assert said["facts"]["request"] == "authenticate"
    assert "john_doe" not in mail.inbox.raw[0].decode() + posted.body.decode()


def _given(settings: Settings) -> dict[str, object]:
    return {
        "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "DATABASE_URL": settings.database_url,
    }

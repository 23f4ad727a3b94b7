"""Items that the settings alone decide: each fit, and each way of being unfit."""

import pytest

from facekey.core.errors import SettingsInvalid
from facekey.doctor import configuration
from facekey.doctor.examination import Look, State
from tests.unit.doctor.conftest import TOKEN_KEY, Make

MAIL = {"smtp_host": "mail.example.org", "alert_from": "a@example.org", "alert_to": "b@example.org"}


@pytest.mark.parametrize(
    ("look", "settings", "state", "said"),
    [
        (configuration.profile, {}, State.OK, "production"),
        (configuration.profile, {"profile": "strict"}, State.OK, "strict"),
        (configuration.profile, {"profile": "development"}, State.FAIL, "development"),
        (configuration.secret_key, {}, State.OK, "random"),
        (configuration.secret_key, {"SECRET_KEY_PREVIOUS": TOKEN_KEY[::-1]}, State.WARN, "1 keys"),
        (configuration.limits, {}, State.OK, "failure 5, lock-out at 50"),
        (configuration.limits, {"lockout_locked_at": 90}, State.WARN, "90 failures"),
        (configuration.limits, {"rate_login_per_minute": 1000}, State.WARN, "sign-ins"),
        (configuration.limits, {"rate_recognition": 5000}, State.WARN, "recognitions"),
        (configuration.proxies, {}, State.OK, "0 networks"),
        (configuration.proxies, {"trusted_proxies": "10.1.0.0/16,::1"}, State.OK, "2 networks"),
        (configuration.proxies, {"trusted_proxies": "10.0.0.1,0.0.0.0/0"}, State.FAIL, "everybody"),
        (configuration.proxies, {"trusted_proxies": "::/0"}, State.FAIL, "everybody"),
        (configuration.proxies, {"trusted_proxies": "64.0.0.0/3"}, State.WARN, "64.0.0.0/3"),
        (configuration.proxies, {"trusted_proxies": "2000::/3"}, State.WARN, "2000::/3"),
        (configuration.proxies, {"public_url": "https://x.example"}, State.WARN, "one address"),
        (configuration.cors, {}, State.OK, "no page"),
        (
            configuration.cors,
            {"cors_origins": "https://a.example,http://[::1]:5173"},
            State.OK,
            "2 origins",
        ),
        (configuration.cors, {"cors_origins": "*"}, State.FAIL, "any page"),
        (configuration.cors, {"cors_origins": "https://*.example"}, State.FAIL, "any page"),
        (configuration.cors, {"cors_origins": "null"}, State.FAIL, "any page"),
        (configuration.cors, {"cors_origins": "http://a.example"}, State.FAIL, "TLS"),
        (configuration.cors, {"cors_origins": "https://a.example/x"}, State.FAIL, "no origin"),
        (configuration.cors, {"cors_origins": "a.example"}, State.FAIL, "no origin"),
        (configuration.privacy, {}, State.OK, "erased after"),
        (configuration.privacy, {"consent": None}, State.WARN, "consent"),
        (configuration.privacy, {"consent": None, "profile": "strict"}, State.OK, "erased after"),
        (configuration.privacy, {"retention_days_unused": 0}, State.WARN, "for ever"),
        (configuration.privacy, {"store_images": True}, State.WARN, "photos"),
        (configuration.privacy, {"voice": "on"}, State.WARN, "voices"),
        (configuration.alerts, {}, State.WARN, "log of the service only"),
        (configuration.alerts, MAIL, State.OK, "by email"),
        (configuration.alerts, {**MAIL, "smtp_tls": "none"}, State.WARN, "without TLS"),
        (
            configuration.alerts,
            {**MAIL, "webhook_url": "https://x.example/y", "webhook_secret": TOKEN_KEY},
            State.OK,
            "email and webhook",
        ),
    ],
)
async def test_each_item(
    make: Make, look: Look, settings: dict[str, object], state: State, said: str
) -> None:
    (finding,) = await look(make(**settings))
    assert (finding.state, said in finding.said) == (state, True), finding
    assert bool(finding.mend) == (state is not State.OK)
    assert TOKEN_KEY not in str(finding)


@pytest.mark.parametrize(
    ("look", "settings"),
    [
        (configuration.secret_key, {"SECRET_KEY": ""}),
        (configuration.secret_key, {"SECRET_KEY": 40 * "a"}),
        (configuration.secret_key, {"SECRET_KEY_PREVIOUS": "short"}),
        (configuration.limits, {"lockout_first_wait_seconds": 3600, "lockout_longest_wait_seconds": 1}),
        (configuration.alerts, {**MAIL, "alert_to": "nobody"}),
    ],
)
async def test_settings_that_can_not_be_used(make: Make, look: Look, settings: dict[str, object]) -> None:
    with pytest.raises(SettingsInvalid):
        await look(make(**settings))

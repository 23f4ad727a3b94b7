"""Checks that need the settings and nothing else."""

from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from facekey.credentials.access_tokens import SecretKey
from facekey.doctor.examination import Finding, Patient, fail, ok, warn
from facekey.notify.webhook import is_loopback
from facekey.wiring.alerts import channels, notifiers
from facekey.wiring.limits import attempt_policy

MOST_LOGINS_PER_MINUTE = 60
MOST_RECOGNITIONS_PER_S = 1000
BROAD = {4: 8, 6: 32}  # a network of this many addresses is no list of proxies


async def profile(patient: Patient) -> list[Finding]:
    """Accounts are asked for."""
    chosen = patient.settings.profile
    if chosen == "development":
        return fail(
            "the profile is development: whoever reaches the service may do everything",
            "set FACEKEY_PROFILE=production or strict, and: facekey accounts add NAME --role admin",
        )
    return ok(f"the profile is {chosen}")


async def secret_key(patient: Patient) -> list[Finding]:
    """Operators' tokens are signed by a key that can't be guessed."""
    settings = patient.settings
    SecretKey.parse(settings.secret_key.get_secret_value())
    previous = [key for key in settings.secret_key_previous.get_secret_value().split(",") if key.strip()]
    for key in previous:
        SecretKey.parse(key)
    if previous:
        return warn(
            f"SECRET_KEY_PREVIOUS holds {len(previous)} keys that still open tokens",
            "remove them an hour after the change",
        )
    return ok("SECRET_KEY is set and looks random")


async def limits(patient: Patient) -> list[Finding]:
    """Attempts and requests are limited. They can't be switched off, only made too generous."""
    settings = patient.settings
    policy = attempt_policy(settings)
    found = []
    if policy.locked_at > 50:
        found += warn(
            f"somebody is locked out after {policy.locked_at} failures only", "FACEKEY_LOCKOUT_LOCKED_AT=50"
        )
    if settings.rate_login_per_minute > MOST_LOGINS_PER_MINUTE:
        found += warn(
            f"{settings.rate_login_per_minute:g} sign-ins a minute from one address are hardly a limit",
            "lower FACEKEY_RATE_LOGIN_PER_MINUTE; 5 is the default",
        )
    if settings.rate_recognition > MOST_RECOGNITIONS_PER_S:
        found += warn(
            f"{settings.rate_recognition:g} recognitions a second from one address are hardly a limit",
            "lower FACEKEY_RATE_RECOGNITION; 10 is the default",
        )
    return found or ok(f"waits begin at failure {policy.waits_from}, lock-out at {policy.locked_at}")


async def proxies(patient: Patient) -> list[Finding]:
    """Whose word on a client's address is believed."""
    settings = patient.settings
    everybody = [str(one) for one in settings.trusted_proxies if one.prefixlen == 0]
    if everybody:
        return fail(
            f"FACEKEY_TRUSTED_PROXIES trusts everybody ({', '.join(everybody)}): any address can be claimed",
            "name the proxies' own networks",
        )
    broad = [str(one) for one in settings.trusted_proxies if _is_broad(one)]
    if broad:
        return warn(
            f"FACEKEY_TRUSTED_PROXIES trusts whole ranges: {', '.join(broad)}", "name fewer addresses"
        )
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        return warn(
            "TLS is in front and no proxy is trusted: all clients then count as one address",
            "set FACEKEY_TRUSTED_PROXIES to the proxies' networks",
        )
    return ok(f"{len(settings.trusted_proxies)} networks of proxies are trusted")


def _is_broad(network: IPv4Network | IPv6Network) -> bool:
    return network.prefixlen < BROAD[network.version]


async def cors(patient: Patient) -> list[Finding]:
    """Which web pages elsewhere may call."""
    origins = patient.settings.cors_origins
    wild = [origin for origin in origins if "*" in origin or origin == "null"]
    if wild:
        return fail(
            f"FACEKEY_CORS_ORIGINS lets any page call: {', '.join(wild)}", "name each origin: https://host"
        )
    for origin in origins:
        parts = urlsplit(origin)
        if not parts.hostname or parts.path or parts.scheme not in ("http", "https"):
            return fail(f"{origin} is no origin", "write https://host, without a path")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            return fail(f"{origin} has no TLS: whoever is on its way can change that page", "use https://")
    return ok(f"{len(origins)} origins elsewhere may call" if origins else "no page elsewhere may call")


async def privacy(patient: Patient) -> list[Finding]:
    """Consent and retention are decided upon."""
    settings = patient.settings
    found = []
    if settings.consent is None and settings.profile != "strict":
        found += warn(
            "nobody has decided whether consent is required (it isn't)",
            "set FACEKEY_CONSENT=required or optional (docs/privacy.md)",
        )
    if settings.retention_days_unused == 0:
        found += warn(
            "people who never come again are kept for ever",
            "set FACEKEY_RETENTION_DAYS_UNUSED (docs/privacy.md)",
        )
    if settings.store_images:
        found += warn(
            "photos of registrations are kept", "set FACEKEY_STORE_IMAGES=false unless you need them"
        )
    if settings.voice == "on":
        found += warn(
            "voices are taken beside faces, and a recording that is played again passes for one",
            "set FACEKEY_VOICE=off unless you need it (docs/voice.md)",
        )
    return found or ok(f"unused people are erased after {settings.retention_days_unused} days")


async def alerts(patient: Patient) -> list[Finding]:
    """Somebody is told when something happens."""
    notifiers(patient.settings)
    ways = [channel for channel in channels(patient.settings) if channel != "log"]
    if not ways:
        return warn(
            "alerts go to the log of the service only",
            "set FACEKEY_SMTP_HOST or FACEKEY_WEBHOOK_URL (docs/alerts.md), then: facekey alerts test",
        )
    if (
        patient.settings.smtp_host
        and patient.settings.smtp_tls == "none"
        and not is_loopback(patient.settings.smtp_host)
    ):
        return warn("mails leave without TLS", "FACEKEY_SMTP_TLS=starttls")
    return ok(f"alerts leave by {' and '.join(ways)}; try them: facekey alerts test")

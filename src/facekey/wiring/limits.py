"""Settings as the limits and policies of services."""

from datetime import timedelta

from facekey.api.app import Doors
from facekey.api.limits import RequestLimits
from facekey.api.rate import Budgets
from facekey.api.service import StreamLimits
from facekey.core.attempts import AttemptPolicy
from facekey.core.consent import ConsentRule
from facekey.core.errors import SettingsInvalid
from facekey.core.labels import Vocabulary
from facekey.core.ports.shared import Rate
from facekey.services.retain import RetentionPolicy
from facekey.services.sign_in import TokenPolicy
from facekey.services.stream import StreamPolicy
from facekey.settings import Settings


def stream_limits(settings: Settings) -> StreamLimits:
    """What a live stream may ask of a process with these settings."""
    return StreamLimits(
        max_frame_bytes=settings.stream_max_frame_bytes,
        frames_per_s=settings.stream_frames_per_second,
        connections=settings.stream_connections,
        connections_per_address=settings.stream_connections_per_address,
    )


def request_limits(settings: Settings) -> RequestLimits:
    """What all requests together may ask of a process with these settings."""
    return RequestLimits(
        at_once=settings.max_requests,
        at_once_per_address=settings.max_requests_per_address,
        body_bytes_at_once=settings.max_body_bytes_at_once,
    )


def budgets(settings: Settings) -> Budgets:
    """How often an address may ask."""
    return Budgets(
        reading=Rate(settings.rate_reading, settings.rate_reading_burst),
        recognition=Rate(settings.rate_recognition, settings.rate_recognition_burst),
        login=Rate(settings.rate_login_per_minute / 60, settings.rate_login_burst),
    )


def consent_rule(settings: Settings) -> ConsentRule:
    """What it takes to be compared at all."""
    if settings.consent is not None:
        return ConsentRule(settings.consent)
    return ConsentRule.REQUIRED if settings.profile == "strict" else ConsentRule.OPTIONAL


def retention_policy(settings: Settings) -> RetentionPolicy:
    """How long things are kept."""
    unused = settings.retention_days_unused
    return RetentionPolicy(
        consent_rule(settings),
        timedelta(days=unused) if unused else None,
        grace=timedelta(days=settings.consent_grace_days),
        spoofs=timedelta(days=settings.spoof_evidence_days),
        traces=timedelta(days=settings.retention_days_traces),
    )


def attempt_policy(settings: Settings) -> AttemptPolicy:
    """How many failed attempts cost what.

    Raises:
        SettingsInvalid: the settings contradict each other.
    """
    try:
        return AttemptPolicy(
            waits_from=settings.lockout_waits_from,
            first_wait_s=settings.lockout_first_wait_seconds,
            longest_wait_s=settings.lockout_longest_wait_seconds,
            locked_at=settings.lockout_locked_at,
        )
    except ValueError as error:
        raise SettingsInvalid(f"FACEKEY_LOCKOUT_...: {error}") from error


def vocabulary(settings: Settings) -> Vocabulary:
    """The groups that people can declare.

    Raises:
        SettingsInvalid: the setting can't be read.
    """
    try:
        return Vocabulary.parse(settings.bias_labels)
    except ValueError as error:
        raise SettingsInvalid(f"FACEKEY_BIAS_LABELS: {error}") from error


def token_policy(settings: Settings) -> TokenPolicy:
    """How long tokens of operators last."""
    return TokenPolicy(
        access_s=settings.access_token_seconds, refresh_s=int(3600 * settings.refresh_token_hours)
    )


def doors(settings: Settings) -> Doors:
    """From where and by whom the service with these settings is reached."""
    return Doors(
        open_to_this_machine=settings.profile == "development",
        https=settings.public_url.startswith("https:"),
        trusted_proxies=settings.trusted_proxies,
        cors_origins=settings.cors_origins,
        microphone=settings.voice == "on",
    )


def stream_policy(settings: Settings) -> StreamPolicy:
    """What a live session asks for, and for how long."""
    return StreamPolicy(
        actions=None if settings.stream_actions == "random" else int(settings.stream_actions),
        passive_frames=settings.stream_passive_frames,
        passive_s=settings.stream_passive_seconds,
        session_s=settings.stream_seconds,
    )

"""Consent: what a person agreed to, and whether it still holds.

Kept as a record of its own (GDPR art. 7(1): who relies on consent must be able to show it).
Whoever's consent has lapsed is treated like somebody who isn't enrolled: not compared,
and erased after a time of grace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from facekey.core.errors import RequestInvalid
from facekey.core.labels import PURPOSE as BIAS_MONITORING
from facekey.core.types import Template
from facekey.core.voice import PURPOSE as VOICE

FOR_GOOD = datetime.max.replace(microsecond=0, tzinfo=UTC)
"""When a consent ends that has no end."""

APART = frozenset({BIAS_MONITORING, VOICE})
"""Purposes that nobody has to agree to in order to be recognised by face."""

MAX_PURPOSE = 128
MAX_TEXT_VERSION = 64

CONSENT_LAPSED = "consent_lapsed"
UNKNOWN_SUBJECT = "unknown_subject"
"""On record in place of a comparison; the client sees an ordinary `no_match`."""


class ConsentRule(StrEnum):
    """What it takes to be compared at all."""

    OPTIONAL = "optional"
    """Who has given consent needs it to hold; who was never asked is enrolled on another ground."""
    REQUIRED = "required"
    """Everybody needs a consent that holds."""


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """What a person agrees to.

    Attributes:
        purpose: what their face is used for.
        text_version: which text they were shown.
        expires_at: aware; None for no end.
    """

    purpose: str
    text_version: str
    expires_at: datetime | None = None

    def require_sound(self, at: datetime) -> None:
        """Go on only with a consent that says something, and that holds now.

        Raises:
            RequestInvalid: it doesn't.
        """
        for name, value, most in (
            ("purpose", self.purpose, MAX_PURPOSE),
            ("text_version", self.text_version, MAX_TEXT_VERSION),
        ):
            if not 1 <= len(value.strip()) <= len(value) <= most or not value.isprintable():
                raise RequestInvalid(
                    "consent_invalid", f"the {name} of a consent is 1 to {most} printable characters"
                )
        if self.expires_at is not None and self.expires_at <= at:
            raise RequestInvalid("consent_invalid", "this consent is over already: expires_at is in the past")


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as it is kept; those that are over stay, as proof."""

    uid: str
    given: ConsentGiven
    given_at: datetime
    withdrawn_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """From when on it doesn't hold."""
        return min(self.given.expires_at or FOR_GOOD, self.withdrawn_at or FOR_GOOD)


def ends_at(consents: Sequence[Consent]) -> datetime | None:
    """When the last of those to recognition ends; None when there never was any.

    Every purpose is one of recognition by face, except those of `APART`.
    """
    ends = (consent.ends_at for consent in consents if consent.given.purpose not in APART)
    return max(ends, default=None)


def voice_ends_at(consents: Sequence[Consent]) -> datetime | None:
    """When the last of those to recognition by voice ends; None when there never was any."""
    ends = (consent.ends_at for consent in consents if consent.given.purpose == VOICE)
    return max(ends, default=None)


def has_lapsed(consent_until: datetime | None, rule: ConsentRule, at: datetime) -> bool:
    """Whether somebody must not be compared any more, by `ends_at` of their consents."""
    if consent_until is None:
        return rule is ConsentRule.REQUIRED
    return consent_until <= at


def why_absent(template: Template | None, rule: ConsentRule, at: datetime) -> str | None:
    """Why a decoy is compared in place of the claimed person; None when they are compared themselves."""
    if template is None:
        return UNKNOWN_SUBJECT
    return CONSENT_LAPSED if has_lapsed(template.consent_until, rule, at) else None

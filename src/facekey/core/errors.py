"""Everything that can go wrong, in the words of the domain. Nothing here knows HTTP.

FaceKeyError
├── InputInvalid                the caller can mend it
│   ├── ImageRefused            not a picture we read, too large, broken
│   ├── AudioRefused            not a recording we read, too long, broken
│   ├── SubjectIdInvalid
│   ├── RequestInvalid          a count or number out of range
│   └── ConsentMissing          the person didn't consent to this, or no longer
├── SampleRejected              a picture whose face, or a recording whose voice, can't be judged
├── RegistrationRefused         a registration that was judged and turned down
│   └── FaceAlreadyEnrolled
├── SubjectExists
├── SubjectUnknown
├── SpoofUnknown                no record of that number is of a suspected spoof
├── AccessRefused               who asks isn't known, or may not
│   ├── NotSignedIn             no token, or one that doesn't count (any more)
│   ├── CredentialsWrong        name and password don't belong together
│   ├── PasswordChangeRequired  a one-time password does for choosing another and for nothing else
│   ├── NotAllowed              the caller's role doesn't reach so far
│   └── ForeignPage             a web page of another site asks with what the browser keeps
├── AccountExists
├── AccountUnknown
├── TooMany                     asked more often than is allowed; says when to come back
│   ├── AttemptsExhausted       too many failures of this user or from this address
│   ├── RateLimited             requests come too fast
│   └── TooManyAtOnce           requests or streams of one caller, side by side
├── Unavailable                 nothing was decided; trying again may help
│   ├── Overloaded
│   ├── StoreUnavailable
│   ├── EnrolmentGone           the person was erased while they were being compared
│   ├── GalleryMoved            somebody was added after the search that a registration rests on
│   ├── TemplateMoved           a template was changed by another at the same moment
│   └── KeyUnavailable          a template can't be opened with the keys at hand
├── SealBroken                  a stored template was changed or moved
├── AuditBroken                 the audit chain doesn't add up
├── SignatureWrong              a statement that the deployment didn't sign
├── NetworkChoiceRefused        networks that can't decide, or would leave enrolled people out
├── DeliveryFailed              an alert that its receiver didn't take
├── ModelError
│   ├── CardInvalid             a model card that can't be read
│   ├── SourceFailed            one source of weights; the next may have them
│   ├── ModelUnavailable        weights can't be had; says why, source by source
│   ├── HashMismatch            bytes that aren't the published ones
│   ├── ConversionError
│   ├── ModelMismatch           embeddings of two networks were about to be compared
│   └── ModelOutputInvalid      a network gave NaN, a zero vector, a wrong shape
└── SettingsInvalid
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facekey.core.types import ModelId, Quality, Reason, Region, SubjectId


class FaceKeyError(Exception):
    """Root of the tree. `str()` is one sentence that a person can act on."""


class InputInvalid(FaceKeyError):
    """The request can't be used as it is.

    Attributes:
        code: stable, lower case, for programs.
    """

    def __init__(self, code: str, message: str) -> None:
        """Name the fault for programs and for people."""
        super().__init__(message)
        self.code = code


class ImageRefused(InputInvalid):
    """The bytes are not a picture that can be read safely."""


class AudioRefused(InputInvalid):
    """The bytes are not a recording that can be read safely."""


class SubjectIdInvalid(InputInvalid):
    """The user id has characters or a length that ids don't have."""


class RequestInvalid(InputInvalid):
    """Something in the request can't be used: a count, a name, a message, a combination."""


class ConsentMissing(InputInvalid):
    """The person hasn't consented to this purpose, or the consent is over. Nothing was stored."""

    def __init__(self, purpose: str) -> None:
        """Name the purpose that the consent must name."""
        super().__init__("consent_missing", f"there is no consent for the purpose {purpose} that holds now")


class SampleRejected(FaceKeyError):
    """The picture or recording was read, but the face or voice in it can't be judged. Says why."""

    def __init__(self, reason: Reason, quality: Quality | None = None, face: Region | None = None) -> None:
        """Keep the worst fault; the measurements and the place where there was a face to measure."""
        super().__init__(str(reason))
        self.reason = reason
        self.quality = quality
        self.face = face


class RegistrationRefused(FaceKeyError):
    """The photos were judged and do not make an enrolment. Nothing was stored."""

    def __init__(self, code: str, message: str, samples: Sequence[Mapping[str, object]] = ()) -> None:
        """Keep one verdict for each photo, in the order they came."""
        super().__init__(message)
        self.code = code
        self.samples = tuple(samples)


class FaceAlreadyEnrolled(RegistrationRefused):
    """The face belongs to another enrolled person. Who that is stays in the audit log."""


class SubjectExists(FaceKeyError):
    """The user id is taken."""

    def __init__(self, subject_id: SubjectId) -> None:
        """Say what to do: erase first."""
        super().__init__(f"user {subject_id} is registered already; delete the user before registering again")


class SubjectUnknown(FaceKeyError):
    """There is nobody of that id. Never raised by a comparison: there it is a stranger."""

    def __init__(self, subject_id: SubjectId) -> None:
        """Name the id that was looked for."""
        super().__init__(f"there is no user {subject_id}")


class SpoofUnknown(FaceKeyError):
    """No record of that number is of a suspected spoof."""

    def __init__(self, sequence: int) -> None:
        """Name the record that was looked for."""
        super().__init__(f"record {sequence} is of no suspected spoof")


class AccessRefused(FaceKeyError):
    """The caller may not do this. Nothing was decided or changed.

    Attributes:
        code: stable, lower case, for programs.
    """

    code = "access_refused"


class NotSignedIn(AccessRefused):
    """There is no token, or one that was forged, has expired, was revoked, or is for others."""

    code = "not_signed_in"


class CredentialsWrong(AccessRefused):
    """Name and password don't belong together. Which of them is wrong isn't said."""

    code = "credentials_wrong"

    def __init__(self) -> None:
        """The same words whatever is wrong."""
        super().__init__("name or password is wrong")


class PasswordChangeRequired(AccessRefused):
    """The password was made for one use: choosing another."""

    code = "password_change_required"

    def __init__(self) -> None:
        """Say where to choose one."""
        super().__init__("choose a password of your own first: POST /api/v1/auth/password")


class NotAllowed(AccessRefused):
    """The caller's role doesn't reach so far."""

    code = "not_allowed"


class ForeignPage(AccessRefused):
    """A web page of another site asked the browser to use a sign-in that isn't its own."""

    code = "foreign_page"

    def __init__(self) -> None:
        """One sentence, whatever gave it away."""
        super().__init__("only a page of this very address may use the sign-in that the browser keeps")


class AccountExists(FaceKeyError):
    """An operator or a key of that name is there already."""

    def __init__(self, name: str) -> None:
        """Name it."""
        super().__init__(f"there is an account {name} already; choose another name")


class AccountUnknown(FaceKeyError):
    """There is no such operator or key."""

    def __init__(self, name: str) -> None:
        """Name what was looked for."""
        super().__init__(f"there is no account {name}")


class TooMany(FaceKeyError):
    """Asked more often than is allowed. Nothing was decided.

    Attributes:
        code: stable, lower case, for programs.
        retry_after_s: seconds until it is worth asking again.
    """

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        """Say when to come back."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AttemptsExhausted(TooMany):
    """Too many failed attempts, by this user or from this address; it isn't said which.

    Attributes:
        locked: only an operator can lift it.
    """

    code = "too_many_attempts"

    def __init__(self, *, locked: bool, retry_after_s: float) -> None:
        """The same words for known and unknown users."""
        words = "an operator must unlock it" if locked else "wait before the next attempt"
        super().__init__(f"too many failed attempts; {words}", retry_after_s=retry_after_s)
        self.locked = locked


class Unavailable(FaceKeyError):
    """Nothing was decided and nothing was changed; the same request may work later."""

    code = "unavailable"
    retry_after_s = 1


class Overloaded(Unavailable):
    """All workers are busy and the queue is full."""

    code = "overloaded"


class StoreUnavailable(Unavailable):
    """The database did not take or give the data: locked, full, away."""

    code = "store_unavailable"


class EnrolmentGone(Unavailable):
    """The person was erased, or enrolled anew, while they were being compared. Nothing was decided."""

    code = "enrolment_gone"


class GalleryMoved(Unavailable):
    """Somebody else was enrolled since the gallery was searched; the search must be done again."""

    code = "gallery_moved"


class TemplateMoved(Unavailable):
    """The template, or what is remembered beside it, was changed or erased since it was read."""

    code = "template_moved"

    def __init__(self) -> None:
        """One sentence for all who were too late."""
        super().__init__("the template was changed at the same moment; try again")


class KeyUnavailable(Unavailable):
    """A template is sealed with a key that isn't here. It is never taken for 'no match'."""

    code = "key_unavailable"
    retry_after_s = 60


class RateLimited(TooMany):
    """Requests come faster than this caller's budget allows."""

    code = "too_many_requests"


class TooManyAtOnce(TooMany):
    """The caller has as many requests or streams open as one caller may have."""

    code = "too_many_at_once"

    def __init__(self, most: int) -> None:
        """Say how many that is."""
        super().__init__(f"one caller may have {most} open at once; end one first", retry_after_s=1.0)


class SealBroken(FaceKeyError):
    """A sealed template doesn't open: it was changed, or belongs to another row."""


class AuditBroken(FaceKeyError):
    """A record of the audit chain was changed, removed or reordered.

    Attributes:
        sequence: the first record that doesn't follow from the one before.
    """

    def __init__(self, sequence: int, message: str) -> None:
        """Name the first record that fails."""
        super().__init__(f"audit record {sequence}: {message}")
        self.sequence = sequence


class SignatureWrong(FaceKeyError):
    """A checkpoint or receipt wasn't signed by this deployment, or was changed since."""


class DeliveryFailed(FaceKeyError):
    """A message could not be handed over; says why in a few words, without addresses or secrets."""


class NetworkChoiceRefused(FaceKeyError):
    """Other networks were to decide, and can't: nothing was changed."""


class ModelError(FaceKeyError):
    """A network can't be had or doesn't behave."""


class CardInvalid(ModelError):
    """A model card has a key that is unknown, missing, or of another type than cards have."""


class SourceFailed(ModelError):
    """One source of weights didn't give them; the next one may. `str()` is one line."""


class ModelUnavailable(ModelError):
    """No source gave the weights."""

    def __init__(self, name: str, reason: str) -> None:
        """Give the reason in one line."""
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class HashMismatch(ModelError):
    """The bytes are not the ones that the card names. They were thrown away unread."""

    def __init__(self, what: str, expected: str, actual: str) -> None:
        """Show both hashes."""
        super().__init__(f"{what}: expected sha256 {expected}, got {actual}; the bytes were thrown away")
        self.expected = expected
        self.actual = actual


class ConversionError(ModelError):
    """The weights hold something that the converter doesn't know; it never guesses."""


class ModelMismatch(ModelError):
    """Embeddings of different networks were about to be compared."""

    def __init__(self, wanted: ModelId, have: tuple[ModelId, ...]) -> None:
        """Name both sides."""
        super().__init__(f"wanted an embedding by {wanted}, have {', '.join(have) or 'none'}")
        self.wanted = wanted
        self.have = have


class ModelOutputInvalid(ModelError):
    """A network answered with something that can't be right."""

    def __init__(self, model: str, fault: str) -> None:
        """Name the network and the fault."""
        super().__init__(f"{model}: {fault}")


class SettingsInvalid(FaceKeyError):
    """The configuration can't be used; names the setting and the mend."""

"""What the service says over a stream: one JSON object a message, each with a `status`."""

from facekey.core.advice import advice
from facekey.core.challenge import INSTRUCTIONS
from facekey.core.types import Decision, Outcome, Reason, Region
from facekey.services.stream_update import Prompt, Step, Update

Status = dict[str, object]

REST = "Look at the camera with a relaxed face, and hold still for a moment."

FINAL = {
    Reason.SPOOF_SUSPECTED: "spoof_detected",
    Reason.CHALLENGE_EXPIRED: "expired",
}
"""The status of a decision that is not a yes, where it is another than `rejected`."""


def connected(*, max_frame_bytes: int, frames_per_s: float, session_s: float) -> Status:
    """The first status of all."""
    return {
        "status": "connected",
        "max_frame_bytes": max_frame_bytes,
        "max_frames_per_second": frames_per_s,
        "session_seconds": session_s,
    }


def error(code: str, detail: str, *, fatal: bool, retry_after_s: int | None = None) -> Status:
    """Something that the client did wrong, or that went wrong here; and when to come back, if that helps."""
    told: Status = {"status": "error", "code": code, "detail": detail, "fatal": fatal}
    return told if retry_after_s is None else {**told, "retry_after_s": retry_after_s}


def told(update: Update, *, dropped: int) -> Status | None:
    """What to say after a frame; None when there is nothing new."""
    if update.decision is not None:
        return _decided(update.decision)
    if update.step is Step.DROPPED:
        return None
    return {**_going_on(update, dropped=dropped), "face": region(update.face)}


def region(place: Region | None) -> list[float] | None:
    """A part of a picture as clients are told it: left, upper, right and lower edge."""
    if place is None:
        return None
    return [round(share, 4) for share in (place.x1, place.y1, place.x2, place.y2)]


def _going_on(update: Update, *, dropped: int) -> Status:
    if update.prompt is not None:
        return _asked(update.prompt)
    if update.step is Step.PROGRESS:
        return {"status": "progress", "progress": round(update.progress, 3), "dropped": dropped}
    words = REST if update.reason is None else advice(update.reason)
    reason = "not_at_rest" if update.reason is None else str(update.reason)
    return {"status": str(update.step), "reason": reason, "advice": words}


def _asked(prompt: Prompt) -> Status:
    return {
        "status": "challenge",
        "challenge_id": prompt.challenge_id,
        "action": str(prompt.action),
        "instruction": INSTRUCTIONS[prompt.action],
        "number": prompt.number,
        "total": prompt.total,
        "expires_in_s": round(prompt.expires_in_s, 1),
    }


def with_token(status: Status, token: str, *, expires_in_s: int) -> Status:
    """A decision with the face token that was asked for."""
    return {**status, "token": token, "token_expires_in": expires_in_s}


def _decided(decision: Decision) -> Status:
    accepted = decision.outcome is Outcome.ACCEPT
    return {
        "status": "authenticated" if accepted else FINAL.get(decision.reason, "rejected"),
        "authenticated": accepted,
        "confidence": _rounded(decision.confidence),
        "threshold": round(decision.threshold, 4),
        "liveness_score": _rounded(decision.liveness_score),
        "reason": str(decision.reason),
        "advice": None if accepted else advice(decision.reason),
        "similarities": {name: round(value, 4) for name, value in decision.similarities.items()},
        "probability": _rounded(decision.probability),
        "quality_score": None if decision.quality is None else round(decision.quality.overall, 4),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

"""`python -m facekey_edge enrol | authenticate | camera | speed`: the runner from a shell."""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2

from facekey.core.advice import advice
from facekey.core.errors import FaceKeyError, RegistrationRefused
from facekey.core.types import Decision, Outcome
from facekey.edge.runner.runner import Runner

YES, NO, FAULT = 0, 1, 65
MEASURED_RUNS = 20

BUNDLE = Path(__file__).resolve().parents[3]  # <bundle>/facekey_edge/edge/runner/command.py


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit code: 0 yes, 1 no, 65 what was given can't be used."""
    parser = argparse.ArgumentParser(prog="python -m facekey_edge", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder with manifest.json")
    parser.add_argument("--threads", type=int, default=4, help="for one network, at most")
    commands = parser.add_subparsers(dest="command", required=True)
    enrol = commands.add_parser("enrol", help="make a template of 3 to 10 photos")
    enrol.add_argument("photos", nargs="+", type=Path)
    enrol.add_argument("--template", type=Path, required=True, help="file to write")
    authenticate = commands.add_parser("authenticate", help="compare one photo with a template")
    authenticate.add_argument("photo", type=Path)
    authenticate.add_argument("--template", type=Path, required=True)
    camera = commands.add_parser("camera", help="look through a camera until the person is recognised")
    camera.add_argument("--template", type=Path, required=True)
    camera.add_argument("--device", type=int, default=0, help="number of the camera")
    camera.add_argument("--seconds", type=float, default=20.0, help="give up after")
    speed = commands.add_parser("speed", help="time each stage on one photo")
    speed.add_argument("photo", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.command == "speed":
            return _speed(given)
        runner = Runner.load(given.bundle, threads=given.threads)
        if given.command == "enrol":
            return _enrol(runner, given.photos, given.template)
        if given.command == "camera":
            return _camera(runner, given.template.read_bytes(), given.device, given.seconds)
        return _tell(runner.authenticate(given.photo.read_bytes(), given.template.read_bytes()))
    except RegistrationRefused as refusal:
        for photo, sample in zip(given.photos, refusal.samples, strict=False):
            _say(f"{photo}: {sample['reason']}. {sample['advice'] or ''}")
        _say(str(refusal))
        return NO
    except (FaceKeyError, OSError) as error:
        _say(str(error))
        return FAULT


def _enrol(runner: Runner, photos: Sequence[Path], target: Path) -> int:
    enrolled = runner.enrol([photo.read_bytes() for photo in photos])
    for photo, sample in zip(photos, enrolled.samples, strict=True):
        _say(f"{photo}: {sample['reason']}")
    # Only its owner may read it: a face can't be changed like a password.
    aside = target.with_name(f".{target.name}.part")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(enrolled.template)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)
    _say(f"{target}: template of {sum(bool(sample['accepted']) for sample in enrolled.samples)} photos")
    return YES


def _camera(runner: Runner, template: bytes, device: int, seconds: float) -> int:
    """One frame after the other; the newest counts, and the first that is accepted ends it."""
    camera = cv2.VideoCapture(device)
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    try:
        if not camera.isOpened():
            _say(f"camera {device} can't be opened")
            return FAULT
        end, told = time.monotonic() + seconds, ""
        while time.monotonic() < end:
            read, frame = camera.read()
            encoded, data = cv2.imencode(".bmp", frame) if read else (False, None)
            if not encoded or data is None:
                _say("the camera gives no picture")
                return FAULT
            decision = runner.authenticate(data.tobytes(), template)
            if decision.outcome is Outcome.ACCEPT:
                return _tell(decision)
            if advice(decision.reason) != told:
                told = advice(decision.reason)
                _say(told)
    finally:
        camera.release()
    _say("nobody was recognised in time")
    return NO


def _speed(given: argparse.Namespace) -> int:
    stages: dict[str, list[float]] = {}
    runner = Runner.load(
        given.bundle,
        threads=given.threads,
        observe=lambda stage, seconds: stages.setdefault(stage, []).append(seconds),
    )
    image = given.photo.read_bytes()
    for _ in range(MEASURED_RUNS):
        runner.pipeline.analyze(image)
    medians = {name: round(1000 * statistics.median(seconds), 2) for name, seconds in stages.items()}
    total = round(sum(medians.values()), 2)
    _print({"provider": runner.provider, "threads": given.threads, "ms": medians, "total_ms": total})
    return YES


def _tell(decision: Decision) -> int:
    accepted = decision.outcome is Outcome.ACCEPT
    _print(
        {
            "authenticated": accepted,
            "reason": str(decision.reason),
            "confidence": decision.confidence,
            "threshold": decision.threshold,
            "liveness_score": decision.liveness_score,
            "probability": decision.probability,
        }
    )
    return YES if accepted else NO


def _print(values: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")

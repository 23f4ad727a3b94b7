"""The tour: register, authenticate, be refused, identify, erase, against a running service.

    make run                                # in one shell
    make samples                            # in another: fetches six public photos
    .venv/bin/python examples/quickstart.py

The photos are of two US presidents. Those of the first come from three occasions. Five files
of the first two are registered, one of them sent twice to show what FaceKey says to that; the
photo of the third occasion, which FaceKey has not seen, is the probe.
"""

import argparse
import sys
from pathlib import Path

import httpx

USER_ID = "tour-obama"
ENROL = ("obama.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg", "obama2.jpg", "obama2.jpg")
PROBE = "obama3.jpg"
STRANGER = "biden.jpg"


def main() -> None:
    """Walk through the API and say what happens."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service listens")
    parser.add_argument(
        "--photos", type=Path, default=Path.home() / ".cache/facekey/samples", help="folder of the photos"
    )
    given = parser.parse_args()
    with httpx.Client(base_url=given.url, timeout=30) as client:
        try:
            tour(client, given.photos)
        except httpx.ConnectError:
            sys.exit(f"nothing listens on {given.url}; start the service first: make run")
        except FileNotFoundError as error:
            sys.exit(f"{error.filename} is missing; fetch the photos first: make samples")
        except httpx.HTTPStatusError as error:
            sys.exit(f"{error.request.url}: {error.response.text}")


def tour(client: httpx.Client, photos: Path) -> None:
    """Every step of a person's life in FaceKey."""
    info = answer(client.get("/api/v1/system/info"))
    in_use = [network["name"] for network in info["models"] if network["in_use"]]
    print(f"FaceKey {info['version']} on {info['device']}, with {', '.join(in_use)}\n")

    print(f"1. Register {USER_ID} with {len(ENROL)} photos")
    enrolment = [("images", (name, (photos / name).read_bytes())) for name in ENROL]
    registered = answer(client.post("/api/v1/register", data={"user_id": USER_ID}, files=enrolment))
    for name, sample in zip(ENROL, registered["samples"], strict=True):
        print(f"   {name:26} {sample['reason']:20} {sample['advice'] or ''}")
    print(f"   {registered['valid_samples']} of {registered['samples_processed']} are in the template\n")

    try:
        print(f"2. Authenticate with {PROBE}, a photo from another day")
        show(authenticate(client, USER_ID, photos / PROBE))

        print(f"3. A stranger, {STRANGER}, claims to be {USER_ID}")
        show(authenticate(client, USER_ID, photos / STRANGER))

        print("4. Somebody claims an id that doesn't exist (it looks just like a stranger)")
        show(authenticate(client, "nobody-of-that-name", photos / PROBE))

        for name in (PROBE, STRANGER):
            print(f"5. Identify {name} among everybody")
            found = answer(client.post("/api/v1/identify", files={"image": (photos / name).read_bytes()}))
            who = found["matches"][0]["user_id"] if found["found"] else "unknown"
            print(f"   {who} ({found['total_users_checked']} people compared)\n")
    finally:
        print(f"6. Erase {USER_ID}")
        erased = answer(client.delete(f"/api/v1/users/{USER_ID}"))
        print(f"   done; audit record {erased['audit_sequence']}, {erased['audit_digest'][:16]}...\n")

    print("7. Authenticate again")
    show(authenticate(client, USER_ID, photos / PROBE))


def authenticate(client: httpx.Client, user_id: str, photo: Path) -> dict[str, object]:
    """One 1:1 comparison."""
    return answer(
        client.post("/api/v1/authenticate", data={"user_id": user_id}, files={"image": photo.read_bytes()})
    )


def answer(response: httpx.Response) -> dict:  # type: ignore[type-arg]
    """The body of a successful answer."""
    response.raise_for_status()
    body: dict[str, object] = response.json()
    return body


def show(decision: dict[str, object]) -> None:
    """One decision in two lines."""
    verdict = "accepted" if decision["authenticated"] else "refused"
    print(f"   {verdict}: {decision['reason']}")
    print(
        f"   confidence {decision['confidence']} (needed {decision['threshold']}), "
        f"liveness {decision['liveness_score']}\n"
    )


if __name__ == "__main__":
    main()

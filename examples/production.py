"""The tour of the production profile: an operator, an application, a person, and what is left of them.

    FACEKEY_PROFILE=production facekey accounts add ada --role admin     # prints a one-time password
    FACEKEY_PROFILE=production facekey serve                             # in another shell
    .venv/bin/python examples/production.py --name ada --password <one-time>

It chooses a new password for the operator and prints it, makes an API key and revokes it at the end,
and erases the person it enrolled. Needs PyJWT (FaceKey's own environment has it).
"""

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any

import httpx
import jwt

USER_ID = "tour-production"
AUDIENCE = "https://shop.example"
ENROL = ("obama.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg", "obama2.jpg", "obama2.jpg")
PROBE = "obama3.jpg"
STRANGER = "biden.jpg"
ATTEMPTS = 6


def main() -> None:
    """Walk through accounts, tokens, limits, privacy and audit, and say what happens."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service listens")
    parser.add_argument("--name", required=True, help="of an admin")
    parser.add_argument("--password", required=True, help="one-time, or of their own")
    parser.add_argument(
        "--photos", type=Path, default=Path.home() / ".cache/facekey/samples", help="folder of the photos"
    )
    given = parser.parse_args()
    with httpx.Client(base_url=given.url, timeout=60) as client:
        try:
            admin = sign_in(client, given.name, given.password)
            tour(client, admin, given.photos)
        except httpx.ConnectError:
            sys.exit(f"nothing listens on {given.url}; start the service first")
        except FileNotFoundError as error:
            sys.exit(f"{error.filename} is missing; fetch the photos first: make samples")
        except httpx.HTTPStatusError as error:
            sys.exit(f"{error.request.url}: {error.response.text}")


def sign_in(client: httpx.Client, name: str, password: str) -> dict[str, str]:
    """The header that an operator's requests carry; a one-time password is replaced first."""
    login = {"username": name, "password": password}
    answer = client.post("/api/v1/auth/token", data=login)
    if answer.status_code == 403:
        chosen = secrets.token_urlsafe(18)
        print(f"1. {name} chooses a password: {chosen}")
        client.post("/api/v1/auth/password", data={**login, "new_password": chosen}).raise_for_status()
        answer = client.post("/api/v1/auth/token", data={"username": name, "password": chosen})
    token = answer.raise_for_status().json()["access_token"]
    print(f"   {name} is signed in, for {answer.json()['expires_in']} seconds\n")
    return {"Authorization": f"Bearer {token}"}


def tour(client: httpx.Client, admin: dict[str, str], photos: Path) -> None:
    """What happens to a person whom an application enrols."""
    print(f"2. An API key for an application, whose tokens are for {AUDIENCE}")
    wanted = {"name": f"tour-{secrets.token_hex(4)}", "audience": AUDIENCE, "lasts_days": 1}
    made = client.post("/api/v1/api_keys", json=wanted, headers=admin).raise_for_status().json()
    application = {"Authorization": f"Bearer {made['key']}"}
    listing = client.get("/api/v1/users", headers=application)
    print(f"   it may not list people: {listing.status_code} {listing.json()['code']}\n")
    try:
        as_application(client, application, photos)
        as_operator(client, admin, application, photos)
    finally:
        client.delete(f"/api/v1/users/{USER_ID}", headers=admin)
        client.delete(f"/api/v1/api_keys/{made['api_key']['uid']}", headers=admin).raise_for_status()
        print("   the API key is revoked")


def as_application(client: httpx.Client, application: dict[str, str], photos: Path) -> None:
    """Enrol with consent, let in, and sign in elsewhere with a token."""
    print(f"3. Enrol {USER_ID} with their consent")
    files = [("images", (name, (photos / name).read_bytes())) for name in ENROL]
    form = {"user_id": USER_ID, "consent_purpose": "sign-in", "consent_text_version": "2026-01"}
    done = client.post("/api/v1/register", data=form, files=files, headers=application)
    print(f"   {done.raise_for_status().json()['valid_samples']} photos are in the template\n")

    print("4. They sign in, and the shop gets a token that it verifies with public keys alone")
    told = attempt(client, application, photos / PROBE, audience=AUDIENCE).raise_for_status().json()
    print(f"   authenticated {told['authenticated']}, confidence {told['confidence']}")
    key_set = client.get("/.well-known/jwks.json").raise_for_status().json()
    kid = jwt.get_unverified_header(told["token"])["kid"]
    key = next(key.key for key in jwt.PyJWKSet.from_dict(key_set).keys if key.key_id == kid)
    claims: dict[str, Any] = jwt.decode(told["token"], key, algorithms=["ES256"], audience=AUDIENCE)
    print(f"   sub {claims['sub']}, amr {claims['amr']}, liveness {claims['liveness']}\n")


def as_operator(
    client: httpx.Client, admin: dict[str, str], application: dict[str, str], photos: Path
) -> None:
    """Stop a guesser, let the person be known to themselves, forget them, and prove it all."""
    print("5. Somebody else tries to be them")
    for _ in range(ATTEMPTS):
        answer = attempt(client, application, photos / STRANGER)
        told = answer.json()
        print(f"   {answer.status_code} {told.get('reason') or told['code']}")
    unlocked = client.post("/api/v1/attempts/unlock", params={"user_id": USER_ID}, headers=admin)
    print(f"   an operator unlocks: {unlocked.raise_for_status().json()['success']}\n")

    print("6. What is kept on them")
    export = client.get(f"/api/v1/users/{USER_ID}/export", headers=admin).raise_for_status().json()
    for part, content in export.items():
        size = f"{len(content)} entries" if isinstance(content, list | dict) else content
        print(f"   {part:18} {size}")

    print("\n7. They are erased; the receipt is signed")
    receipt = client.delete(f"/api/v1/users/{USER_ID}", headers=admin).raise_for_status().json()
    print(f"   audit record {receipt['audit_sequence']}, signature {receipt['signature'][:32]}...\n")

    print("8. The audit log")
    report = client.get("/api/v1/audit/verify", headers=admin).raise_for_status().json()
    print(f"   {report}")


def attempt(
    client: httpx.Client, application: dict[str, str], photo: Path, *, audience: str | None = None
) -> httpx.Response:
    """One photo, one claim."""
    form = {"user_id": USER_ID} if audience is None else {"user_id": USER_ID, "audience": audience}
    return client.post(
        "/api/v1/authenticate", data=form, files={"image": photo.read_bytes()}, headers=application
    )


if __name__ == "__main__":
    main()

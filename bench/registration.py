"""How long it takes to enrol somebody.

Protocol: the person of the public photos with five photos from two occasions, by HTTP, one
registration after the other on SQLite; after each they are erased, which is timed, too. Each
registration looks at five photos, compares them with each other and with everybody, seals a
template and puts it on record. Beside it, in turns, one authenticate of the same person.
"""

import statistics
import time

import httpx

from bench.host import describe
from bench.intervals import median
from bench.photo import enrol, sample_photos, webcam_jpeg
from bench.results import Figure, Result, told
from bench.server import running_server

ROUNDS = 30
WARM_UP = 3
WHO = "bench"
SAID = {
    "register": "register with five photos, over HTTP",
    "authenticate": "authenticate, over HTTP",
    "erase": "erase, over HTTP",
}


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    print(f"machine: {describe()}; {ROUNDS} rounds after {WARM_UP} of warming up")
    photo = webcam_jpeg(sample_photos()["obama.jpg"])
    times: dict[str, list[float]] = {name: [] for name in SAID}
    with running_server() as server, httpx.Client(base_url=server.url, timeout=60) as http:
        for number in range(WARM_UP + ROUNDS):
            taken = _once(http, photo)
            if number >= WARM_UP:
                for name, seconds in taken.items():
                    times[name].append(seconds)
    figures = []
    for name, said in SAID.items():
        mid, low, high = median([1000 * one for one in times[name]])
        figures.append(Figure(f"{name}_ms", said, mid, "ms", ROUNDS, low, high))
        print(f"{said:40} {told(figures[-1])}")
    ratio = statistics.median(a / b for a, b in zip(times["register"], times["authenticate"], strict=True))
    figures.append(
        Figure("register_over_authenticate", "registration over one authenticate", ratio, "x", ROUNDS)
    )
    return Result(tuple(figures))


def _once(http: httpx.Client, photo: bytes) -> dict[str, float]:
    """Seconds of a registration, an authentication and an erasure."""
    began = time.perf_counter()
    enrol(http, WHO)
    enrolled = time.perf_counter()
    http.post("/api/v1/authenticate", data={"user_id": WHO}, files={"image": photo}).raise_for_status()
    asked = time.perf_counter()
    http.delete(f"/api/v1/users/{WHO}").raise_for_status()
    erased = time.perf_counter()
    return {"register": enrolled - began, "authenticate": asked - enrolled, "erase": erased - asked}

"""How long the service takes to start with caches, and what memory it needs.

Protocol: `facekey serve` as a new process on an empty database, five times; from starting
the process to the first healthy answer. Memory: resident set after 50 requests.
"""

import statistics

import httpx

from bench.host import describe
from bench.photo import enrol, sample_photos, webcam_jpeg
from bench.server import running_server

STARTS = 5
REQUESTS = 50


def main() -> None:
    """Measure and print."""
    print(__doc__)
    print(f"machine: {describe()}")
    photo = webcam_jpeg(sample_photos()["obama.jpg"])
    starts = []
    for _ in range(STARTS):
        with running_server() as server:
            starts.append(server.startup_s)
            before = server.resident_mb()
            with httpx.Client(base_url=server.url, timeout=30) as http:
                enrol(http, "bench")
                for _ in range(REQUESTS):
                    http.post("/api/v1/identify", files={"image": photo}).raise_for_status()
            after = server.resident_mb()
    print(f"start to healthy: median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s")
    print(f"resident: {before:.0f} MB at start, {after:.0f} MB after {REQUESTS} requests")

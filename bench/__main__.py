"""`python -m bench [NAME ...]`: run the measurements named, or all that the data at hand allow.

How well faces are recognised is measured by `facekey evaluate` (docs/evaluation.md).
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench import (
    audit,
    capacity,
    clips,
    edge,
    edge_aarch64,
    faults,
    fuzz,
    latency,
    peers,
    poisoning,
    scale,
    startup,
    stream,
    sustained,
    voice,
    web,
)

BENCHES: dict[str, Callable[[argparse.Namespace], None]] = {
    "startup": lambda _: startup.main(),
    "scale": lambda _: scale.main(),
    "audit": lambda _: audit.main(),
    "latency": lambda _: latency.main(),
    "fuzz": lambda _: fuzz.main(),
    "faults": lambda _: faults.main(),
    "capacity": lambda _: capacity.main(),
    "sustained": lambda _: sustained.main(),
    "stream": lambda given: stream.main(given.data),
    "web": lambda given: web.main(given.data),
    "edge": lambda given: edge.main(given.data),
    "edge_aarch64": lambda _: edge_aarch64.main(),
    "peers": lambda given: peers.main(given.data),
    "voice": lambda given: voice.main(given.data),
    "poisoning": lambda given: poisoning.main(given.data),
    "clips": lambda given: clips.main(given.data, given.liveness_without, given.temporal_without),
}
NEED_DATA = {
    "web": "pad_video/apfol/live.webm",
    "voice": "voice/speakers/*/*.flac",
    "edge": "lfw/images, lfw/pairs.txt and pad/<set>/{live,spoof}",
    "peers": "lfw/images and lfw/pairs.txt",
    "poisoning": "lfw/images",
    "clips": "pad_video/<set>/live.* and spoof.*, and photos in lfw/images",
}


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help=", ".join(BENCHES))
    parser.add_argument("--data", type=Path, help="folder that holds " + "; ".join(set(NEED_DATA.values())))
    clips.arguments(parser)
    given = parser.parse_args()
    for name in given.names or BENCHES:
        if name in NEED_DATA and given.data is None:
            if given.names:
                sys.exit(f"{name} needs --data: a folder that holds {NEED_DATA[name]}")
            print(f"== {name}: passed over, it needs --data\n")
            continue
        print(f"== {name}")
        BENCHES[name](given)
        print()


if __name__ == "__main__":
    main()

"""`python -m bench [NAME ...]`: run the measurements named, or all that the data at hand allow."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench import latency, lfw, peers, startup

BENCHES: dict[str, Callable[[Path | None], None]] = {
    "startup": lambda _: startup.main(),
    "latency": lambda _: latency.main(),
    "lfw": lfw.main,
    "peers": peers.main,
}
NEED_DATA = ("lfw", "peers")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help=", ".join(BENCHES))
    parser.add_argument("--data", type=Path, help="folder that holds lfw/images and lfw/pairs.txt")
    given = parser.parse_args()
    for name in given.names or BENCHES:
        if name in NEED_DATA and given.data is None:
            if given.names:
                sys.exit(f"{name} needs --data: a folder that holds lfw/images and lfw/pairs.txt")
            print(f"== {name}: passed over, it needs --data\n")
            continue
        print(f"== {name}")
        BENCHES[name](given.data)
        print()


if __name__ == "__main__":
    main()

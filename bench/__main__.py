"""`python -m bench [NAME ...]`: run the measurements named, or all that the data at hand allow.

What they find is printed, and kept in `report.json` and `report.html` (docs/benchmarks.md). How well
faces are recognised is measured by `facekey evaluate` (docs/evaluation.md).
"""

import argparse
import sys
import traceback
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
    gallery,
    latency,
    looks,
    networks,
    peers,
    poisoning,
    registration,
    scale,
    startup,
    stream,
    streams,
    sustained,
    throughput,
    voice,
    web,
)
from bench.collected import leave, measure, report
from bench.results import Result

BENCHES: dict[str, Callable[[argparse.Namespace], Result | None]] = {
    "latency": lambda _: latency.main(),
    "networks": lambda _: networks.main(),
    "throughput": lambda _: throughput.main(),
    "streams": lambda given: streams.main(given.data),
    "registration": lambda _: registration.main(),
    "startup": lambda _: startup.main(),
    "peers": lambda given: peers.main(given.data),
    "stream": lambda given: stream.main(given.data),
    "audit": lambda _: audit.main(),
    "fuzz": lambda _: fuzz.main(),
    "scale": lambda _: scale.main(),
    "gallery": lambda given: gallery.main(given.data),
    "faults": lambda _: faults.main(),
    "capacity": lambda _: capacity.main(),
    "sustained": lambda _: sustained.main(),
    "edge_aarch64": lambda _: edge_aarch64.main(),
    "web": lambda given: web.main(given.data),
    "edge": lambda given: edge.main(given.data),
    "looks": lambda given: looks.main(given.data),
    "voice": lambda given: voice.main(given.data),
    "poisoning": lambda given: poisoning.main(given.data),
    "clips": lambda given: clips.main(given.data, given.liveness_without, given.temporal_without),
}
SPEED = ("latency", "networks", "throughput", "streams", "registration", "startup", "peers", "audit")
"""What `make bench` measures when nothing is named: all of speed, in a quarter of an hour."""
LONG = {
    "fuzz": "requests nobody thought of",
    "scale": "10,000 people",
    "gallery": "searching a million people",
    "faults": "parts of the deployment that fail",
    "stream": "live streams for longer, with what is dropped",
    "capacity": "machines of several sizes",
    "sustained": "ten minutes at the limit",
    "edge_aarch64": "an emulated board",
}
"""Others that need no data, but minutes to an hour: only by name or with `--all`."""
NEED_DATA = {
    "web": "pad_video/apfol/live.webm",
    "voice": "voice/speakers/*/*.flac",
    "edge": "lfw/images, lfw/pairs.txt and pad/<set>/{live,spoof}",
    "looks": "lfw/images, lfw/pairs.txt and pad/<set>/{live,spoof}",
    "poisoning": "lfw/images",
    "clips": "pad_video/<set>/live.* and spoof.*, and photos in lfw/images",
}
USE_DATA = {
    "peers": "lfw/images and lfw/pairs.txt",
    "gallery": "lfw/images",
    "streams": "pad_video/<set>/live.*",
}
"""These do more with data than without."""
FOLDER = Path("build") / "bench"


def main() -> None:
    """Parse and run; exit 1 where a bench failed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    held = sorted({*NEED_DATA.values(), *USE_DATA.values()})
    parser.add_argument("--data", type=Path, help="folder that holds " + "; ".join(held))
    parser.add_argument("--all", action="store_true", help="also those that take long: " + ", ".join(LONG))
    parser.add_argument("--out", type=Path, default=FOLDER, help=f"folder of the report ({FOLDER})")
    clips.arguments(parser)
    given = parser.parse_args()
    failed = [name for name in chosen(given) if not _run(name, given)]
    as_data, as_page = report(given.out, list(BENCHES))
    print(f"wrote {as_data} and {as_page}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; what they said is above")


def chosen(given: argparse.Namespace) -> list[str]:
    """The benches to run.

    Raises:
        SystemExit: there is none of a name, or one needs data and no folder is given, or the folder
            isn't there. Nothing was measured.
    """
    unknown = [name for name in given.names if name not in BENCHES]
    if unknown:
        sys.exit(f"no bench is called {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    if given.data is not None and not given.data.is_dir():
        sys.exit(f"--data {given.data}: there is no such folder")
    if given.names:
        for name in given.names:
            if name in NEED_DATA and given.data is None:
                sys.exit(f"{name} needs --data: a folder that holds {NEED_DATA[name]}")
        return list(given.names)
    with_data = [] if given.data is None else list(NEED_DATA)
    others = [*with_data, *LONG] if given.all else []
    for name in (*NEED_DATA, *LONG):
        if name not in others:
            what, data = NEED_DATA.get(name) or LONG[name], " and --data" * (name in NEED_DATA)
            print(f"== {name}: passed over ({what}); name it, or give --all{data}")
    return [*SPEED, *others]


def _run(name: str, given: argparse.Namespace) -> bool:
    """Run one and keep what it found; whether it came to its end. One that fails doesn't stop the others."""
    print(f"== {name}", flush=True)
    protocol = sys.modules[f"bench.{name}"].__doc__ or name
    try:
        made = measure(name, protocol, lambda: BENCHES[name](given))
        leave(made, given.out)
    except SystemExit as ended:
        print(f"{name}: {ended.code}")
        return ended.code in (0, None)
    except Exception:  # noqa: BLE001 - what failed is shown and told at the end; the others go on
        traceback.print_exc()
        return False
    print("\n".join(made.result.broken), flush=True)
    return not made.result.broken


if __name__ == "__main__":
    main()

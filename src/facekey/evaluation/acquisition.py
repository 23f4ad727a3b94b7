"""Acquisition: what became of the pictures before anything was compared."""

from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired
from facekey.evaluation.rates import share
from facekey.evaluation.report import Figure, Line, Table, written


def acquisition(got: Acquired, engine: Engine) -> tuple[tuple[Figure, ...], Table]:
    """Failures to acquire by reason; crowded pictures; live faces taken for spoofs.

    The pictures of public sets are of live people, however often they were printed since: what
    falls below the liveness threshold is counted as a rejection of a live face.
    """
    total = len(got.captures)
    faceless = share(total - len(got.found), total)
    refused = share(total - len(got.judged), total)
    crowded = share(sum(one.crowded for one in got.captures.values()), total)
    figures = [
        Figure.of("no_face", "pictures in which no face is found", "", Line.RECOGNITION, faceless),
        Figure.of("failure_to_acquire", "pictures sent back (FTA)", "", Line.PIPELINE, refused),
        Figure.of("crowded", "several faces stand out alike", "", Line.PIPELINE, crowded),
    ]
    scores = [one.liveness for one in got.captures.values() if one.liveness is not None]
    if scores:
        spoofs = share(sum(score < engine.liveness_threshold for score in scores), len(scores))
        figures.append(Figure.of("bpcer", "live faces taken for a spoof (BPCER)", "", Line.PIPELINE, spoofs))
    rows = [(one.said, written(one.share)) for one in figures if one.share is not None]
    rows += [(f"sent back: {reason}", f"{count:,}") for reason, count in got.reasons.items()]
    return tuple(figures), Table("Before the comparison", (f"of {total:,} pictures", ""), tuple(rows))

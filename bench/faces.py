"""LFW through the product's own pipeline, as `facekey evaluate` sees it and from the same cache."""

from pathlib import Path

from rich.progress import Progress

from facekey.cli.evaluate import cache_folder
from facekey.core.calibration import evidence_of_fmr
from facekey.evaluation.cache import open_cache
from facekey.evaluation.engine import Engine, open_engine
from facekey.evaluation.material import Acquired, acquire_all, pictures_in
from facekey.settings import read_settings
from facekey.wiring.vision import open_zoo


def engine() -> Engine:
    """The networks that the settings name, at their threshold."""
    settings = read_settings()
    return open_engine(open_zoo(settings), match_evidence=evidence_of_fmr(settings.match_fmr))


def lfw(data: Path, judge: Engine) -> Acquired:
    """All pictures of LFW; `Acquired.judged` names those that the pipeline doesn't send back."""
    pictures = pictures_in(data / "lfw" / "images", "*/*")
    with Progress(transient=True) as bars, open_cache(cache_folder(read_settings())) as cache:
        task = bars.add_task("pipeline", total=len(pictures))
        return acquire_all(
            pictures, judge.faces, cache, lambda done, total: bars.update(task, completed=done, total=total)
        )

import sqlite3
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from facekey.core.errors import RequestInvalid
from facekey.evaluation.acquire import Capture
from facekey.evaluation.cache import FILE, Forgetful, forget, open_cache
from tests.unit.evaluation.made import FIRST, SECOND, capture

CAPTURE = capture(1, 2, spread=0.3, models=(FIRST, SECOND))


def same(one: Capture | None, other: Capture) -> bool:
    return (
        one is not None
        and (one.sent_back, one.crowded, one.liveness) == (other.sent_back, other.crowded, other.liveness)
        and {model: vector.tolist() for model, vector in one.vectors.items()}
        == {model: vector.tolist() for model, vector in other.vectors.items()}
    )


@pytest.mark.parametrize(
    "kept",
    [CAPTURE, Capture({}, "no_face"), Capture(CAPTURE.vectors, "blurred", crowded=True)],
    ids=["judged", "no face", "sent back"],
)
def test_what_was_kept_comes_back_in_another_run(tmp_path: Path, kept: Capture) -> None:
    with open_cache(tmp_path / "kept") as cache:
        assert cache.get("state", b"image") is None
        cache.put("state", b"image", kept)
    with open_cache(tmp_path / "kept") as cache:
        assert same(cache.get("state", b"image"), kept)
        assert cache.get("another state", b"image") is None
        assert cache.get("state", b"another image") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_nobody_else_can_enter(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o755)
    with open_cache(folder) as cache:
        cache.put("state", b"image", CAPTURE)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert b"person" not in (folder / FILE).read_bytes()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"vectors": {"a": "????"}, "sent_back": null, "crowded": false, "liveness": 1}']
)
def test_a_damaged_entry_is_made_anew(tmp_path: Path, text: str) -> None:
    with open_cache(tmp_path) as cache:
        cache.put("state", b"image", CAPTURE)
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("UPDATE captures SET capture = ?", (text,))
    file.close()
    with open_cache(tmp_path) as cache:
        assert cache.get("state", b"image") is None


def test_a_vector_of_another_length_is_made_anew(tmp_path: Path) -> None:
    with open_cache(tmp_path) as cache:
        cache.put("state", b"image", Capture({FIRST: np.zeros(4, dtype=np.float32)}))
        assert cache.get("state", b"image") is None


def test_a_file_that_is_no_cache_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(RequestInvalid, match="--no-cache does without it"), open_cache(tmp_path):
        pass


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    assert not forget(tmp_path / "never")
    with open_cache(tmp_path) as cache:
        cache.put("state", b"image", CAPTURE)
    assert forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_cache_nothing_is_kept() -> None:
    nothing = Forgetful()
    nothing.put("state", b"image", CAPTURE)
    assert nothing.get("state", b"image") is None

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data.layout import LayoutUnknown, Picture, discover, live_only


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_sets_are_folders_with_live_or_spoof(tmp_path: Path) -> None:
    touch(tmp_path, "b/live/1.jpg", "b/spoof/2.PNG", "a/live/p/3.jpeg", "notes/readme.jpg", "b/live/x.txt")
    sets = discover(tmp_path)
    assert [found.name for found in sets] == ["a", "b"]
    assert [(one.path.name, one.live) for one in sets[1].pictures] == [("1.jpg", True), ("2.PNG", False)]
    assert sets[0].count(live=True) == 1


def test_live_and_spoof_alone_are_one_set(tmp_path: Path) -> None:
    touch(tmp_path, "live/1.jpg", "spoof/1.jpg")
    (only,) = discover(tmp_path)
    assert only.name == tmp_path.name
    assert (only.count(live=True), only.count(live=False)) == (1, 1)


@pytest.mark.parametrize("names", [(), ("a/live/1.jpg",), ("a/spoof/1.jpg",), ("1.jpg",)])
def test_a_label_that_is_missing_altogether_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names)
    with pytest.raises(LayoutUnknown):
        discover(tmp_path)


def test_casia_fasd_is_read_as_it_is_handed_out(tmp_path: Path) -> None:
    for person in ("train_release/1", "test_release/7"):
        for clip in ("1", "2", "3", "HR_1", "HR_4"):
            path = tmp_path / person / f"{clip}.avi"
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 24))
            for shade in range(0, 250, 10):
                writer.write(np.full((24, 32, 3), shade, np.uint8))
            writer.release()
    sets = {found.name: found for found in discover(tmp_path)}
    assert set(sets) == {"casia_low", "casia_normal", "casia_high"}
    low = sets["casia_low"]
    assert (low.count(live=True), low.count(live=False)) == (16, 16)
    decoded = [cv2.imdecode(np.frombuffer(one.read(), np.uint8), 1) for one in low.pictures[:8]]
    shades = [float(np.asarray(picture).mean()) for picture in decoded]
    assert shades == sorted(shades)
    assert shades[-1] - shades[0] > 150
    assert len({low.label_of(one) for one in low.pictures}) == 32


def test_a_clip_that_ends_early_gives_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "broken.avi")
    assert Picture(tmp_path / "broken.avi", live=True, moment=0.5).read() == b""


def test_live_only_takes_all_depths(tmp_path: Path) -> None:
    touch(tmp_path, "one/1.jpg", "two/deep/2.jpg")
    assert len(live_only(tmp_path).pictures) == 2
    with pytest.raises(LayoutUnknown):
        live_only(tmp_path / "nothing")

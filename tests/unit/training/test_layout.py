from pathlib import Path

import pytest

from training.data.layout import LayoutUnknown, discover, live_only


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


def test_live_only_takes_all_depths(tmp_path: Path) -> None:
    touch(tmp_path, "one/1.jpg", "two/deep/2.jpg")
    assert len(live_only(tmp_path).pictures) == 2
    with pytest.raises(LayoutUnknown):
        live_only(tmp_path / "nothing")

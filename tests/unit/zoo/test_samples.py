from pathlib import Path

import pytest

from facekey.core.errors import ModelUnavailable
from facekey.zoo.samples import load_samples, pull_samples
from facekey.zoo.zoo import default_cards_dir


def test_photos_out_of_a_mirror(samples: dict[str, Path], tmp_path: Path) -> None:
    mirror = next(iter(samples.values())).parent
    wanted = load_samples(default_cards_dir())
    paths = pull_samples(wanted, tmp_path / "to", mirror=mirror)
    assert [path.name for path in paths] == list(samples)
    # What was changed is brought again; the rest stays.
    paths[0].write_bytes(b"other")
    pull_samples(wanted, tmp_path / "to", mirror=mirror)
    assert paths[0].read_bytes() == samples[paths[0].name].read_bytes()


def test_other_photos_are_refused(tmp_path: Path) -> None:
    (tmp_path / "obama.jpg").write_bytes(b"other")
    with pytest.raises(ModelUnavailable, match=r"samples: obama\.jpg: expected sha256"):
        pull_samples(load_samples(default_cards_dir()), tmp_path / "to", mirror=tmp_path)
    assert list((tmp_path / "to").iterdir()) == []

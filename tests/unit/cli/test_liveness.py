from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from facekey.cli.main import app
from facekey.zoo.zoo import Zoo
from tests.photos import Photos, encoded


@pytest.fixture
def photo(photos: Photos, tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photos.obama)
    return path


def test_the_depth_of_a_face_is_drawn_and_says_whose_it_is(zoo: Zoo, photo: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["liveness", "depth", str(photo), "-o", str(tmp_path / "depth.png")])
    assert done.exit_code == 0, done.output
    picture = cv2.imread(str(tmp_path / "depth.png"))
    assert picture is not None
    assert picture.shape[0] == 256
    assert "relief 0." in done.output
    if zoo.status("midas_small").installed:
        assert "midas_small:" in done.output
    else:
        assert "MiDaS is not installed" in done.output


@pytest.mark.usefixtures("zoo")
def test_a_picture_without_a_face_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "wall.png").write_bytes(encoded(np.full((200, 200, 3), 90, np.uint8), ".png"))
    arguments = ["liveness", "depth", str(tmp_path / "wall.png"), "-o", str(tmp_path / "depth.png")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 65, done.output
    assert not (tmp_path / "depth.png").exists()
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("zoo")
def test_what_is_no_picture_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_text("not a picture")
    arguments = ["liveness", "depth", str(tmp_path / "note.jpg"), "-o", str(tmp_path / "depth.png")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 65
    assert "Traceback" not in done.output

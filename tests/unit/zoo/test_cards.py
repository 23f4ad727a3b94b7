import re
from pathlib import Path

import pytest

from facekey.core.errors import CardInvalid
from facekey.zoo.cards import PipSource, Task, load_card, load_cards
from facekey.zoo.samples import load_samples
from facekey.zoo.zoo import default_cards_dir
from tests.unit.zoo.conftest import CardFolder

URL = 'kind = "url"\nurl = "http://127.0.0.1/x"\nmax_bytes = 9'
BORN = 'born = {data = "LFW", protocol = "all pairs", date = 2026-11-01, comparisons = 100, commit = "abc"}'


def test_the_cards_of_the_product_can_be_read() -> None:
    cards = load_cards(default_cards_dir())
    default = {name for name, card in cards.items() if card.pack == "default"}
    assert {"retinaface", "mobilefacenet", "facemesh", "mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet"} <= default
    assert {"arcface_r100", "facenet", "midas_small", "minifasnet_v2"} <= set(cards) - default
    assert cards["minifasnet_v2"].liveness is not None
    assert cards["retinaface"].task is Task.DETECT
    assert len({card.model_id for card in cards.values()}) == len(cards)


def test_the_default_pack_needs_no_public_address() -> None:
    for card in load_cards(default_cards_dir()).values():
        if card.pack == "default":
            assert not str(card.sources[0]).startswith("http"), card.name


def test_the_sample_photos_are_six() -> None:
    listed = load_samples(default_cards_dir())
    assert len({sample.sha256 for sample in listed.samples}) == 6
    assert all(isinstance(sample.source, PipSource) for sample in listed.samples)


def test_calibration_is_optional_and_read(cards: CardFolder) -> None:
    cards.write(b"w", URL)
    assert load_card(cards.path / "tiny.toml").calibration is None
    calibration = f'[calibration]\nknots = [[0.1, 1], [0.4, 3]]\nthresholds = {{"1e-3" = 0.4}}\n{BORN}'
    cards.write(b"w", URL, extra=calibration)
    read = load_card(cards.path / "tiny.toml").calibration
    assert read is not None
    assert read.knots == ((0.1, 1.0), (0.4, 3.0))
    assert read.born.date.isoformat() == "2026-11-01"


LIVENESS = "[liveness]\ncrop_px = 80\nbox_scale = 2.7\nlive_index = 1\ntemperature = 1.0\nbias = 0.0\n"


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ("[surprise]\n", "unknown key surprise"),
        (f"[calibration]\nknots = [[0.4, 3], [0.1, 1]]\nthresholds = {{}}\n{BORN}", "rising strictly"),
        (f"[calibration]\nknots = [[0.4, nan]]\nthresholds = {{}}\n{BORN}", "finite"),
        (f"[calibration]\nknots = [[0.4]]\nthresholds = {{}}\n{BORN}", "pairs"),
        (f"[calibration]\nknots = []\nthresholds = {{a = true}}\n{BORN}", "finite"),
        ("[calibration]\nknots = []\nthresholds = {}\n", "born is missing"),
        (f"{LIVENESS}threshold = 0.5", "birth certificate"),
        (f"{LIVENESS}limit = 0.5", "unknown key limit"),
        (LIVENESS.replace("80", "0"), "at least 1"),
        ("[sequence]\nslope = 1.0\nintercept = 0.0\n", "born is missing"),
        (f"[sequence]\nslope = 0.0\nintercept = 0.0\n{BORN}", "above 0"),
    ],
)
def test_a_card_that_is_wrong_is_refused(cards: CardFolder, extra: str, complaint: str) -> None:
    cards.write(b"w", URL, extra=extra)
    with pytest.raises(CardInvalid, match=complaint):
        load_card(cards.path / "tiny.toml")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "tiny"', 'name = "other"', "should be one of tiny"),
        ('pack = "default"', 'pack = "all"', "default, optional"),
        ('task = "embed"', 'task = "guess"', "should be one of detect"),
        ('title = "A tiny network"', 'title = ""', "empty"),
        ('title = "A tiny network"', "title = 3", "type int"),
        ('licence = "MIT"', "", "licence is missing"),
        ("figures = []", "figures = [1]", "hold a int"),
        ("size = [4, 4]", "size = [4, -4]", "below 0"),
        ("size = [4, 4]", "size = [4]", "length"),
        ("size = [4, 4]", "size = [4, true]", "hold a bool"),
        ("scale = 2.0", "scale = 0.0", "above 0"),
        ("scale = 2.0", "scale = inf", "finite"),
        ('format = "onnx"', 'format = "torch"', "without a graph"),
        ('file = "tiny-published.onnx"', 'file = "../x"', "without folders"),
        ('kind = "url"', 'kind = "ftp"', "pip, npm, url, shipped"),
        ('url = "http://127.0.0.1/x"', 'url = "http://127.0.0.1/x"\nsecret = "s"', "unknown key secret"),
    ],
)
def test_every_value_is_checked(cards: CardFolder, old: str, new: str, complaint: str) -> None:
    cards.write(b"w", URL)
    path = cards.path / "tiny.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CardInvalid, match=complaint):
        load_card(path)


def test_hashes_are_64_hex_digits(cards: CardFolder) -> None:
    cards.write(b"w", URL)
    path = cards.path / "tiny.toml"
    path.write_text(
        re.sub(r'sha256 = "(.*)"', lambda found: f'sha256 = "{found[1].upper()}"', path.read_text())
    )
    with pytest.raises(CardInvalid, match="64 lower-case"):
        load_card(path)


@pytest.mark.parametrize("member", ["../../etc/x", "/etc/x", "a\\\\..\\\\b"])
def test_members_stay_inside(cards: CardFolder, member: str) -> None:
    digest = "0" * 64
    cards.write(b"w", f'kind="npm"\npackage="p"\nversion="1"\nsha256="{digest}"\nmembers=["{member}"]')
    with pytest.raises(CardInvalid, match="stay inside"):
        load_card(cards.path / "tiny.toml")
    cards.write(b"w", f'kind="shipped"\npath="{member}"')
    with pytest.raises(CardInvalid, match="stays inside"):
        load_card(cards.path / "tiny.toml")


def test_what_is_no_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardInvalid, match="no model cards"):
        load_cards(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(CardInvalid, match=r"x\.toml"):
        load_cards(tmp_path)

from pathlib import Path

import pytest

from facekey.core.errors import RequestInvalid
from facekey.evaluation.pairs import Pair, read_pairs

LFW = "2\t1\nAda\t1\t2\nAda\t1\tBob\t3\nBob\t1\t2\nBob\t1\tCy\t10\n"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (
            LFW,
            [
                Pair("Ada/Ada_0001.jpg", "Ada/Ada_0002.jpg", True, 0),
                Pair("Ada/Ada_0001.jpg", "Bob/Bob_0003.jpg", False, 0),
                Pair("Bob/Bob_0001.jpg", "Bob/Bob_0002.jpg", True, 1),
                Pair("Bob/Bob_0001.jpg", "Cy/Cy_0010.jpg", False, 1),
            ],
        ),
        (LFW.replace("\t", " "), None),
        ("1\nAda\t1\t2\nAda\t1\tBob\t3\n", [Pair("Ada/Ada_0001.jpg", "Ada/Ada_0002.jpg", True, 0), None]),
        (
            "left,right,label,fold\na b/1.jpg,c.png,1,3\na b/1.jpg,d.png,0,5\n",
            [Pair("a b/1.jpg", "c.png", True, 3), Pair("a b/1.jpg", "d.png", False, 5)],
        ),
        ("a.jpg\tb.jpg\tsame\nc.jpg\td.jpg\tdifferent\n", [Pair("a.jpg", "b.jpg", True, 0), None]),
        ("\ufeff1 a.jpg b.jpg\n0 c.jpg d.jpg\n\n", [Pair("a.jpg", "b.jpg", True, 0), None]),
        ('"a,1.jpg",b.jpg,1\nc.jpg,d.jpg,0\n', [Pair("a,1.jpg", "b.jpg", True, 0), None]),
    ],
    ids=["lfw", "lfw with spaces", "lfw one fold", "csv with folds", "tsv", "marked", "quoted"],
)
def test_every_form_is_told_apart(tmp_path: Path, text: str, pairs: list[Pair | None] | None) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    found = read_pairs(path)
    if pairs is None:
        path.write_text(LFW, encoding="utf-8")
        assert found.pairs == read_pairs(path).pairs
        return
    assert len(found.pairs) == len(pairs)
    assert all(expected in (None, pair) for pair, expected in zip(found.pairs, pairs, strict=True))
    assert found.pictures == tuple(dict.fromkeys(n for pair in found.pairs for n in (pair.left, pair.right)))


def test_a_list_without_folds_is_cut_into_ten(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("".join(f"{n}.jpg,{n + 1}.jpg,{n % 2}\n" for n in range(40)))
    assert [pair.fold for pair in read_pairs(path).pairs] == [n // 4 for n in range(40)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n \n", "empty lines"),
        ("10\t300\nAda\t1\t2\n", r"6,000 pairs .* but 1 follow"),
        ("1\t1\nAda\t1\t2\nAda\t1\n", "line 3: expected `Name 1 4`"),
        ("1\t1\nAda\t1\tx\nAda\t1\tBob\t2\n", "line 2: 'x' is no number"),
        ("nonsense\n", "line 1: neither LFW's head"),
        ("a.jpg,b.jpg,1\na.jpg,b.jpg\n", "line 2: expected left,right,label"),
        ("a.jpg,b.jpg,1\na.jpg,b.jpg,2\n", "line 2: '2' is no label"),
        ("a.jpg,b.jpg,1,x\na.jpg,b.jpg,0,1\n", "line 1: 'x' is no number of a fold"),
        ("a.jpg,b.jpg,1,1\na.jpg,c.jpg,0,1\n", "one fold"),
        ("a.jpg,b.jpg,1\n", "has 1 pairs"),
        ("a.jpg,b.jpg,1\nb.jpg,c.jpg,1\n", "no pair of two people; both kinds are needed"),
        ("a.jpg,b.jpg,0\nb.jpg,c.jpg,0\n", "no pair of one person; both kinds are needed"),
        ("a.jpg,b.jpg,1\na.jpg,../../etc/passwd,0\n", "line 2: '../../etc/passwd' is no path inside"),
        ("a.jpg,/etc/passwd,1\na.jpg,b.jpg,0\n", "line 1: '/etc/passwd' is no path inside"),
        ("1 a.jpg b.jpg\n0 c.jpg\n", "line 2: expected `1 left right`"),
        ('"a.jpg,b.jpg,1\n', "quoted|no table"),
    ],
)
def test_a_corrupt_list_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(RequestInvalid, match=said):
        read_pairs(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\x00"])
def test_a_list_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(RequestInvalid, match=r"UTF-8|neither"):
        read_pairs(path)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RequestInvalid, match="can't be read"):
        read_pairs(tmp_path / "none.txt")

from pathlib import Path

import pytest

from facekey.core.errors import SourceFailed
from facekey.zoo.sources.upstream import Downloader
from tests.unit.zoo.conftest import Page, Server

BODY = bytes(range(256)) * 4000  # several chunks
QUICK = Downloader(connect_timeout_s=2.0, read_timeout_s=0.3, pause_s=0.0)


class Seen:
    def __init__(self) -> None:
        self.calls: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.calls.append((done, total))


def fetch(server: Server, part: Path, *, limit: int = len(BODY)) -> Seen:
    seen = Seen()
    QUICK.fetch(server.url("/w"), part, max_bytes=limit, watch=seen)
    return seen


def test_a_plain_download(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(BODY)
    seen = fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY
    assert seen.calls[-1] == (len(BODY), len(BODY))
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_broken_line_is_resumed(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(BODY, cut_at=[600_000, 100_000])
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY
    assert server.seen[0] == ""
    assert server.seen[1] == "bytes=600000-"
    assert len(server.seen) == 3


def test_a_later_pull_resumes_what_an_earlier_one_left(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(BODY, cut_at=[10_000, 10_000, 10_000])
    with pytest.raises(SourceFailed):
        fetch(server, tmp_path / "p")
    have = (tmp_path / "p").stat().st_size
    assert have > 0
    fetch(server, tmp_path / "p")
    assert server.seen[-1] == f"bytes={have}-"
    assert (tmp_path / "p").read_bytes() == BODY


def test_a_changed_file_starts_anew(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(b"old" * 9000, cut_at=[1000, 1000, 1000])
    with pytest.raises(SourceFailed):
        fetch(server, tmp_path / "p")
    server.pages["/w"] = Page(BODY, etag='"two"')
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY


@pytest.mark.parametrize("page", [Page(BODY, ranges=False), Page(BODY, etag='W/"weak"'), Page(BODY, etag="")])
def test_a_server_that_cant_resume_sends_all_again(server: Server, tmp_path: Path, page: Page) -> None:
    page.cut_at = [5000]
    server.pages["/w"] = page
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY


def test_a_part_of_another_address_is_not_resumed(server: Server, tmp_path: Path) -> None:
    server.pages["/other"] = Page(b"other" * 9000, cut_at=[1000] * 3)
    with pytest.raises(SourceFailed):
        QUICK.fetch(server.url("/other"), tmp_path / "p", max_bytes=10**6, watch=Seen())
    server.pages["/w"] = Page(BODY)
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY


def test_a_stalling_server_is_given_up(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(BODY, stall_after=1000)
    with pytest.raises(SourceFailed, match="didn't answer in time"):
        fetch(server, tmp_path / "p")


def test_too_much_is_refused_before_and_while_it_comes(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(BODY)
    with pytest.raises(SourceFailed, match="offers"):
        fetch(server, tmp_path / "p", limit=100)
    server.pages["/w"] = Page(BODY, length=False)
    with pytest.raises(SourceFailed, match="sends more"):
        fetch(server, tmp_path / "p", limit=100)
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_but_not_for_ever(server: Server, tmp_path: Path) -> None:
    server.pages["/w"] = Page(b"", redirect="/there")
    server.pages["/there"] = Page(BODY)
    fetch(server, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY
    server.pages["/there"] = Page(b"", redirect="/w")
    with pytest.raises(SourceFailed, match="redirect"):
        fetch(server, tmp_path / "q")


def test_an_error_answer_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="answered 404"):
        fetch(server, tmp_path / "p")


def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed) as caught:
        QUICK.fetch("http://127.0.0.1:9/w", tmp_path / "p", max_bytes=9, watch=Seen())
    assert "\n" not in str(caught.value)

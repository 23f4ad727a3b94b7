"""FaceKey asked as its peers are: in a process of its own, a line of JSON there and one back."""

from pathlib import Path

import pytest

from bench.peer_environments import FACEKEY, asked, peers
from facekey.zoo.zoo import Zoo


def test_a_worker_enrols_and_decides(zoo: Zoo, samples: dict[str, Path], tmp_path: Path) -> None:
    nothing = tmp_path / "no.jpg"
    nothing.write_bytes(b"")
    with asked(FACEKEY, cores=1) as talk:
        talk.enrol(samples["obama.jpg"])
        assert talk.decide(samples["obama2.jpg"]) > 0
        with pytest.raises(RuntimeError, match="ended without an answer"):
            talk.enrol(nothing)


def test_whoever_has_random_weights_is_not_judged_by_accuracy(tmp_path: Path) -> None:
    for peer in peers(tmp_path):
        assert peer.trained is not ("RANDOM" in peer.weights)

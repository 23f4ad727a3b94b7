"""Notebooks run from top to bottom, and the repository holds nothing of what they showed."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from facekey.zoo.zoo import Zoo

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TIME_LIMIT_S = 300
KEPT = {"kernelspec", "language_info"}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    read: nbformat.NotebookNode = nbformat.read(request.param, as_version=4)  # type: ignore[no-untyped-call]
    return read


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == ["evaluate_system.ipynb"]


def test_nothing_of_a_run_is_kept(notebook: nbformat.NotebookNode) -> None:
    """Outputs would hold somebody's figures, paths and faces."""
    nbformat.validate(notebook)
    assert set(notebook.metadata) <= KEPT
    for cell in notebook.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_it_runs_from_top_to_bottom(
    notebook: nbformat.NotebookNode,
    zoo: Zoo,
    samples: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """On the public photos; on LFW too, where FACEKEY_EVALUATION_DATA says where it is."""
    del zoo, samples  # they are there once these are asked for
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("FACEKEY_EVALUATION_PAIRS", "20")
    NotebookClient(
        notebook, timeout=TIME_LIMIT_S, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    shown = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "accuracy" in shown
    if not os.environ.get("FACEKEY_EVALUATION_DATA"):
        assert "6 pictures, 10 mated pairs, 5 of two people" in shown
    drawn = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(drawn) == 2

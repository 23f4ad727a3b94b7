from pathlib import Path

import pytest
from structlog.testing import capture_logs

from facekey.api.metric_files import MOST_BYTES, MOST_FILES, MetricFiles
from facekey.evaluation.report import Section
from facekey.evaluation.textfile import write_textfile
from tests.unit.evaluation.made import report

GOOD = "# TYPE facekey_backup_bytes gauge\nfacekey_backup_bytes 1234\n"


def told(folder: Path) -> dict[str, float]:
    return {
        sample.name: sample.value for family in MetricFiles(folder).collect() for sample in family.samples
    }


def test_a_folder_that_is_not_there_yet_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path / "later") == {"facekey_metric_files_refused": 0}


def test_what_stands_in_files_is_shown(tmp_path: Path) -> None:
    (tmp_path / "backup.prom").write_text(GOOD)
    (tmp_path / "other.txt").write_text("no figures")
    assert told(tmp_path) == {"facekey_backup_bytes": 1234, "facekey_metric_files_refused": 0}


def test_what_an_evaluation_leaves_is_shown(tmp_path: Path) -> None:
    section = Section("lfw", "LFW", (), (), "0" * 64, 1)
    write_textfile(report(section), tmp_path / "evaluation.prom")
    assert "facekey_model_evaluated_timestamp_seconds" in told(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("of-the-service", "facekey_audit_intact 1\n"),
        ("of-somebody", "node_cpu 1\n"),
        ("no-figures", "facekey_backup_bytes one\n"),
        ("no-text", "facekey_backup_bytes 1 \udcff\n"),
        ("another-name-inside", "# TYPE facekey_backup_x summary\nfacekey_backup_x 1\nup 1\n"),
        ("too-large", "#" * (MOST_BYTES + 1)),
        ("too-many", "".join(f'facekey_backup_x{{n="{n}"}} 1\n' for n in range(2001))),
        ("said-twice", GOOD),
    ],
)
def test_a_file_that_cannot_be_used_is_left_out_whole_and_told_of(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / "backup.prom").write_text(GOOD)
    (tmp_path / f"{name}.prom").write_text(content, errors="surrogateescape")
    files = MetricFiles(tmp_path)
    with capture_logs() as logs:
        shown = {one.name: one.value for family in files.collect() for one in family.samples}
        list(files.collect())
    assert shown == {"facekey_backup_bytes": 1234, "facekey_metric_files_refused": 1}
    assert [line["file"] for line in logs] == [f"{name}.prom"], "once, not at every look"


def test_more_files_than_anybody_needs(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 2):
        (tmp_path / f"{number:02}.prom").write_text(f"facekey_backup_n{number:02} 1\n")
    shown = told(tmp_path)
    assert len(shown) == MOST_FILES + 1
    assert shown["facekey_metric_files_refused"] == 2

"""The pipelines of GitHub and GitLab: their schemas, what can be abused, and that they run what exists."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.deployment.manifests import ROOT

GITHUB = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
SCHEMAS = {
    "vendor.github-workflows": GITHUB,
    "vendor.dependabot": [ROOT / ".github" / "dependabot.yml"],
    "vendor.gitlab-ci": [GITLAB],
    "vendor.renovate": [ROOT / "renovate.json"],
}
TOOLS = Path(sys.executable).parent
MAKES = re.compile(r"(?m)^make ([a-z0-9-]+)$")
FILES = re.compile(r"(?<![\w./$-])((?:\.ci|\.github|deployment|frontend|training|app|src)/[\w./-]*[\w-])")
TRIVY = "aquasecurity/trivy-action"
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
EVERY_MERGE = {"ci.yml", "build.yml", "codeql.yml"}

Pipeline = dict[Any, Any]
"""YAML 1.1 reads the key `on` as true."""


def loaded(path: Path) -> Pipeline:
    found: Pipeline = yaml.safe_load(path.read_text())
    return found


def steps(path: Path) -> list[Pipeline]:
    return [step for job in loaded(path)["jobs"].values() for step in job.get("steps", ())]


def gitlab_jobs() -> dict[str, Pipeline]:
    reserved = {"stages", "workflow", "variables", "default"}
    found = loaded(GITLAB)
    return {name: job for name, job in found.items() if name not in reserved}


def scripts(path: Path) -> str:
    """All that a pipeline hands to a shell."""
    if path == GITLAB:
        lines = [
            line
            for job in gitlab_jobs().values()
            for part in ("before_script", "script")
            for line in job.get(part, ())
        ]
        return "\n".join(lines)
    return "\n".join(step["run"] for step in steps(path) if "run" in step)


def test_every_file_fits_its_schema() -> None:
    for schema, files in SCHEMAS.items():
        assert files
        told = subprocess.run(
            [TOOLS / "check-jsonschema", "--builtin-schema", schema, *files],
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout


def test_nothing_can_be_abused_as_far_as_zizmor_sees() -> None:
    told = subprocess.run(
        [TOOLS / "zizmor", "--offline", "--no-progress", ROOT / ".github"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("path", [*GITHUB, GITLAB], ids=lambda path: path.name)
def test_what_a_pipeline_names_is_there(path: Path) -> None:
    text = path.read_text()
    makefile = (ROOT / "Makefile").read_text()
    missing = [target for target in MAKES.findall(scripts(path)) if f"\n{target}:" not in makefile]
    assert missing == []
    named = set()
    for name in FILES.findall(re.sub(r"(?m)^\s*#.*$", "", text)):
        # A Dockerfile's name has a variable in it: that of every image.
        named |= {re.sub(r"\$\{\{.*?\}\}|\$\w+", image, name) for image in ("api", "web", "backup")}
    assert [
        name for name in sorted(named) if not (ROOT / name.rstrip("/")).exists() and not is_made(name)
    ] == []


def is_made(name: str) -> bool:
    """Cut off by the expression that follows: `deployment/docker/` before an image's name."""
    return not Path(name).suffix and (ROOT / name).parent.exists()


def test_images_are_those_that_have_a_dockerfile() -> None:
    built = {
        path.name.removesuffix(".Dockerfile")
        for path in (ROOT / "deployment" / "docker").glob("*.Dockerfile")
    }
    matrices = [
        set(job["strategy"]["matrix"]["image"])
        for path in GITHUB
        for job in loaded(path)["jobs"].values()
        if "image" in job.get("strategy", {}).get("matrix", {})
    ]
    matrices += [
        set(job["parallel"]["matrix"][0]["IMAGE"]) for job in gitlab_jobs().values() if "parallel" in job
    ]
    assert len(matrices) >= 5
    assert all(matrix == built for matrix in matrices), (matrices, built)


def test_both_run_what_ci_runs() -> None:
    wanted = set(MAKES.findall((ROOT / ".ci" / "run").read_text()))
    assert wanted == {"check", "test"}
    assert wanted <= set(MAKES.findall(scripts(ROOT / ".github" / "workflows" / "ci.yml")))
    assert wanted <= set(MAKES.findall(scripts(GITLAB)))
    assert {"audit", "dist"} <= set(MAKES.findall(scripts(GITLAB)))


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_a_workflow_may_do_only_what_it_says(path: Path) -> None:
    workflow = loaded(path)
    triggers = workflow[True]
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert "pull_request_target" not in triggers
    assert "workflow_run" not in triggers
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert "write-all" not in str(job["permissions"])
        assert "uses" in job or job["timeout-minutes"] <= 90
        assert job.get("runs-on", "ubuntu-24.04") == "ubuntu-24.04", "a moving label changes what was tested"


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_actions_are_pinned_and_keep_no_credentials(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            assert PINNED.match(step["uses"]), step["uses"]
            if step["uses"].startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    for line in path.read_text().splitlines():
        if "uses: " in line and "$/" not in line:
            assert re.search(r"# v\d+\.\d+\.\d+$", line), f"the version is a comment: {line}"


def test_one_action_is_one_version_everywhere() -> None:
    used = {step["uses"] for path in GITHUB for step in steps(path) if "uses" in step}
    names = [
        one.partition("@")[0].removesuffix("/init").removesuffix("/analyze").removesuffix("/upload-sarif")
        for one in used
    ]
    pins = {(name, one.partition("@")[2]) for name, one in zip(names, used, strict=True)}
    assert len(pins) == len(set(names))


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_nothing_that_others_write_reaches_a_shell(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", ""), (
            "an expression becomes part of the script: hand it over by env"
        )
    assert "github.event.pull_request.title" not in path.read_text()
    assert "github.head_ref" not in path.read_text()


def test_only_what_is_merged_gets_more_than_to_read() -> None:
    # What a pull request starts may read, and write its findings; publishing waits for a push.
    for name in EVERY_MERGE:
        for job in loaded(ROOT / ".github" / "workflows" / name)["jobs"].values():
            if set(job["permissions"].items()) - {("contents", "read"), ("security-events", "write")}:
                assert job["if"] == "${{ github.event_name == 'push' }}"


def trivy(path: Path) -> list[Pipeline]:
    return [step["with"] for step in steps(path) if step.get("uses", "").startswith(TRIVY)]


def kind(options: Pipeline) -> str:
    return str(options.get("scan-type", "image"))


@pytest.mark.parametrize(
    ("name", "kinds"), [("build.yml", {"image", "fs", "config"}), ("rescan.yml", {"image", "fs"})]
)
def test_github_stops_on_what_is_critical_and_shows_the_rest(name: str, kinds: set[str]) -> None:
    path = ROOT / ".github" / "workflows" / name
    gates = [one for one in trivy(path) if one.get("exit-code") == "1"]
    assert {kind(one) for one in gates} == kinds
    assert all("CRITICAL" in one["severity"].split(",") and "ignore-unfixed" not in one for one in gates)
    reports = {one["output"] for one in trivy(path) if one.get("format") == "sarif"}
    uploads = {step["with"]["sarif_file"] for step in steps(path) if "/upload-sarif@" in step.get("uses", "")}
    assert reports == uploads
    assert not [step for step in steps(path) if step.get("continue-on-error")]
    assert not [job for job in loaded(path)["jobs"].values() if job.get("continue-on-error")]


def test_gitlab_stops_on_what_is_critical() -> None:
    jobs = {name: job for name, job in gitlab_jobs().items() if name.startswith("trivy:")}
    assert {line.split()[1] for job in jobs.values() for line in job["script"]} == {"image", "fs", "config"}
    for name, job in jobs.items():
        assert "--severity CRITICAL --exit-code 1" in job["script"][-1], name
        assert any("sarif" in line for line in job["script"]), name
        assert "allow_failure" not in job
        assert "|| true" not in " ".join(job["script"])


def test_nothing_is_published_before_it_was_tested_and_looked_through() -> None:
    build = loaded(ROOT / ".github" / "workflows" / "build.yml")["jobs"]
    assert {"source", "image"} <= set(build["publish"]["needs"])
    release = loaded(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert release["images"]["needs"] == ["ci"] == release["files"]["needs"]
    assert set(release["publish"]["needs"]) == {"images", "files"}
    stages = loaded(GITLAB)["stages"]
    jobs = gitlab_jobs()
    for name in ("publish", "dist"):
        assert "needs" not in jobs[name], "it waits for all stages before its own"
        assert stages.index(jobs[name]["stage"]) > max(
            stages.index(stage) for stage in ("check", "test", "build", "scan")
        )


def test_releases_are_signed_by_the_pipeline_itself() -> None:
    for path in (ROOT / ".github" / "workflows" / "build.yml", GITLAB):
        assert "cosign sign --yes --recursive" in scripts(path)
        assert "cosign.key" not in path.read_text()
    for path in (ROOT / ".github" / "workflows" / "release.yml", GITLAB):
        assert "cosign sign-blob --yes --bundle" in scripts(path)
    pushed = [
        step["with"]
        for step in steps(ROOT / ".github" / "workflows" / "build.yml")
        if step.get("with", {}).get("push")
    ]
    assert [(one["sbom"], one["provenance"], one["platforms"]) for one in pushed] == [
        (True, "mode=max", "linux/amd64,linux/arm64")
    ]


def test_a_release_takes_nothing_from_a_cache() -> None:
    assert "cache" not in str(
        [step.get("with") for step in steps(ROOT / ".github" / "workflows" / "release.yml")]
    )
    assert gitlab_jobs()["dist"]["cache"] == []


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A small copy of what the notes are made from."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "release-notes").write_text((ROOT / ".ci" / "release-notes").read_text())
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- later\n\n"
        "## 1.2.0 - 2026-12-01\n\n### Added\n\n- now\n\n## 1.1.0\n\n- before\n"
    )
    return tmp_path / ".ci" / "release-notes"


def test_the_notes_of_a_release_are_its_section_of_the_changelog(released: Path) -> None:
    told = subprocess.run([sys.executable, released, "1.2.0"], capture_output=True, text=True, check=True)
    assert told.stdout == "### Added\n\n- now\n"


@pytest.mark.parametrize(
    ("version", "why"), [("1.1.0", "pyproject.toml has version 1.2.0"), ("1.2.0", "no section")]
)
def test_a_tag_that_fits_nothing_is_refused(released: Path, version: str, why: str) -> None:
    changelog = released.parents[1] / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## 1.2.0", "## 1.2.0-rc1"))
    told = subprocess.run([sys.executable, released, version], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert why in told.stderr
    assert told.stdout == ""

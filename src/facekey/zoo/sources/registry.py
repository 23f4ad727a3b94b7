"""Package registries, through their ordinary clients.

The client is asked for one release, by name and version; where it asks is the user's own
configuration. The archive's hash is checked before a byte of it is read, and packages
are never installed or imported.
"""

import re
import shutil
import subprocess  # nosec B404
import sys
from pathlib import Path

from facekey.core.errors import SourceFailed
from facekey.zoo.cards import NpmSource, PipSource
from facekey.zoo.durable import read_bounded, require_sha256
from facekey.zoo.sources.archive import take

MAX_ARCHIVE_BYTES = 512 * 2**20
TIMEOUT_S = 900.0

_REASON_CHARACTERS = 160


class Registries:
    """Fetches archives into one folder, each archive once."""

    def __init__(self, workspace: Path) -> None:
        """Work in an existing empty folder that the caller removes afterwards."""
        self._workspace = workspace

    def read(self, source: PipSource | NpmSource, *, max_bytes: int) -> bytes:
        """The member that the source names, out of a verified archive.

        Raises:
            SourceFailed: the client is missing, or doesn't have the release.
            HashMismatch: the archive is not the published one.
        """
        return take(self.archive(source), source, max_bytes=max_bytes)

    def archive(self, source: PipSource | NpmSource) -> bytes:
        """The whole archive, its hash checked.

        Raises:
            SourceFailed: the client is missing, or doesn't have the release.
            HashMismatch: the archive is not the published one.
        """
        folder = self._workspace / source.sha256
        if not folder.exists():
            folder.mkdir()
            try:
                self._download(source, folder)
            except BaseException:
                shutil.rmtree(folder)
                raise
        archives = [path for path in folder.iterdir() if path.suffix in (".whl", ".gz", ".tgz", ".zip")]
        if len(archives) != 1:
            raise SourceFailed("the client gave no archive")
        content = read_bounded(archives[0], MAX_ARCHIVE_BYTES)
        require_sha256(content, source.sha256, str(source))
        return content

    def _download(self, source: PipSource | NpmSource, folder: Path) -> None:
        if isinstance(source, NpmSource):
            npm = shutil.which("npm")
            if npm is None:
                raise SourceFailed("npm is not installed")
            # Scripts are off for good measure: packing a published release runs none.
            options = ["--loglevel=error", "--ignore-scripts", "--pack-destination", str(folder)]
            _run([npm, "pack", f"{source.package}@{source.version}", *options], folder)
            return
        requirement = folder / "requirement.txt"
        requirement.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
        # pip runs an sdist's setup.py for its metadata; with --require-hashes only after
        # the archive proved to be the published one. Of a wheel it runs nothing.
        form = "--only-binary=:all:" if source.archive == "wheel" else f"--no-binary={source.package}"
        options = [
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            form,
        ]
        _run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                *options,
                "--dest",
                str(folder),
                "-r",
                str(requirement),
            ],
            folder,
        )


def _run(command: list[str], folder: Path) -> None:
    """Run a client to its end.

    Raises:
        SourceFailed: it failed; with the line that says why.
    """
    try:
        # The command is a list, its variable parts come from a card: no shell reads them.
        subprocess.run(  # noqa: S603 # nosec B603
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"the client didn't finish in {TIMEOUT_S:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise SourceFailed(_reason(f"{error.stderr}\n{error.stdout}")) from error
    except OSError as error:
        raise SourceFailed(f"the client can't be run: {error}") from error


def _reason(output: str) -> str:
    """The one line of a client's output that says what went wrong."""
    if "No module named pip" in output:
        return "pip is not installed in this Python environment"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # npm begins with a code of its own and tells the reason in the line after it.
    told = [line for line in lines if re.match(r"(ERROR:|npm (ERR!|error)) (?!code )\S", line)] or lines
    if not told:
        return "the client failed without saying why"
    line = re.sub(r"^(ERROR:|npm (ERR!|error)) ", "", told[0])
    return line if len(line) <= _REASON_CHARACTERS else f"{line[:_REASON_CHARACTERS]}..."

"""`make image-steps`: every step of the Dockerfiles, with the registries, and the service that comes of it.

Left out is the step that makes a user and takes the installers of the base image away: it is about the
container itself. Takes some minutes; tests/deployment/test_images.py does the part that is quick.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from facekey.store.keys.encryption_key import EncryptionKey
from tests.deployment.dockerfile import Instruction, Root, Stage, stages
from tests.e2e.conftest import ROOT, free_port

FILES = ROOT / "deployment" / "docker"
LEFT_OUT = ("groupadd", "rm -rf /etc")
ANSWERS_S = 60.0


def of_the_container(one: Instruction) -> bool:
    """Whether a step is about the container itself, and none for a folder."""
    return any(word in one.rest for word in LEFT_OUT)


def healthy(root: Root, final: Stage, **settings: str) -> str:
    """Start the image's command with the image's settings, and ask as its health check does.

    Returns:
        The file that the service was loaded from.
    """
    port = str(free_port())
    (check,), (command,) = final.of("HEALTHCHECK"), final.of("CMD")
    environment = {**root.environment, "FACEKEY_SECRETS_DIR": str(root.folder), **settings}
    at = root.place(final.of("WORKDIR")[-1].rest)
    words = [word.replace(":8000", f":{port}") for word in root.command(command)]
    asking = [word.replace(":8000", f":{port}") for word in root.command(check)]
    with tempfile.TemporaryFile("w+") as log:
        service = subprocess.Popen(words, cwd=at, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + ANSWERS_S
            while subprocess.run(
                asking, env=environment, capture_output=True, check=False, cwd=at
            ).returncode:
                if service.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"the service doesn't answer: {log.read()}")
                time.sleep(0.2)
        finally:
            service.terminate()
            service.wait(timeout=60)
    where = [asking[0], "-c", "import app.main; print(app.main.__file__)"]
    return subprocess.run(
        where, cwd=at, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def main() -> None:
    """Carry them all out, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder))
        api = stages(FILES / "api.Dockerfile")
        for name, stage in api.items():
            sys.stderr.write(f"api: {name}\n")
            root.build(stage, leave_out=of_the_container)
        at = root.place("/opt/facekey/lib")
        found = {path.name.partition("-")[0] for path in at.glob("python*/site-packages/*")}
        if left := found & {"pip", "hatchling", "setuptools", "torch", "wheel"}:
            sys.exit(f"these don't belong into the image: {', '.join(sorted(left))}")
        loaded = healthy(
            root,
            api["api"],
            ENCRYPTION_KEY=EncryptionKey.generate().written(),
            DATABASE_URL=f"sqlite:///{folder}/facekey.db",
            FACEKEY_PROFILE="development",
            WEB_CONCURRENCY="2",
        )
        if not loaded.startswith(str(root.place("/opt/facekey"))):
            sys.exit(f"the service was loaded from {loaded}")
        size = sum(path.lstat().st_size for path in root.place("/opt/facekey").rglob("*"))
        sys.stderr.write(f"api: answers; {size / 2**20:.0f} MB in /opt/facekey\n")
        web = stages(FILES / "web.Dockerfile")
        root.build(web["built"])
        if not (root.place("/build/frontend/dist") / "index.html").is_file():
            sys.exit("the web app was not built")
        sys.stderr.write("web: built\n")


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()

"""The Dockerfiles: read by hadolint, and carried out as far as is quick (`make image-steps` does all)."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from facekey.settings import read_settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.zoo.zoo import Zoo
from tests.deployment.dockerfile import Instruction, Root, Stage, stages
from tests.deployment.image_steps import FILES, healthy, of_the_container
from tests.deployment.proxy import composed
from tests.e2e.conftest import ROOT

DOCKERFILES = sorted(FILES.glob("*.Dockerfile"))
FINAL = {"api": "10001:10001", "web": "101:101", "backup": "10001:10001"}
BAKE = (FILES / "docker-bake.hcl").read_text()


def final(file: Path) -> Stage:
    """The last stage: what the image is."""
    return list(stages(file).values())[-1]


def kept_out(path: str) -> bool:
    """Whether .dockerignore keeps a path from the builder; the last line that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = pattern.startswith("!")
        regex = re.escape(pattern.lstrip("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{regex}(?:/.*)?", path):
            out = not wanted
    return out


def test_there_are_three_images() -> None:
    assert {file.name.removesuffix(".Dockerfile") for file in DOCKERFILES} == set(FINAL)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_hadolint_finds_nothing(file: Path) -> None:
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    if not program.exists():
        pytest.skip("hadolint isn't installed: there is no wheel of it for this machine")
    said = subprocess.run([program, file], capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_what_is_copied_is_there_and_is_sent_to_the_builder(file: Path) -> None:
    copied = [
        source
        for stage in stages(file).values()
        for one in stage.of("COPY")
        if "from" not in one.flags
        for source in one.sources
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert not kept_out(source.rstrip("/")), source


@pytest.mark.parametrize(
    "path",
    [
        *(".env", "deployment/.env", "deployment/secrets/ENCRYPTION_KEY", "data/facekey.db", ".git/config"),
        *("src/.env", "frontend/.env.local", ".venv/bin/python", "tests/conftest.py", "training/x.py"),
        *("frontend/node_modules/x/y.js", "frontend/dist/index.html", "deployment/nginx/local/x.conf"),
        *("requirements-dev.txt", "src/facekey/__pycache__/x.pyc"),
    ],
)
def test_the_builder_never_sees(path: str) -> None:
    assert kept_out(path)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_the_image_is_nobodys_but_its_users(file: Path) -> None:
    last, name = final(file), file.name.removesuffix(".Dockerfile")
    assert last.name == name
    assert last.of("USER")[-1].rest == FINAL[name]
    assert last.of("HEALTHCHECK")
    labels = " ".join(one.rest for one in last.of("LABEL"))
    for label in ("title", "licenses", "version", "revision", "source", "created"):
        assert f"org.opencontainers.image.{label}=" in labels
    services = composed({"FACEKEY_PUBLIC_URL": "https://x"})["services"]
    assert services[name]["user"] == FINAL[name], "the compose file runs it as the user that it was made for"
    text = file.read_text()
    assert not re.search(r"apt-get|apk add|curl |\bsudo\b|--privileged|ADD ", text)
    steps = " ".join(one.rest for stage in stages(file).values() for one in stage.instructions)
    assert not re.search(r"(amd64|arm64|x86_64|aarch64)", steps), "nothing is for one kind of processor"


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_what_is_installed_is_what_the_lock_says(file: Path) -> None:
    installs = [
        one.rest for stage in stages(file).values() for one in stage.of("RUN") if "pip install" in one.rest
    ]
    for command in installs:
        for part in re.findall(r"pip install [^&;]*", command):
            assert "--require-hashes -r requirements" in part.replace(
                "/build/", ""
            ) or part.rstrip().endswith("--no-deps --no-build-isolation ."), part


@pytest.mark.parametrize("image", sorted(FINAL))
def test_the_bake_file_builds_it_for_both_processors_with_an_sbom(image: str) -> None:
    assert f'dockerfile = "deployment/docker/{image}.Dockerfile"' in BAKE
    assert f'target "{image}" {{ inherits = ["{image}-local", "published"] }}' in BAKE
    assert 'platforms = ["linux/amd64", "linux/arm64"]' in BAKE
    assert '"type=sbom"' in BAKE
    assert '"type=provenance,mode=max"' in BAKE


def test_bases_are_the_same_everywhere() -> None:
    """In the Dockerfiles, the bake file and the compose file; by tag, to be pinned by digest in one place."""
    compose = (ROOT / "deployment" / ".env.example").read_text()
    for file in DOCKERFILES:
        for name, value in re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", file.read_text(), re.MULTILINE):
            assert re.fullmatch(r"[\w./-]+:[\w.-]+", value)
            assert f'variable "{name}" {{ default = "{value}" }}' in BAKE
            assert f"{name}={value}\n" in compose


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """The API image as far as is quick: its own steps, with this environment's libraries, not the lock's."""
    root = Root(tmp_path_factory.mktemp("image"))
    libraries = sysconfig.get_path("purelib")

    def slow(one: Instruction) -> bool:
        return of_the_container(one) or "--require-hashes" in one.rest or "uninstall" in one.rest

    api = stages(FILES / "api.Dockerfile")
    built = api["built"]
    split = next(number for number, one in enumerate(built.instructions) if "requirements.txt" in one.rest)
    root.build(Stage("venv", "", built.instructions[:split]))
    (own,) = root.place("/opt/facekey/lib").glob("python*/site-packages")
    # A path is added and no more: the editable install that lies there too is not followed.
    (own / "libraries.pth").write_text(libraries + "\n")
    root.build(Stage("wheel", "", built.instructions[split:]), leave_out=slow)
    root.build(api["api"], leave_out=slow)
    scripts = root.place("/opt/facekey/bin")
    (scripts / "gunicorn").write_text(f"#!{scripts}/python\nfrom gunicorn.app.wsgiapp import run\nrun()\n")
    (scripts / "gunicorn").chmod(0o755)
    return root


def test_the_installed_package_alone_is_the_service(root: Root, zoo: Zoo, tmp_path: Path) -> None:
    shutil.rmtree(root.place("/build"))  # the source tree
    loaded = healthy(
        root,
        stages(FILES / "api.Dockerfile")["api"],
        ENCRYPTION_KEY=EncryptionKey.generate().written(),
        DATABASE_URL=f"sqlite:///{tmp_path}/facekey.db",
        FACEKEY_MODELS_DIR=str(read_settings().models_dir),  # what `zoo` has filled
        FACEKEY_PROFILE="development",
    )
    assert Path(loaded).is_relative_to(root.place("/opt/facekey"))


def test_a_step_that_fails_is_seen(tmp_path: Path) -> None:
    root = Root(tmp_path, arguments={"MODELS": "neither"})
    stage = stages(FILES / "api.Dockerfile")["models"]
    root.place("/").mkdir(exist_ok=True)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        root.build(Stage("models", "", [one for one in stage.instructions if one.word in ("ARG", "RUN")]))
    assert failed.value.returncode == 64


def test_without_networks_the_image_has_an_empty_folder(tmp_path: Path) -> None:
    root = Root(tmp_path, arguments={"MODELS": "mounted"})
    stage = stages(FILES / "api.Dockerfile")["models"]
    root.build(Stage("models", "", [one for one in stage.instructions if one.word in ("ARG", "RUN")]))
    assert list((tmp_path / "models").iterdir()) == []

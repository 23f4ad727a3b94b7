"""The machine: networks are what they should be, there is room, and files are nobody else's."""

import asyncio
import os
import shutil
import stat
from pathlib import Path

from sqlalchemy.engine import make_url

from facekey.core.errors import SettingsInvalid
from facekey.doctor.examination import Finding, Patient, fail, ok, warn
from facekey.settings import Settings
from facekey.store import snapshots
from facekey.store.sql.database import backend_of
from facekey.wiring.vision import open_device, open_zoo
from facekey.zoo.device import PROVIDERS
from facekey.zoo.onnx import available_providers, runtime_version

GIGABYTE = 1_000_000_000
LITTLE, TOO_LITTLE = 5 * GIGABYTE, GIGABYTE // 2
OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def models(patient: Patient) -> list[Finding]:
    """Every installed network is the one that its card names, to the byte; the default pack is there."""
    zoo = open_zoo(patient.settings)
    names = [name for name in zoo.names() if zoo.status(name).installed]
    missing = [name for name in zoo.names("default") if name not in names]
    if missing:
        return fail(f"networks are missing: {', '.join(missing)}", "facekey models pull")
    verified = await asyncio.to_thread(zoo.verify, names)
    wrong = [status.card.name for status in verified if not status.installed]
    if wrong:
        return fail(
            f"networks aren't what their cards say: {', '.join(wrong)}",
            "facekey models verify; facekey models pull",
        )
    return ok(f"{len(names)} networks are what their cards say, by SHA-256")


async def device(patient: Patient) -> list[Finding]:
    """Networks can run on what was asked for."""
    try:
        chosen = open_device(patient.settings)
    except SettingsInvalid as error:
        return fail(str(error), "docs/operations.md, what networks run on")
    kinds = {provider: kind for kind, provider in PROVIDERS.items()}
    on = " and ".join(kinds[name] for name, _ in chosen.providers(available_providers()))
    return ok(f"networks run on {on}, with ONNX Runtime {runtime_version()}")


async def disk(patient: Patient) -> list[Finding]:
    """There is room where something grows."""
    free = {folder: shutil.disk_usage(folder).free for folder in _folders(patient.settings)}
    folder = min(free, key=lambda folder: free[folder])
    said = f"{free[folder] / GIGABYTE:.1f} GB are free in {folder}"
    if free[folder] < TOO_LITTLE:
        return fail(said, "make room: a decision that can't be put on record is not given")
    return warn(said, "make room before it is needed") if free[folder] < LITTLE else ok(said)


async def files(patient: Patient) -> list[Finding]:
    """Settings, database, keys, checkpoints and snapshots can't be read by other users of the machine."""
    looked_at = [path for path in _private(patient) if path.is_file()]
    loose = [path for path in looked_at if path.stat().st_mode & OTHERS]
    if loose and os.name != "nt":
        return fail(
            f"other users of the machine can get at {', '.join(map(str, loose))}",
            f"chmod 600 {' '.join(map(str, loose))}",
        )
    return ok(f"{len(looked_at)} private files are readable by their owner only")


def _private(patient: Patient) -> list[Path]:
    settings = patient.settings
    found = [patient.env_file]
    if (database := _sqlite_file(settings)) is not None:
        found += [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm")]
    found += [path for path in (settings.key_file, settings.audit_checkpoint_file) if path is not None]
    if settings.index_snapshot_dir is not None:
        found.append(settings.index_snapshot_dir / snapshots.FILE)
    return found


def _folders(settings: Settings) -> set[Path]:
    database = _sqlite_file(settings)
    wanted = [settings.models_dir, Path.cwd() if database is None else database.parent]
    return {_existing(folder.absolute()) for folder in wanted}


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _sqlite_file(settings: Settings) -> Path | None:
    backend_of(settings.database_url)
    url = make_url(settings.database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

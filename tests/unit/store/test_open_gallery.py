"""The gallery that the settings name: with its plan, and kept on disk where they say so."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from facekey.core.matching import Matcher
from facekey.core.types import SubjectId
from facekey.settings import Settings
from facekey.store.gallery import MemoryGallery
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.shared_gallery import SharedGallery
from facekey.store.snapshots import FILE
from facekey.store.sql.migrate import migrate
from facekey.wiring.deployment import open_deployment
from facekey.wiring.galleries import open_gallery
from tests.contract.store.opened import event, open_store, template
from tests.contract.store.test_gallery import probe
from tests.unit.core.made import CALIBRATION, MODEL

MATCHER = Matcher({MODEL: CALIBRATION})


async def test_it_is_kept_at_the_end_and_taken_up_at_the_start(tmp_path: Path) -> None:
    key, url = EncryptionKey.generate(), f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    store = await open_store(url, key)
    await store.enrol(template("alice", 1), event("register", "alice"))
    await store.database.close()
    settings = Settings(
        encryption_key=SecretStr(key.written()),
        database_url=url,
        index_search="graph",
        index_snapshot_dir=tmp_path / "index",
    )
    for _ in range(2):
        async with open_deployment(settings) as deployment, open_gallery(deployment, MATCHER) as gallery:
            found = await gallery.search(probe(1), top_k=1)
            assert found.candidates[0].subject_id == "alice"
    assert (tmp_path / "index" / FILE).is_file()
    # A folder that can't be one is no reason not to serve.
    broken = settings.model_copy(update={"index_snapshot_dir": tmp_path / "store.db"})
    async with open_deployment(broken) as deployment, open_gallery(deployment, MATCHER) as gallery:
        assert gallery.size == 1


async def test_whom_another_process_enrols_or_erases_is_followed_though_nobody_searches(
    tmp_path: Path,
) -> None:
    key, url = EncryptionKey.generate(), f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    elsewhere = await open_store(url, key)
    settings = Settings(encryption_key=SecretStr(key.written()), database_url=url)
    async with open_deployment(settings) as deployment, open_gallery(deployment, MATCHER) as gallery:
        await elsewhere.enrol(template("alice", 1), event("register", "alice"))
        await becomes(gallery, 1)
        await elsewhere.templates.erase(SubjectId("alice"), event("erase", "alice"))
        await becomes(gallery, 0)
    await elsewhere.database.close()


async def becomes(gallery: MemoryGallery | SharedGallery, size: int) -> None:
    for _ in range(400):
        if gallery.size == size:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"it still holds {gallery.size}, not {size}")


@pytest.mark.parametrize("wrong", [{"index_search": "hnsw"}, {"index_scan_ms": 0}, {"index_scan_ms": "soon"}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, str | int]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)

"""A deployment to examine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from facekey.doctor.examination import Patient
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from tests.unit.services.deployed import HandClock

Make = Callable[..., Patient]
KEY = EncryptionKey.generate()
TOKEN_KEY = "Zq3vR8kLm2Xc7Tn5Wb9Ys4Hd6Jf1Gp0A"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A patient whose settings are these, and otherwise those of a production that is fit."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def made(
        *, url: str | None = None, backup: str | None = None, full: bool = False, **settings: object
    ) -> Patient:
        values = {
            "ENCRYPTION_KEY": KEY.written(),
            "SECRET_KEY": TOKEN_KEY,
            "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
            "profile": "production",
            "consent": "required",
            **settings,
        }
        return Patient(
            settings=Settings.model_validate(values), clock=HandClock(), url=url, backup=backup, full=full
        )

    return made

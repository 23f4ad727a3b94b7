from pathlib import Path

import pytest

from facekey.core.errors import SettingsInvalid
from facekey.settings import Settings, default_models_dir, read_settings
from facekey.store.keys.encryption_key import EncryptionKey

SECRET = EncryptionKey.generate().written()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the developer's environment nor their .env has a say."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "ENCRYPTION_KEY",
        "ENCRYPTION_KEY_PREVIOUS",
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SECRET_KEY_PREVIOUS",
        "FACEKEY_SECRETS_DIR",
        *(f"FACEKEY_{name.upper()}" for name in Settings.model_fields),
    ):
        monkeypatch.delenv(name, raising=False)


def test_defaults_serve_this_machine_only() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.profile) == ("127.0.0.1", 8000, "development")
    assert settings.database_url == "sqlite:///data/facekey.db"
    assert settings.encryption_key.get_secret_value() == ""
    assert settings.match_fmr == 1e-4
    assert settings.vision_threads >= 1


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FACEKEY_PORT=1\nFACEKEY_VISION_QUEUE=0\n# comment\nUNKNOWN=x\n")
    monkeypatch.setenv("FACEKEY_PORT", "2")
    settings = read_settings()
    assert (settings.port, settings.vision_queue) == (2, 0)


def test_the_key_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", SECRET)
    settings = read_settings()
    assert settings.encryption_key.get_secret_value() == SECRET
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert SECRET not in shown


def test_addresses_that_may_hold_a_password_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://facekey:hunter2@localhost/facekey")
    monkeypatch.setenv("FACEKEY_MODELS_MIRROR", "https://me:hunter3@mirror.example/")
    assert "hunter" not in repr(read_settings()) + str(read_settings())


def test_the_address_of_redis_holds_a_password_and_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().redis_url is None
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@localhost/0")
    settings = read_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://:hunter2@localhost/0"
    for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("FACEKEY_MATCH_FMR", value)
            for value in ("nan", "inf", "-inf", "0", "-1e-4", "1", "0.5", "often")
        ),
        *(("FACEKEY_IDENTIFY_FPIR", value) for value in ("nan", "0", "0.5", "")),
        *(("FACEKEY_MAX_IMAGE_BYTES", value) for value in ("0", "-1", "1e99", "9" * 5000)),
        *(("FACEKEY_MAX_IMAGE_PIXELS", value) for value in ("1", "inf")),
        *(("FACEKEY_VISION_THREADS", value) for value in ("0", "65", "1.5")),
        ("FACEKEY_VISION_QUEUE", "-1"),
        *(("FACEKEY_RATE_READING", value) for value in ("0", "-1", "nan", "inf")),
        *(("FACEKEY_RATE_LOGIN_PER_MINUTE", value) for value in ("0", "nan")),
        *((f"FACEKEY_RATE_{name}_BURST", "0") for name in ("READING", "RECOGNITION", "LOGIN")),
        *(("FACEKEY_MAX_REQUESTS", value) for value in ("0", "many")),
        ("FACEKEY_MAX_BODY_BYTES_AT_ONCE", "1"),
        *(("FACEKEY_PORT", value) for value in ("0", "65536", "http")),
        ("FACEKEY_PROFILE", "open to all"),
        ("FACEKEY_LOG_LEVEL", "trace"),
    ],
)
def test_values_out_of_range_are_named_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as refused:
        read_settings()
    assert str(refused.value).startswith(f"{name}: ")
    assert refused.value.__suppress_context__, "the original holds the value"


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEKEY_PORT", "secret-1")
    monkeypatch.setenv("FACEKEY_MATCH_FMR", "secret-2")
    with pytest.raises(SettingsInvalid) as refused:
        read_settings()
    assert "FACEKEY_PORT" in str(refused.value)
    assert "FACEKEY_MATCH_FMR" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_text_is_told_without_its_content() -> None:
    Path(".env").write_bytes(b"ENCRYPTION_KEY=secret\xff\xfe")
    with pytest.raises(SettingsInvalid, match=r"\.env") as refused:
        read_settings()
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_networks_are_kept_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_models_dir() == Path("/somewhere/facekey/models")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_models_dir() == Path.home() / ".cache" / "facekey" / "models"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().port = 1  # type: ignore[misc]


def test_lists_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEKEY_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    monkeypatch.setenv("FACEKEY_CORS_ORIGINS", "https://a.example,https://b.example,")
    settings = read_settings()
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert Settings(cors_origins=("https://c.example",)).cors_origins == ("https://c.example",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACEKEY_PROFILE", "open"),
        ("FACEKEY_TRUSTED_PROXIES", "everybody"),
        ("FACEKEY_PUBLIC_URL", "faces.example"),
        ("FACEKEY_PUBLIC_URL", "https://faces.example?x"),
        ("FACEKEY_FACE_TOKEN_SECONDS", "86400"),
        ("FACEKEY_LOCKOUT_WAITS_FROM", "0"),
        ("FACEKEY_LOCKOUT_LOCKED_AT", "1000"),
        ("FACEKEY_ADAPTATION_DRIFT", "0.6"),
    ],
)
def test_settings_that_would_weaken_the_service(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=name):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACEKEY_MATCH_FMR", "1e-3"),
        ("FACEKEY_STREAM_ACTIONS", "0"),
        ("FACEKEY_ADAPTATION", "on"),
        ("FACEKEY_VOICE", "on"),
    ],
)
def test_strict_is_strict(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    read_settings()
    monkeypatch.setenv("FACEKEY_PROFILE", "strict")
    with pytest.raises(SettingsInvalid, match=name):
        read_settings()


def test_secrets_may_lie_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "ENCRYPTION_KEY").write_text(f"{SECRET}\n")
    (folder / "database_url").write_text("sqlite:///from-a-file.db\n")
    (folder / "FACEKEY_SMTP_PASSWORD").write_text("hunter2")
    (folder / "TLS_KEY").write_text("of somebody else")
    monkeypatch.setenv("FACEKEY_SECRETS_DIR", str(folder))
    settings = read_settings()
    assert settings.encryption_key.get_secret_value() == SECRET
    assert settings.smtp_password.get_secret_value() == "hunter2"
    assert settings.database_url == "sqlite:///from-a-file.db"
    monkeypatch.setenv("DATABASE_URL", "sqlite:///from-the-environment.db")
    assert read_settings().database_url == "sqlite:///from-the-environment.db"


def test_a_folder_of_secrets_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACEKEY_SECRETS_DIR", str(tmp_path / "mistyped"))
    with pytest.raises(SettingsInvalid, match="FACEKEY_SECRETS_DIR"):
        read_settings()


def test_a_secret_that_is_no_text_is_told_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "SECRET_KEY").write_bytes(b"hidden\xff\xfe")
    monkeypatch.setenv("FACEKEY_SECRETS_DIR", str(tmp_path))
    with pytest.raises(SettingsInvalid, match="UTF-8") as refused:
        read_settings()
    assert "hidden" not in str(refused.value)

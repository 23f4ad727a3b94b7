"""All settings, read once at start from the environment and a `.env` file."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from facekey.core.errors import SettingsInvalid

MEGABYTE = 1024 * 1024


def default_models_dir() -> Path:
    """Where networks are kept between runs: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "facekey" / "models"


class Settings(BaseSettings):
    """What an operator can choose. `.env.example` explains each line.

    Attributes:
        match_fmr: share of strangers that one comparison may let pass; smaller is stricter.
        identify_fpir: share of searches by strangers that may name somebody.
        vision_threads: pictures analysed at once; each network also computes on all cores.
        vision_queue: pictures that may wait; one more is answered 503.
        stream_actions: what a live session asks for: 2 or 3 actions at random, or always as many
            as named. 0 asks for nothing: only the passive checks stand then, which is weaker.
        stream_passive_frames: the fewest frames that are judged when nothing is asked.
        stream_passive_seconds: the shortest time that is watched when nothing is asked.
        stream_seconds: the longest that a live session may take.
        stream_max_frame_bytes: largest encoded frame of a live session.
        stream_frames_per_second: frames looked at; what a client sends beyond is dropped.
        stream_connections: live sessions at the same time, in each process.
        stream_seen_frames: frames of earlier sessions that replays are looked for among.
        stream_seen_hours: for how long.
    """

    model_config = SettingsConfigDict(env_prefix="FACEKEY_", env_file=".env", extra="ignore", frozen=True)

    encryption_key: SecretStr = Field(default=SecretStr(""), validation_alias="ENCRYPTION_KEY")
    encryption_key_previous: SecretStr = Field(
        default=SecretStr(""), validation_alias="ENCRYPTION_KEY_PREVIOUS"
    )
    database_url: str = Field(default="sqlite:///data/facekey.db", validation_alias="DATABASE_URL")
    profile: Literal["development"] = "development"
    models_dir: Path = Field(default_factory=default_models_dir)
    models_mirror: str | None = None
    match_fmr: Annotated[float, Field(ge=1e-6, le=1e-3)] = 1e-4
    identify_fpir: Annotated[float, Field(ge=1e-6, le=0.1)] = 0.01
    max_image_bytes: Annotated[int, Field(ge=10_000, le=50 * MEGABYTE)] = 12 * MEGABYTE
    max_image_pixels: Annotated[int, Field(ge=10_000, le=200_000_000)] = 50_000_000
    vision_threads: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=lambda: os.cpu_count() or 1)
    vision_queue: Annotated[int, Field(ge=0, le=1000)] = 32
    stream_actions: Literal["random", "0", "2", "3", "4", "5"] = "random"
    stream_passive_frames: Annotated[int, Field(ge=5, le=500)] = 24
    stream_passive_seconds: Annotated[float, Field(ge=1.0, le=30.0)] = 3.0
    stream_seconds: Annotated[float, Field(ge=10.0, le=600.0)] = 60.0
    stream_max_frame_bytes: Annotated[int, Field(ge=10_000, le=16 * MEGABYTE)] = 2 * MEGABYTE
    stream_frames_per_second: Annotated[float, Field(ge=5.0, le=120.0)] = 30.0
    stream_connections: Annotated[int, Field(ge=1, le=10_000)] = 64
    stream_seen_frames: Annotated[int, Field(ge=1_000, le=1_000_000)] = 65_536
    stream_seen_hours: Annotated[float, Field(ge=0.1, le=720.0)] = 24.0
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def read_settings() -> Settings:
    """Read the environment and `.env`.

    Raises:
        SettingsInvalid: names each setting that can't be used, and why; never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{_setting_name(fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise SettingsInvalid(faults) from None  # the original holds the values
    except (OSError, UnicodeDecodeError):
        raise SettingsInvalid("the .env file can't be read: it must be text in UTF-8") from None


def _setting_name(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name.isupper() else f"FACEKEY_{name.upper()}"

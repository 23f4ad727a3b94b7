"""All settings, read once at start from the environment, a `.env` file and files with secrets."""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from facekey.core.errors import SettingsInvalid
from facekey.zoo.cores import MAX_THREADS, usable_cores
from facekey.zoo.device import DeviceKind

MEGABYTE = 1024 * 1024
SECRETS_DIR = "FACEKEY_SECRETS_DIR"
"""Not a setting like the others, because it says where they are."""

CONTAINER_SECRETS = Path("/run/secrets")
STRICT_FMR = 1e-4
"""NIST SP 800-63B-4, 3.2.3: one in 10,000 or better."""


def default_models_dir() -> Path:
    """Where networks are kept between runs: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "facekey" / "models"


def default_web_dir() -> Path:
    """Where `make run` builds the web app: in the source tree."""
    return Path(__file__).parents[2] / "frontend" / "dist"


def secrets_dir() -> Path | None:
    """Where secrets lie as files named like settings: FACEKEY_SECRETS_DIR, or where containers find them.

    Raises:
        SettingsInvalid: the folder that was named isn't there.
    """
    named = os.environ.get(SECRETS_DIR)
    if named and not Path(named).is_dir():
        raise SettingsInvalid(f"{SECRETS_DIR}: there is no folder {named}")
    folder = Path(named) if named else CONTAINER_SECRETS
    return folder if folder.is_dir() else None


def _split(value: object) -> object:
    """Words between commas, as they stand in an environment variable."""
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """What an operator can choose. `.env.example` explains each line.

    Attributes:
        key_provider: where root keys come from: ENCRYPTION_KEY, a key file, or a key file whose
            keys AWS KMS wrapped.
        profile: `development` asks for no accounts and answers this machine only; `production`
            asks for them; `strict` is `production` with a fixed threshold for everybody.
        secret_key: signs operators' access tokens.
        public_url: the address that users see; `https://...` behind TLS. Names the issuer of face tokens.
        trusted_proxies: networks whose X-Forwarded-For is believed.
        cors_origins: web pages elsewhere that may call the API.
        lockout_waits_from: the failed attempt that is the first to cost a wait.
        lockout_locked_at: failed attempts after which only an operator helps.
        index: where faces are searched: in the memory of each process, or by pgvector in the
            PostgreSQL database, for all of them.
        index_search: in memory: compare with everybody (`exact`), search a graph of neighbours
            (`graph`), or `auto`: a graph as soon as comparing takes longer than `index_scan_ms`.
        index_scan_ms: how long comparing one face with everybody may take (docs/identification.md).
        index_snapshot_dir: a folder for a sealed copy of the index in memory, for quick starts;
            without it every start opens all templates.
        web_dir: the built web app; where there is none, only the API is served.
        match_fmr: share of strangers that one comparison may let pass; smaller is stricter.
        adaptation: whether templates and thresholds learn from live attempts (docs/adaptation.md).
        adaptation_from_images: from single pictures too, not only from answered challenges.
        adaptation_drift: decades by which the match with the enrolment's photos may miss the
            threshold while the learned template reaches it. 0: nobody passes who would not without.
        bias_labels: the groups that people can declare, `attribute=value|value;...`; empty takes
            those of docs/bias.md.
        bias_report_hours: between two reports that are made without being asked for; alarms come of them.
        fusion: how several recognition networks become one evidence: `auto` takes the way that was
            better when they were trained (docs/recognition.md).
        identify_fpir: share of searches by strangers that may name somebody.
        vision_threads: pictures analysed at once; each network also computes on several cores.
        vision_queue: pictures that may wait; one more is answered 503.
        network_threads: for one run of a large network, at most; fewer where this process has fewer cores.
        device: what networks run on; anything but `auto` is refused at start where it can't be had.
        device_number: which one, of several accelerators.
        device_memory_mb: the most that CUDA may take for one network; left out, no limit.
        batch_rows: crops of several requests that one run of a network takes together; 1 takes each alone.
        batch_wait_ms: how long a run waits for more of them, beyond the run that is under way.
        stream_actions: what a live session asks for: 2 or 3 actions at random, or always as many
            as named. 0 asks for nothing: only the passive checks stand then, which is weaker.
        stream_passive_frames: the fewest frames that are judged when nothing is asked.
        stream_passive_seconds: the shortest time that is watched when nothing is asked.
        stream_seconds: the longest that a live session may take.
        stream_max_frame_bytes: largest encoded frame of a live session.
        stream_frames_per_second: frames looked at; what a client sends beyond is dropped.
        stream_connections: live sessions at the same time, in each process.
        stream_connections_per_address: of them, from one address.
        stream_seen_frames: frames of earlier sessions that replays are looked for among.
        stream_seen_hours: for how long.
        redis_url: what replicas share; without it there is one process, which keeps it in memory.
        consent: what it takes to be compared at all (docs/privacy.md); left out, `required` in the
            strict profile and `optional` elsewhere.
        consent_grace_days: after the end of a consent, until the person is erased.
        retention_days_unused: people who weren't let in for so long are erased; 0 keeps them.
        retention_days_traces: counters of failures, ended tokens and sent messages are kept so long.
        voice: whether recordings of a voice are taken beside faces (docs/voice.md).
        voice_fmr: share of strangers' voices that one comparison may let pass.
        store_images: whether the photos of a registration are kept, sealed.
        audit_checkpoint_file: where signed checkpoints of the audit log are kept outside of the database.
        audit_checkpoint_records: a checkpoint is signed after so many records, and every hour.
        smtp_host: the mail server for alerts; without it none are mailed.
        smtp_port: 587 for STARTTLS, 465 for implicit TLS when left out.
        alert_to: who gets them.
        alert_every_minutes: at most one message of a kind about one person in this time.
        alert_names: messages name people by their user id, too, not by pseudonym alone.
        alert_ca_file: one more authority for the certificates of mail server and webhook.
        webhook_url: where alerts are posted to; may hold a token.
        webhook_secret: signs what is posted.
        backup_check: a copy that `facekey doctor` tries to open: a file, or the URL of a restored database.
        rate_reading: requests a second from one address, on average; `_burst` at once. The same
            for recognition (register, authenticate, identify, opening a stream) and for
            signing in (by the minute).
        max_requests: worked on at once, in each process.
        max_requests_per_address: of them, from one address.
        max_connections: open at once, in each process of `facekey serve` or `app.worker.Worker`.
        max_body_bytes_at_once: uploads held in memory, in each process; one of the largest always fits.
        metrics_dir: a folder whose `*.prom` files `/metrics` shows too, such as those of
            `facekey evaluate --textfile` and of the backup job.
        traces: one span for each request and stage goes to an OpenTelemetry collector, which the
            standard OTEL_* variables name.
    """

    model_config = SettingsConfigDict(env_prefix="FACEKEY_", env_file=".env", extra="ignore", frozen=True)

    encryption_key: SecretStr = Field(default=SecretStr(""), validation_alias="ENCRYPTION_KEY")
    encryption_key_previous: SecretStr = Field(
        default=SecretStr(""), validation_alias="ENCRYPTION_KEY_PREVIOUS"
    )
    key_provider: Literal["environment", "file", "kms"] = "environment"
    key_file: Path | None = None
    kms_key_id: str | None = None
    # May hold a password, like the mirror.
    database_url: str = Field(
        default="sqlite:///data/facekey.db", validation_alias="DATABASE_URL", repr=False
    )
    index: Literal["memory", "pgvector"] = "memory"
    index_search: Literal["auto", "exact", "graph"] = "auto"
    index_scan_ms: Annotated[float, Field(ge=0.1, le=10_000.0)] = 10.0
    index_snapshot_dir: Path | None = None
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    profile: Literal["development", "production", "strict"] = "development"
    secret_key: SecretStr = Field(default=SecretStr(""), validation_alias="SECRET_KEY")
    secret_key_previous: SecretStr = Field(default=SecretStr(""), validation_alias="SECRET_KEY_PREVIOUS")
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")] = ""
    trusted_proxies: Networks = ()
    cors_origins: Words = ()
    access_token_seconds: Annotated[int, Field(ge=60, le=3600)] = 600
    refresh_token_hours: Annotated[float, Field(ge=0.1, le=720.0)] = 12.0
    face_token_seconds: Annotated[int, Field(ge=10, le=900)] = 120
    lockout_waits_from: Annotated[int, Field(ge=1, le=10)] = 5
    lockout_first_wait_seconds: Annotated[float, Field(ge=1.0, le=3600.0)] = 30.0
    lockout_longest_wait_seconds: Annotated[float, Field(ge=1.0, le=86_400.0)] = 3600.0
    lockout_locked_at: Annotated[int, Field(ge=5, le=100)] = 50
    models_dir: Path = Field(default_factory=default_models_dir)
    models_mirror: str | None = Field(default=None, repr=False)
    web_dir: Path = Field(default_factory=default_web_dir)
    match_fmr: Annotated[float, Field(ge=1e-6, le=1e-3)] = 1e-4
    adaptation: Literal["off", "on"] = "off"
    adaptation_from_images: bool = False
    adaptation_drift: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    bias_labels: str = ""
    bias_report_hours: Annotated[float, Field(ge=1.0, le=720.0)] = 24.0
    fusion: Literal["auto", "scores", "embedding"] = "auto"
    identify_fpir: Annotated[float, Field(ge=1e-6, le=0.1)] = 0.01
    max_image_bytes: Annotated[int, Field(ge=10_000, le=50 * MEGABYTE)] = 12 * MEGABYTE
    max_image_pixels: Annotated[int, Field(ge=10_000, le=200_000_000)] = 50_000_000
    vision_threads: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=usable_cores)
    vision_queue: Annotated[int, Field(ge=0, le=1000)] = 32
    network_threads: Annotated[int, Field(ge=1, le=64)] = MAX_THREADS
    device: DeviceKind = "auto"
    device_number: Annotated[int, Field(ge=0, le=63)] = 0
    device_memory_mb: Annotated[int | None, Field(ge=256, le=1_000_000)] = None
    batch_rows: Annotated[int, Field(ge=1, le=256)] = 1
    batch_wait_ms: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    stream_actions: Literal["random", "0", "2", "3", "4", "5"] = "random"
    stream_passive_frames: Annotated[int, Field(ge=5, le=500)] = 24
    stream_passive_seconds: Annotated[float, Field(ge=1.0, le=30.0)] = 3.0
    stream_seconds: Annotated[float, Field(ge=10.0, le=600.0)] = 60.0
    stream_max_frame_bytes: Annotated[int, Field(ge=10_000, le=16 * MEGABYTE)] = 2 * MEGABYTE
    stream_frames_per_second: Annotated[float, Field(ge=5.0, le=120.0)] = 30.0
    stream_connections: Annotated[int, Field(ge=1, le=10_000)] = 64
    stream_connections_per_address: Annotated[int, Field(ge=1, le=10_000)] = 16
    stream_seen_frames: Annotated[int, Field(ge=1_000, le=1_000_000)] = 65_536
    stream_seen_hours: Annotated[float, Field(ge=0.1, le=720.0)] = 24.0
    rate_reading: Annotated[float, Field(gt=0.0, le=1e6)] = 20.0
    rate_reading_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    rate_recognition: Annotated[float, Field(gt=0.0, le=1e6)] = 10.0
    rate_recognition_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 40
    rate_login_per_minute: Annotated[float, Field(gt=0.0, le=1e6)] = 5.0
    rate_login_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    max_requests: Annotated[int, Field(ge=1, le=100_000)] = 256
    max_requests_per_address: Annotated[int, Field(ge=1, le=100_000)] = 64
    max_connections: Annotated[int, Field(ge=10, le=100_000)] = 1000
    max_body_bytes_at_once: Annotated[int, Field(ge=MEGABYTE, le=65_536 * MEGABYTE)] = 256 * MEGABYTE
    consent: Literal["optional", "required"] | None = None
    consent_grace_days: Annotated[int, Field(ge=0, le=365)] = 30
    retention_days_unused: Annotated[int, Field(ge=0, le=3650)] = 1095
    retention_days_traces: Annotated[int, Field(ge=1, le=3650)] = 30
    voice: Literal["off", "on"] = "off"
    voice_fmr: Annotated[float, Field(ge=1e-3, le=0.05)] = 0.01
    store_images: bool = False
    spoof_evidence_days: Annotated[int, Field(ge=0, le=3650)] = 30
    audit_checkpoint_file: Path | None = None
    audit_checkpoint_records: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    smtp_host: str = ""
    smtp_port: Annotated[int | None, Field(ge=1, le=65535)] = None
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: Literal["starttls", "implicit", "none"] = "starttls"
    alert_from: str = ""
    alert_to: Words = ()
    alert_every_minutes: Annotated[float, Field(ge=0.1, le=1440.0)] = 10.0
    alert_names: bool = False
    alert_ca_file: Path | None = None
    webhook_url: SecretStr = SecretStr("")
    webhook_secret: SecretStr = SecretStr("")
    backup_check: SecretStr = SecretStr("")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    metrics_dir: Path | None = None
    traces: Literal["off", "otlp"] = "off"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _strict_is_strict(self) -> Self:
        if self.profile == "strict" and self.match_fmr > STRICT_FMR:
            raise ValueError(f"the strict profile takes FACEKEY_MATCH_FMR of {STRICT_FMR:g} at most")
        if self.profile == "strict" and self.stream_actions == "0":
            raise ValueError("the strict profile takes FACEKEY_STREAM_ACTIONS above 0")
        if self.profile == "strict" and self.adaptation != "off":
            raise ValueError("the strict profile takes FACEKEY_ADAPTATION=off: one threshold for everybody")
        if self.profile == "strict" and self.voice != "off":
            raise ValueError("the strict profile takes FACEKEY_VOICE=off: a recording can be replayed")
        return self


def read_settings() -> Settings:
    """Read the environment, `.env` and files with secrets; what comes first in this order counts.

    Raises:
        SettingsInvalid: names each setting that can't be used, and why; never its value.
    """
    try:
        return Settings(_secrets_dir=secrets_dir())
    except ValidationError as error:
        faults = "; ".join(f"{_setting_name(fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise SettingsInvalid(faults) from None  # the original holds the values
    except (OSError, UnicodeDecodeError, SettingsError):
        raise SettingsInvalid(
            "the .env file, or one in FACEKEY_SECRETS_DIR, can't be read: it must be text in UTF-8"
        ) from None


def _setting_name(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name.isupper() else f"FACEKEY_{name.upper()}"

"""Where root keys come from, and their rotation."""

from importlib import import_module
from pathlib import Path

from facekey.core.errors import SettingsInvalid
from facekey.settings import Settings
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.keys.stored import InTheOpen, KeyWrapping, StoredKeys
from facekey.store.sealing import KeyProvider


def open_keys(settings: Settings) -> KeyProvider:
    """The root keys that the settings name.

    Raises:
        SettingsInvalid: they are missing, too weak, or can't be read.
        KeyUnavailable: the key management service doesn't open them.
    """
    if settings.key_provider == "environment":
        return EnvironmentKeys.parse(
            settings.encryption_key.get_secret_value(), settings.encryption_key_previous.get_secret_value()
        )
    path, wrapping = open_key_file(settings)
    return StoredKeys(path, wrapping)


def open_key_file(settings: Settings) -> tuple[Path, KeyWrapping]:
    """The key file that the settings name, and what protects the keys in it.

    Raises:
        SettingsInvalid: keys come from the environment, or a setting is missing.
    """
    if settings.key_provider == "environment":
        raise SettingsInvalid(
            "keys come from the environment (FACEKEY_KEY_PROVIDER), where only you can put them: make one "
            "with `facekey keys new` and follow docs/keys.md"
        )
    if settings.key_file is None:
        raise SettingsInvalid(
            f"FACEKEY_KEY_FILE is missing; the key provider {settings.key_provider} needs it"
        )
    if settings.key_provider == "file":
        return settings.key_file, InTheOpen()
    if settings.kms_key_id is None:
        raise SettingsInvalid("FACEKEY_KMS_KEY_ID is missing; the key provider kms needs it")
    return settings.key_file, _aws_kms(settings.kms_key_id)


def _aws_kms(key_id: str) -> KeyWrapping:
    """Loaded by name: boto3 is there only where somebody chose it."""
    try:
        adapter = import_module("facekey.store.keys.aws_kms")
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"the key provider kms needs {error.name}, which isn't installed; run: pip install 'facekey[kms]'"
        ) from error
    wrapping: KeyWrapping = adapter.AwsKms(key_id)
    return wrapping

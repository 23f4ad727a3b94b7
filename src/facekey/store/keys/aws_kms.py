"""Root keys wrapped by AWS KMS, or by any service that answers like it.

A root key is a KMS data key: made by GenerateDataKeyWithoutPlaintext, kept in the key
file as the ciphertext that KMS gave, opened by Decrypt when the service starts. Both calls
carry an encryption context (what it is for, which version), which KMS authenticates and
writes into its own audit trail. Region, endpoint and credentials come from the usual AWS
settings; the service's role needs kms:Decrypt, and whoever adds keys needs
kms:GenerateDataKeyWithoutPlaintext.
"""

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from facekey.core.errors import KeyUnavailable, SettingsInvalid

# A few seconds at most: a service must start or say why it doesn't.
CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 2, "mode": "standard"})


class AwsKms:
    """Implements `store.keys.stored.KeyWrapping`."""

    protection = "aws-kms"

    def __init__(self, key_id: str) -> None:
        """Take the KMS key by its id, ARN or alias.

        Raises:
            SettingsInvalid: no region is set, or another AWS setting can't be used.
        """
        self._key_id = key_id
        try:
            self._client = boto3.client("kms", config=CONFIG)
        except (BotoCoreError, ValueError) as error:
            raise SettingsInvalid(f"AWS KMS can't be reached with these settings: {error}") from error

    def new_key(self, version: int) -> bytes:
        """A data key as KMS wrapped it; nobody but KMS has seen it.

        Raises:
            KeyUnavailable: KMS did not make one; says why.
        """
        try:
            made = self._client.generate_data_key_without_plaintext(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_context(version)
            )
        except (BotoCoreError, ClientError) as error:
            raise KeyUnavailable(f"AWS KMS made no key: {error}") from error
        return bytes(made["CiphertextBlob"])

    def open(self, kept: bytes, version: int) -> bytes:
        """The key from what KMS made of it.

        Raises:
            KeyUnavailable: KMS did not open it; says why.
        """
        try:
            opened = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=kept, EncryptionContext=_context(version)
            )
        except (BotoCoreError, ClientError) as error:
            raise KeyUnavailable(
                f"AWS KMS did not open version {version} of the root key: {error}"
            ) from error
        return bytes(opened["Plaintext"])


def _context(version: int) -> dict[str, str]:
    return {"facekey": "root key", "version": str(version)}

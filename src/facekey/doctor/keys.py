"""Root keys: strong, kept well, and those that the records need."""

from facekey.doctor.examination import Finding, Patient, fail, ok, warn
from facekey.store.keys.environment import EnvironmentKeys
from facekey.wiring.keys import open_keys
from facekey.wiring.rotation import key_uses


async def root_keys(patient: Patient) -> list[Finding]:
    """They can be read here, aren't weak, and nobody else can read them."""
    keys = open_keys(patient.settings)  # refuses weak keys, and key files that are open to others
    current = keys.current()
    provider = patient.settings.key_provider
    if (
        isinstance(keys, EnvironmentKeys)
        and patient.settings.encryption_key_previous.get_secret_value().strip()
    ):
        return warn(
            "ENCRYPTION_KEY_PREVIOUS is set: older keys still open records",
            "run facekey keys rotate; remove it when facekey keys status shows the current key alone",
        )
    return ok(f"version {current.version} seals, from the key provider {provider}")


async def records(patient: Patient) -> list[Finding]:
    """Every record's key is at hand, and is the current one."""
    uses = await key_uses(patient.settings)
    lost = sum(use.records for use in uses if not use.at_hand)
    if lost:
        return fail(
            f"{lost} records are under a key that isn't at hand: they can't be opened",
            "put the key back where keys are read from; facekey keys status names it",
        )
    older = sum(use.records for use in uses if not use.current)
    if older:
        return warn(f"{older} records are under an older key", "facekey keys rotate")
    return ok(f"{sum(use.records for use in uses)} records, all under the current key")

"""Preflight: would a service with these settings start? Found out without loading a network."""

from facekey.settings import Settings
from facekey.wiring.accounts import make_access_tokens, make_accounts
from facekey.wiring.deployment import open_deployment
from facekey.wiring.galleries import open_shared
from facekey.wiring.records import make_records
from facekey.wiring.service import require_a_way_in
from facekey.wiring.vision import open_zoo, require_networks


async def preflight(settings: Settings) -> None:
    """Look at everything that a service needs and that settings can get wrong, once for all workers.

    Raises:
        SettingsInvalid: a setting can't be used, or the database has another version's schema.
        KeyUnavailable: ENCRYPTION_KEY is not the key of this database.
        StoreUnavailable: the database can't be used.
        ModelUnavailable: a network is missing.
    """
    async with open_deployment(settings) as deployment:
        records = await make_records(deployment)
        await require_a_way_in(settings, make_accounts(deployment, records.log))
        make_access_tokens(deployment)
        async with open_shared(deployment):
            pass
    require_networks(open_zoo(settings))

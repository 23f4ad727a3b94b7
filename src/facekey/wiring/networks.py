"""Choosing networks: what there is to choose from, and where the choice is kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.choice import Choice, Shelved
from facekey.core.errors import ModelError
from facekey.services.choose_networks import ChooseNetworks
from facekey.settings import Settings
from facekey.store.sql.choices import SqlChoices
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment, open_deployment
from facekey.wiring.records import audit_log
from facekey.wiring.shadow import open_candidate
from facekey.wiring.vision import EMBEDDERS, open_population, open_zoo, usable
from facekey.zoo.cards import Card, Task
from facekey.zoo.zoo import Zoo


class ZooShelf:
    """Implements `core.ports.choice.Shelf`."""

    def __init__(self, zoo: Zoo) -> None:
        """Take the networks."""
        self._zoo = zoo

    def find(self, name: str) -> Shelved | None:
        """A network by name; it is opened, so that what is said of it is true."""
        card = self._zoo.cards.get(name)
        if card is None or not (card.name in EMBEDDERS or card.task is Task.LIVENESS):
            return None
        recognises = card.name in EMBEDDERS
        return Shelved(name, card.model_id, self._fault(card), _unmeasured(card), recognises)

    def measured(self) -> tuple[Shelved, ...]:
        """All recognition networks that may decide."""
        cards = [self._zoo.card(name) for name in EMBEDDERS if usable(self._zoo, self._zoo.card(name))]
        return tuple(Shelved(card.name, card.model_id, None, None, recognises=True) for card in cards)

    def _fault(self, card: Card) -> str | None:
        if card.liveness is not None and card.liveness.threshold is not None:
            return "it decides already, as every liveness network with a threshold in its card does"
        (status,) = self._zoo.verify([card.name])
        if status.reason is not None:
            return f"{status.reason}; `facekey models pull {card.name}` brings it"
        try:
            open_candidate(self._zoo, card.name)
        except ModelError as error:
            return str(error)
        return None


def _unmeasured(card: Card) -> str | None:
    if card.calibration is None:
        return "its card has no calibration; training/calibrate.py measures one"
    try:
        open_population(card.model_id)
    except ModelError as error:
        return str(error)
    return None


async def read_choice(deployment: Deployment) -> Choice:
    """The networks that were chosen for this deployment.

    Raises:
        SealBroken: the choice was changed by somebody who hasn't the deployment's keys.
        StoreUnavailable: it is not known.
    """
    return await SqlChoices(deployment.database, audit_log(deployment)).current()


@asynccontextmanager
async def choosing(settings: Settings) -> AsyncIterator[ChooseNetworks]:
    """The choice of networks; raises what `open_deployment` raises."""
    async with open_deployment(settings) as deployment:
        choices = SqlChoices(deployment.database, audit_log(deployment))
        yield ChooseNetworks(
            choices=choices, enrolled=choices, shelf=ZooShelf(open_zoo(settings)), clock=SystemClock()
        )

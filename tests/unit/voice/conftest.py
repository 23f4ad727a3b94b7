import pytest

from facekey.voice.listen import Listener
from facekey.wiring.voice import SPEAKER, SPEECH, open_listener
from facekey.zoo.zoo import Zoo


@pytest.fixture(scope="session")
def listener(zoo: Zoo) -> Listener:
    """The real networks, fetched once."""
    missing = [status for status in zoo.pull((SPEECH, SPEAKER)) if not status.installed]
    if missing:
        pytest.fail("; ".join(f"{status.card.name}: {status.reason}" for status in missing))
    return open_listener(zoo)

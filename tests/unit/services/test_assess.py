import pytest

from facekey.api.service import Service
from facekey.core.errors import ImageRefused, Overloaded, SampleRejected
from facekey.core.types import Quality, Reason, Region
from facekey.services.assess import Assessment
from tests.contract.store.opened import Store
from tests.unit.core.made import evidence
from tests.unit.services.deployed import Playback, person, recorded

HERE = Region(0.1, 0.2, 0.3, 0.4)


async def test_a_good_photo_is_usable_and_leaves_no_trace(
    service: Service, analyzer: Playback, store: Store
) -> None:
    seen = evidence(person(1), liveness=0.01)
    assessment = await service.assess(analyzer.photo(seen))
    assert assessment == Assessment(None, seen.quality, Region(0.0, 0.0, 0.5, 0.5)), "live or not"
    assert await recorded(store) == []


DARK = Quality(0.9, 0.1, 0.8, 1.0, 0.0, 0.0, 0.0, 200.0, 0.4, (Reason.TOO_DARK,))


@pytest.mark.parametrize(
    ("rejection", "told"),
    [
        (SampleRejected(Reason.NO_FACE), Assessment(Reason.NO_FACE, None, None)),
        (SampleRejected(Reason.TOO_DARK, DARK, HERE), Assessment(Reason.TOO_DARK, DARK, HERE)),
    ],
)
async def test_what_is_wrong_is_told(
    service: Service, analyzer: Playback, rejection: SampleRejected, told: Assessment
) -> None:
    assert await service.assess(analyzer.photo(rejection)) == told


@pytest.mark.parametrize("error", [ImageRefused("image_corrupt", "can't be read"), Overloaded("full")])
async def test_what_was_not_judged_is_no_verdict(
    service: Service, analyzer: Playback, error: Exception
) -> None:
    with pytest.raises(type(error)):
        await service.assess(analyzer.photo(error))

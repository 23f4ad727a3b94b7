"""The list inside a running service: nothing that can't be asked there, slow checks once an hour."""

import asyncio
from dataclasses import replace
from pathlib import Path

from facekey.doctor.examination import Check, Finding, Patient, ok, warn
from facekey.doctor.serving import SLOW_EVERY_S, FromInside, make_doctor
from facekey.store.sql.migrate import migrate
from tests.unit.doctor.conftest import TOKEN_KEY, Make
from tests.unit.services.staged import HandTicker


def counted(name: str, seen: list[str]) -> Check:
    async def look(patient: Patient) -> list[Finding]:
        seen.append(name)
        return warn(f"{name} {seen.count(name)}", "mend it")

    return Check(name, look)


async def test_slow_checks_are_looked_at_once_an_hour(make: Make) -> None:
    seen: list[str] = []
    ticker = HandTicker(now_s=0.0)
    checks = [counted(name, seen) for name in ("models", "clock", "backup")]
    examine = FromInside(make(), checks, ticker=ticker)
    for _ in range(2):
        found = await examine()
        assert [item.name for item in found] == ["models", "clock", "backup"]
    assert seen.count("clock") == 2
    assert (seen.count("models"), seen.count("backup")) == (1, 1)
    ticker.now_s += SLOW_EVERY_S
    again = await examine()
    assert [item.found for item in again] == ["models 2", "clock 3", "backup 2"]
    assert {(item.verdict, item.advice) for item in again} == {("warn", "mend it")}


async def test_a_check_that_blocks_does_not_hold_the_service_up(make: Make) -> None:
    loops: list[object] = []

    async def look(patient: Patient) -> list[Finding]:
        loops.append(asyncio.get_running_loop())
        return ok("fine")

    (item,) = await FromInside(make(), [Check("it", look)], ticker=HandTicker())()
    assert (item.verdict, item.found, item.advice) == ("ok", "fine", None)
    assert loops != [asyncio.get_running_loop()]


async def test_headers_need_somebody_to_ask(make: Make) -> None:
    seen: list[str] = []
    patient = make()
    for url, public in ((None, ""), ("http://127.0.0.1:8000", ""), (None, "https://faces.example")):
        settings = patient.settings.model_copy(update={"public_url": public})
        here = replace(patient, url=url, settings=settings)
        await FromInside(here, [counted("headers", seen)], ticker=HandTicker())()
    assert seen == ["headers", "headers"]


async def test_the_real_list_on_a_real_database(make: Make, tmp_path: Path) -> None:
    patient = make(models_dir=tmp_path / "models", REDIS_URL="redis://:5ec7e7@127.0.0.1:1/0")
    migrate(patient.settings.database_url)
    examine = make_doctor(patient.settings)
    found, again = await asyncio.gather(examine(), examine())
    assert found is again, "who asks while it is examined gets the same list"
    verdicts = {item.name: item.verdict for item in found.checks}
    assert (verdicts["profile"], verdicts["schema"], verdicts["models"]) == ("ok", "ok", "fail")
    assert verdicts["Redis"] == "unknown"
    assert "headers" not in verdicts
    assert not any(secret in str(found) for secret in ("5ec7e7", TOKEN_KEY))

"""Groups that people declare, and whether error rates are worse for one of them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller, RecordReader
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.core.bias import Estimate, Finding, Rate, Verdict
from facekey.core.identifiers import parse_subject_id

router = APIRouter(prefix="/api/v1", tags=["bias"], dependencies=[DESCRIBED])

Word = Annotated[str, Field(max_length=32)]


class LabelsBody(BaseModel):
    """What a person declares of themselves."""

    labels: Annotated[dict[Word, Word], Field(max_length=8)] = Field(
        description="A value for each attribute, in the words of this deployment's vocabulary.",
        examples=[{"age_band": "30_44", "gender": "woman"}],
    )


class LabelsView(BaseModel):
    """A person's declared groups."""

    user_id: str
    labels: dict[str, str]


class LabelsForgotten(BaseModel):
    """They are gone and it is on record."""

    success: Literal[True] = True
    user_id: str


class RateView(BaseModel):
    """A rate with its 95 % interval."""

    people: int
    trials: int
    errors: int
    effective_trials: float = Field(
        description="Independent trials that would be as telling; those of one person aren't independent."
    )
    rate: float
    low: float
    high: float


class FindingView(BaseModel):
    """One rate of one group, beside all other groups of the attribute."""

    attribute: str
    group: str
    rate: Rate
    people: int
    verdict: Verdict = Field(
        description="`too_few_people` and `too_few_errors` mean that there are not enough samples: nothing "
        "is known, least of all that all is well."
    )
    group_rate: RateView | None
    others_rate: RateView | None
    ratio: float | None = Field(description="Null where it can't be told or the others have no error.")
    chance: float | None = Field(
        description="Probability of so many errors of the group if both rates were equal."
    )


class BiasView(BaseModel):
    """What can be said now."""

    at: datetime
    people: int = Field(description="Who declared groups, consents, and was counted.")
    alarms: int
    rule: str = (
        "A group rings when its rate is over 1.25 times that of all others, with 20 people on both sides and "
        "5 effective errors, and chance alone would do so in less than one report of a hundred."
    )
    findings: list[FindingView]


@router.put("/users/{user_id}/labels", responses={404: {"model": Problem}})
async def put_labels(service: Served, caller: Enroller, user_id: str, body: LabelsBody) -> LabelsView:
    """Keep what a person declared, in place of what they declared before. Takes their consent."""
    subject_id = parse_subject_id(user_id)
    labels = await service.label(subject_id, body.labels, caller=caller)
    return LabelsView(user_id=subject_id, labels=dict(labels))


@router.get("/users/{user_id}/labels", responses={404: {"model": Problem}})
async def get_labels(service: Served, _caller: Enroller, user_id: str) -> LabelsView:
    """What a person declared."""
    subject_id = parse_subject_id(user_id)
    return LabelsView(user_id=subject_id, labels=dict(await service.label.of(subject_id)))


@router.delete("/users/{user_id}/labels", responses={404: {"model": Problem}})
async def delete_labels(service: Served, caller: Enroller, user_id: str) -> LabelsForgotten:
    """Forget what a person declared."""
    subject_id = parse_subject_id(user_id)
    await service.label.forget(subject_id, caller=caller)
    return LabelsForgotten(user_id=subject_id)


@router.get("/bias/report")
async def bias_report(service: Served, _caller: RecordReader) -> BiasView:
    """Error rates by declared group, at most an hour old."""
    report = await service.bias()
    return BiasView(
        at=report.at,
        people=report.people,
        alarms=sum(finding.verdict is Verdict.ALARM for finding in report.findings),
        findings=[_finding(finding) for finding in report.findings],
    )


def _finding(finding: Finding) -> FindingView:
    finite = finding.ratio if finding.ratio is not None and finding.ratio < float("inf") else None
    return FindingView(
        attribute=finding.attribute,
        group=finding.group,
        rate=finding.rate,
        people=finding.people,
        verdict=finding.verdict,
        group_rate=None if finding.own is None else _rate(finding.own),
        others_rate=None if finding.others is None else _rate(finding.others),
        ratio=finite,
        chance=finding.chance,
    )


def _rate(estimate: Estimate) -> RateView:
    return RateView(
        people=estimate.people,
        trials=estimate.trials,
        errors=estimate.errors,
        effective_trials=estimate.effective,
        rate=estimate.rate,
        low=estimate.low,
        high=estimate.high,
    )

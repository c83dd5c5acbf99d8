"""Why a person is, or is not, a candidate: every part of the criteria, asked of Postgres itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omni.api.schemas.criteria import ExplainOut, ShareOut, StepOut, Verdict
from omni.api.store import QUERIES
from omni.base.errors import NotFound
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates.plan import SCORE_SQL, score_params
from omni.predicate.plan import probe_criteria
from omni.predicate.types import Step
from omni.profiles.types import SIGNALS
from omni.storage.db import Database
from omni.storage.sql import Fragment

_WITHIN_MS = 1_000
_MAX_BECAUSE = 500
_UNKNOWN_SIGNAL = 0.5
"""As `SCORE_SQL` counts it; a test holds the sum of the shares to the score."""
_WORDS: Mapping[bool | None, Verdict] = {True: "true", False: "false", None: "unknown"}


async def explain(db: Database, campaign_id: int, profile_id: int) -> ExplainOut:
    """Say what each part of a campaign's criteria makes of a person, and what makes the score.

    Raises:
        NotFound: There is no such campaign, or no such profile.
    """
    campaign = await campaigns.get(db, campaign_id)
    probes = probe_criteria(campaign.criteria)
    steps = probes.steps()
    columns = ", ".join(f"({step.sql}) as v_{place}" for place, step in enumerate(steps))
    async with db.question(within_ms=_WITHIN_MS) as tx:
        row = await tx.fetchrow(
            QUERIES["explain_profile"],
            {
                "parts": Fragment(columns, probes.params),
                "score": Fragment(SCORE_SQL, score_params(campaign.weights)),
            },
            campaign_id=campaign_id,
            profile_id=profile_id,
        )
    if row is None:
        raise NotFound("there is no such profile")
    answers = {step.path: row[f"v_{place}"] for place, step in enumerate(steps)}
    tree = step_out(probes.root, answers, row, decided=True)
    return ExplainOut(
        campaign_id=campaign_id,
        profile_id=profile_id,
        platform=row["platform"],
        username=row["username"],
        fits=answers[probes.root.path] is True,
        is_candidate=row["is_candidate"],
        because=because(tree),
        tree=tree,
        cheap_score=row["cheap_score"],
        stored_score=row["stored_score"],
        signals=_signals(campaign, row["signals"]),
    )


def step_out(
    step: Step, answers: Mapping[str, bool | None], row: Mapping[str, Any], *, decided: bool
) -> StepOut:
    """Return a node with its verdict.

    Args:
        step: The node.
        answers: What Postgres said of each path.
        row: Features by name.
        decided: Whether the verdict on the whole comes from here: of `all` that is not true, from
            the parts that are what it is; of `all` that is true, from every part; of `any` alike.
    """
    answer = answers[step.path]
    parts = [
        step_out(part, answers, row, decided=decided and _decides(step, answers[part.path], answer))
        for part in step.parts
    ]
    return StepOut(
        path=step.path,
        kind=step.kind,
        english=step.english,
        verdict=_WORDS[answer],
        decided=decided,
        field=step.field,
        value=row.get(step.field) if step.field else None,
        parts=parts,
    )


def because(tree: StepOut) -> str:
    """Name the clauses that decided, in words."""
    words = [_reason(step) for step in _deciding(tree)]
    joined = "; ".join(words)
    return joined if len(joined) <= _MAX_BECAUSE else joined[: _MAX_BECAUSE - 1] + "…"


def _decides(step: Step, part: bool | None, whole: bool | None) -> bool:
    return step.kind == "not" or part is whole


def _deciding(step: StepOut) -> list[StepOut]:
    """Return the smallest parts that decided: a clause, or the `not` around one."""
    if not step.decided:
        return []
    if step.kind == "clause" or (step.kind == "not" and step.parts[0].kind == "clause"):
        return [step]
    return [found for part in step.parts for found in _deciding(part)]


def _reason(step: StepOut) -> str:
    if step.verdict == "unknown":
        return f"unknown whether {step.english}"
    return f"{step.english}" if step.verdict == "true" else f"it is not so that {step.english}"


def _signals(campaign: Campaign, signals: list[float | None]) -> list[ShareOut]:
    shares: list[ShareOut] = []
    for place, (name, weight) in enumerate(zip(SIGNALS, campaign.weights, strict=True)):
        known = signals[place] if place < len(signals) else None
        value = _UNKNOWN_SIGNAL if known is None else known
        shares.append(ShareOut(signal=name, value=value, weight=weight, share=value * weight))
    return shares

"""What a person starts to look at judges: a comparison, or hostile profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.models import AllCostsOut, AttackOut
from omni.ui.layout import attempt, chip, nothing

POLL_S = 1.0
ENDED = ("succeeded", "failed", "cancelled")
WHICH = "rules, ollama, openai, or with a model: ollama:MODEL"


def follow(client: OmniClient, job_id: UUID, ended: Callable[[], Any]) -> None:
    """Show how far a job is, and call `ended` when it has ended."""
    told = ui.label("Waiting for a worker").classes("text-sm omni-muted").props("data-job")

    async def look() -> None:
        try:
            job = await client.get_job(job_id)
        except (ApiProblem, ApiUnreachable):
            return  # the next look may find it
        progress = job.progress or {}
        total = progress.get("total")
        told.set_text(f"{job.state}: {progress.get('done', 0)}" + (f" of {total}" if total else ""))
        if job.state in ENDED:
            timer.cancel()
            told.set_text(job.error or job.state)
            ended()

    timer = ui.timer(POLL_S, look)


class CompareForm:
    """Starts a comparison of two judges on one campaign's people."""

    def __init__(self, client: OmniClient, campaign_id: int, ended: Callable[[], Any]) -> None:
        self._client = client
        self._id = campaign_id
        self._ended = ended

    def draw(self) -> None:
        """Draw the form."""
        with (
            ui.expansion("Compare two judges", icon="balance")
            .classes("w-full")
            .props("data-compare")
        ):
            with ui.row().classes("w-full gap-3"):
                self._left = _judge("First judge", "rules")
                self._right = _judge("Second judge", "")
                self._sample = ui.number("People", value=20, min=1, max=1_000, precision=0).props(
                    "outlined dense"
                )
            with ui.expansion("With another task in the prompt").classes("w-full").props("dense"):
                ui.label(
                    "In place of the first part of the prompt, up to the criteria. Empty: as it is."
                ).classes("text-sm omni-muted")
                self._left_task = _task("Task of the first judge")
                self._right_task = _task("Task of the second judge")
            ui.label(
                "Each is asked about each of these people, on the campaign's budget. No verdict of"
                " it makes a lead."
            ).classes("text-sm omni-muted")
            ui.button("Compare", icon="play_arrow", on_click=self._start).props(
                "no-caps unelevated"
            )
            self._told = ui.column().classes("w-full")

    async def _start(self) -> None:
        started = await attempt(
            self._client.compare_judges(
                self._id,
                left=str(self._left.value or ""),
                right=str(self._right.value or ""),
                sample=int(self._sample.value or 0),
                left_task=self._left_task.value or None,
                right_task=self._right_task.value or None,
            )
        )
        if started is not None:
            self._told.clear()
            with self._told:
                follow(self._client, started.job_id, self._ended)


class AttackPanel:
    """Starts the hostile profiles, and shows what judges made of them."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw everything."""
        with (
            ui.expansion("Hostile profiles", icon="security")
            .classes("w-full")
            .props("data-redteam")
        ):
            ui.label(
                "Made-up profiles that try to steer the judge, or to carry data out of it. A judge"
                " that is led astray may still do no harm: what it says is checked."
            ).classes("text-sm omni-muted")
            with ui.row().classes("w-full gap-3 items-center"):
                self._judge = _judge("Judge", "rules")
                ui.button("Attack it", icon="play_arrow", on_click=self._start).props(
                    "no-caps unelevated"
                )
            self._told = ui.column().classes("w-full")
            await self._reports()

    async def _start(self) -> None:
        started = await attempt(self._client.attack_judge(str(self._judge.value or "")))
        if started is not None:
            self._told.clear()
            with self._told:
                follow(self._client, started.job_id, self._reports.refresh)

    @ui.refreshable_method
    async def _reports(self) -> None:
        found = await attempt(self._client.attacks())
        if found is None:
            return
        if not found:
            nothing("No judge has been attacked yet.")
        for each in found[:5]:
            _draw_report(each)


def _draw_report(one: AttackOut) -> None:
    report = one.report
    with ui.card().classes("w-full gap-1 p-3").props(f"flat bordered data-attack={one.id}"):
        with ui.row().classes("items-center gap-3"):
            chip("ok" if report["passed"] else "failed")
            ui.label(one.model).classes("font-medium omni-text")
            ui.label(f"{one.created_at:%Y-%m-%d %H:%M}").classes("omni-muted text-sm")
        ui.label(
            f"{report['attacks']} attacks: {report['firm']} times firm, {report['led']} times led"
            f" astray, {report['harmful']} times with harm, {report['unanswered']} unanswered"
        ).classes("text-sm")
        for finding in report["findings"]:
            if finding["faults"] or finding["failed"]:
                _draw_finding(finding)


def _draw_finding(finding: dict[str, Any]) -> None:
    what = finding["failed"] or "; ".join(finding["faults"])
    kept = "" if finding["failed"] else " (stopped)" if finding["stopped"] else " (did harm)"
    with ui.column().classes("omni-quote gap-0"):
        ui.label(f"{finding['kind']}: {what}{kept}").classes("text-sm omni-text")
        # What a model said to a hostile profile is shown as text, and as nothing else.
        ui.label(finding["said"]).classes("omni-muted text-sm omni-text")


async def draw_costs(client: OmniClient) -> None:
    """Draw what models were paid for in the last thirty days, for each model and purpose."""
    found = await attempt(client.all_costs())
    if found is None:
        return
    with ui.expansion("What was paid for", icon="payments").classes("w-full").props("data-costs"):
        if not found.items:
            nothing("No model has been called in the last thirty days.")
        for line in cost_lines(found):
            ui.label(line).classes("text-sm omni-text")


def cost_lines(found: AllCostsOut) -> list[str]:
    """Sum up by model and purpose."""
    sums: dict[tuple[str, str], tuple[int, int, float]] = {}
    for one in found.items:
        calls, tokens, cost = sums.get((one.model, one.purpose), (0, 0, 0.0))
        sums[one.model, one.purpose] = (
            calls + one.calls,
            tokens + one.prompt_tokens + one.answer_tokens,
            cost + one.cost,
        )
    priced = found.currency
    return [
        f"{model}, {purpose}: {calls:,} calls, {tokens:,} tokens"
        + (f", {cost:.4f} {priced}" if priced else "")
        for (model, purpose), (calls, tokens, cost) in sorted(sums.items())
    ]


def _judge(label: str, value: str) -> ui.input:
    return (
        ui.input(label, value=value, placeholder=WHICH, autocomplete=["rules", "ollama", "openai"])
        .props("outlined dense")
        .classes("grow")
        .tooltip(WHICH)
    )


def _task(label: str) -> ui.textarea:
    return ui.textarea(label).props("outlined autogrow dense").classes("w-full")

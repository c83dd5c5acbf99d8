"""Whether a campaign's judge can be trusted: figures, a picture, and disagreements to settle."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import ComparisonOut, DisagreementOut, EvaluationOut, MeasuredShare
from omni.ui.judge_jobs import CompareForm
from omni.ui.layout import attempt, nothing


class TrustPanel:
    """One campaign's evaluation, comparisons and disagreements."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        self._client = client
        self._id = campaign_id

    async def draw(self) -> None:
        """Draw everything."""
        await self._evaluation()
        ui.label("Where judges disagree").classes("text-lg font-semibold pt-2")
        CompareForm(self._client, self._id, self._look_again).draw()
        await self._comparisons()
        await self._disagreements()

    def _look_again(self) -> None:
        self._comparisons.refresh()
        self._disagreements.refresh()

    @ui.refreshable_method
    async def _comparisons(self) -> None:
        comparisons = await attempt(self._client.comparisons(self._id)) or []
        for each in comparisons[:5]:
            ui.label(_compared(each)).classes("omni-muted text-sm omni-text").props(
                "data-comparison"
            )

    @ui.refreshable_method
    async def _evaluation(self) -> None:
        found = await attempt(self._client.evaluation(self._id))
        if found is None:
            return
        ui.label("How often it is right").classes("text-lg font-semibold")
        with ui.row().classes("w-full gap-6 items-start"):
            with ui.column().classes("gap-1").props("data-evaluation"):
                for line in _figures(found):
                    ui.label(line).classes("text-sm")
                for note in found.notes:
                    ui.label(note).classes("omni-muted text-sm omni-text")
            if found.labels:
                # The picture is made of numbers alone: nobody's text is in it.
                ui.html(found.svg, sanitize=False).classes("w-full").style("max-width: 440px")

    @ui.refreshable_method
    async def _disagreements(self) -> None:
        found = await attempt(self._client.disagreements(self._id))
        if found is None:
            return
        if not found:
            nothing("Nobody to settle. A comparison looks for some.")
        for each in found:
            self._draw_one(each)

    def _draw_one(self, one: DisagreementOut) -> None:
        async def settle(fits: bool) -> None:
            call = self._client.settle_disagreement(one.id, fits=fits)
            await attempt(call, "Noted: it counts from now on")
            self._disagreements.refresh()
            self._evaluation.refresh()

        with (
            ui.card().classes("w-full gap-2 p-3").props(f"flat bordered data-disagreement={one.id}")
        ):
            ui.label(one.username).classes("font-medium omni-text")
            for model, said in (
                (one.left_model, one.left_said),
                (one.right_model, one.right_said),
            ):
                _draw_said(model, said)
            with ui.row().classes("gap-2"):
                ui.button("Fits", icon="check", on_click=lambda: settle(True)).props(
                    "outline dense no-caps"
                )
                ui.button("Does not fit", icon="close", on_click=lambda: settle(False)).props(
                    "outline dense no-caps"
                )


def _draw_said(model: str, said: dict[str, Any]) -> None:
    verdict = "yes" if said.get("qualified") else "no"
    ui.label(f"{model}: {verdict}, {float(said.get('score', 0)):.2f}").classes("text-sm omni-text")
    for reason in said.get("reasons", ()):
        with ui.column().classes("omni-quote gap-0"):
            ui.label(str(reason.get("criterion", ""))).classes("text-sm font-medium omni-text")
            ui.label(f"“{reason.get('evidence', '')}”").classes("omni-muted text-sm omni-text")


def _figures(found: EvaluationOut) -> list[str]:
    return [
        f"{found.labels} people decided on, {found.fit} of them fit",
        f"precision {_share(found.precision)}",
        f"recall {_share(found.recall)}",
        f"Brier score {_figure(found.brier)}",
        f"calibration error {_figure(found.expected_calibration_error)}",
    ]


def _share(share: MeasuredShare) -> str:
    if share.value is None:
        return "cannot be told"
    return f"{share.value:.2f} (between {share.low:.2f} and {share.high:.2f})"


def _figure(value: float | None) -> str:
    return "cannot be told" if value is None else f"{value:.3f}"


def _compared(each: ComparisonOut) -> str:
    report = each.report
    kappa = report.get("kappa")
    told = "cannot be told" if kappa is None else f"{float(kappa):.2f}"
    return (
        f"{each.created_at:%Y-%m-%d %H:%M} · {each.left_model} and {each.right_model} on"
        f" {each.sample} people: kappa {told}, apart about {report.get('disagreements', 0)}"
    )

"""The judges: how they do, what they are asked, and whether they can be trusted."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import CampaignOut, JudgeOut
from omni.ui.judge_jobs import AttackPanel, draw_costs
from omni.ui.layout import attempt, chip, nothing
from omni.ui.trust import TrustPanel

MAX_CAMPAIGNS = 100


class JudgePage:
    """The page of the judges."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client
        self._campaign: int | None = None

    async def draw(self) -> None:
        """Draw everything."""
        ui.label("Judges").classes("text-2xl font-semibold")
        ui.label("They read a profile and say whether it fits, with quotes of it.").classes(
            "omni-muted"
        )
        await self._judges()
        page = await attempt(self._client.list_campaigns(limit=MAX_CAMPAIGNS))
        ui.select(
            {0: "no campaign", **campaign_names(page.items if page else [])},
            value=0,
            label="Campaign",
            on_change=lambda event: self._choose(int(event.value or 0)),
        ).props("outlined dense").classes("w-full")
        with ui.expansion("What they are asked", icon="description").classes("w-full"):
            await self._text()
        await AttackPanel(self._client).draw()
        await draw_costs(self._client)
        await self._trust()

    @ui.refreshable_method
    async def _judges(self) -> None:
        found = await attempt(self._client.judges())
        if found is None:
            return
        if not found.judges:
            nothing("The model is off: nobody is judged. OMNI_JUDGE turns one on.")
        for place, judge in enumerate(found.judges):
            _draw_judge(judge, first=place == 0)
        ui.button("Look again", icon="refresh", on_click=self._judges.refresh).props(
            "no-caps outline dense"
        )

    def _choose(self, campaign_id: int) -> None:
        self._campaign = campaign_id or None
        self._text.refresh()
        self._trust.refresh()

    @ui.refreshable_method
    async def _trust(self) -> None:
        if self._campaign is None:
            nothing("Choose a campaign to see how often its judge is right.")
        else:
            await TrustPanel(self._client, self._campaign).draw()

    @ui.refreshable_method
    async def _text(self) -> None:
        asked = await attempt(self._client.prompt(campaign_id=self._campaign))
        if asked is None:
            return
        ui.label(f"version {asked.version}").classes("omni-muted text-sm").props("data-version")
        if asked.most_pictures:
            shown = f"With up to {asked.most_pictures} pictures of the person."
            ui.label(shown).classes("text-sm omni-text")
        for part in (asked.system, asked.user):
            ui.label(part).classes("omni-text text-sm font-mono w-full")


def campaign_names(campaigns: list[CampaignOut]) -> dict[int, str]:
    """Return the campaigns as choices."""
    return {one.id: f"{one.name} ({one.id})" for one in campaigns}


def _draw_judge(judge: JudgeOut, *, first: bool) -> None:
    with ui.card().classes("w-full gap-1 p-3").props(f'flat bordered data-judge="{judge.model}"'):
        with ui.row().classes("w-full items-center gap-3"):
            chip("ok" if judge.ok else "failed")
            ui.label(judge.model).classes("font-medium omni-text")
            ui.space()
            ui.label("is asked first" if first else "stands in").classes("omni-muted text-sm")
        ui.label(judge.detail).classes("text-sm omni-text")
        if judge.models:
            ui.label(f"its server has {', '.join(judge.models)}").classes(
                "omni-muted text-sm omni-text"
            )

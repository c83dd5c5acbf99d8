"""One campaign: its funnel, what can be started, its leads, messages and jobs."""

from __future__ import annotations

from http import HTTPStatus

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.models import CampaignOut, CampaignStatus, Funnel, StatusOut
from omni.ui.campaigns import CampaignForm
from omni.ui.discover import DiscoverForm
from omni.ui.held import HeldPanel
from omni.ui.jobs import JobList
from omni.ui.layout import attempt, chip, no_page
from omni.ui.leads import LeadList
from omni.ui.messages import MessageList
from omni.ui.qualify import QualifyForm

REFRESH_S = 2.0
STAGES = (
    ("discovered", "Discovered"),
    ("candidates", "Candidates"),
    ("judged", "Judged"),
    ("qualified", "Qualified"),
    ("leads", "Leads"),
    ("contacted", "Contacted"),
    ("replied", "Replied"),
)


class CampaignPage:
    """The page of one campaign."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        self._client = client
        self._id = campaign_id
        self._seen: StatusOut | None = None

    async def draw(self) -> None:
        """Draw everything; the funnel keeps itself up to date, and the lists follow it."""
        campaign = await self._find()
        if campaign is None:
            return
        await self._head(campaign)
        with ui.card().classes("w-full p-4").props("flat bordered"):
            await self._funnel()
        self._leads = LeadList(self._client, self._id, self._refresh)
        self._messages = MessageList(self._client, self._id)
        with ui.tabs().props("no-caps align=left").classes("w-full") as tabs:
            leads, messages, jobs = ui.tab("Leads"), ui.tab("Messages"), ui.tab("Jobs")
        with ui.tab_panels(tabs, value=leads).classes("w-full bg-transparent"):
            with ui.tab_panel(leads).classes("p-0 gap-3"):
                await self._leads.draw()
            with ui.tab_panel(messages).classes("p-0 gap-3"):
                await HeldPanel(self._client, self._id).draw()
                await self._messages.draw()
            with ui.tab_panel(jobs).classes("p-0 gap-3"):
                await JobList(self._client, self._id).draw()
        ui.timer(REFRESH_S, self._follow)

    async def _find(self) -> CampaignOut | None:
        """Ask for the campaign; where it does not come, say why and return None."""
        try:
            return await self._client.get_campaign(self._id)
        except ApiProblem as problem:
            missing = problem.status == HTTPStatus.NOT_FOUND
            no_page(f"There is no campaign {self._id}" if missing else str(problem))
        except ApiUnreachable as problem:
            no_page(str(problem))
        return None

    async def _head(self, campaign: CampaignOut) -> None:
        platforms = await attempt(self._client.platforms()) or []
        discover = DiscoverForm(self._client, campaign, platforms)
        qualify = QualifyForm(self._client, self._id)
        form = CampaignForm(self._client, campaign, self._reopen)
        with ui.row().classes("w-full items-center gap-3"):
            ui.label(campaign.name).classes("text-2xl font-semibold")
            chip(campaign.status)
            ui.space()
            ui.button("Discover", icon="travel_explore", on_click=discover.open).props(
                "no-caps unelevated"
            )
            ui.button("Qualify", icon="fact_check", on_click=qualify.open).props(
                "no-caps unelevated"
            )
            ui.button(
                "Drafts",
                icon="mail",
                on_click=lambda: ui.navigate.to(f"/campaigns/{self._id}/drafts"),
            ).props("no-caps outline")
            ui.button("Change", icon="edit", on_click=form.open).props("no-caps outline")
            ui.button("Learn", icon="school", on_click=self._learn).props("no-caps outline")
            pausing = campaign.status == "active"
            ui.button(
                "Pause" if pausing else "Resume",
                on_click=lambda: self._set_status("paused" if pausing else "active"),
            ).props("no-caps flat")
        ui.label(campaign.english).classes("omni-muted omni-text")
        if campaign.autopilot_cap is not None:
            ui.label(
                f"Autopilot: up to {campaign.autopilot_cap} messages a day go out unread."
            ).props("role=note").classes("text-sm text-warning")
        if campaign.autopilot_off_because:
            ui.label(
                f"The autopilot went off by itself: {campaign.autopilot_off_because}. Drafts wait"
                " for you."
            ).props("role=note").classes("text-sm text-warning omni-text")
        if not campaign.judge_share:
            ui.label(
                "Judges are off for this campaign: nobody is judged until you turn them on."
            ).props("role=note").classes("text-sm")

    @ui.refreshable_method
    async def _funnel(self) -> None:
        status = self._seen or await attempt(self._client.campaign_status(self._id))
        if status is None:
            return
        self._seen = status
        draw_funnel(status.funnel)
        if status.open_jobs:
            words = ", ".join(f"{count} {kind}" for kind, count in status.open_jobs.items())
            with ui.row().classes("items-center gap-2 pt-2"):
                ui.spinner(size="sm")
                ui.label(f"Working: {words}").classes("omni-muted text-sm")

    async def _follow(self) -> None:
        """Redraw only what the API says has changed."""
        try:
            status = await self._client.campaign_status(self._id)
        except (ApiProblem, ApiUnreachable):
            return  # the next look may find it again; what is shown stays
        before, self._seen = self._seen, status
        if before == status:
            return
        self._funnel.refresh()
        if before is None or before.leads != status.leads:
            await self._leads.tell_news()
        if before is None or before.messages != status.messages:
            await self._messages.tell_news()

    async def _refresh(self) -> None:
        self._seen = await self._client.campaign_status(self._id)
        self._funnel.refresh()

    async def _learn(self) -> None:
        await attempt(
            self._client.run_now("weights.update", campaign_id=self._id), "Learning: see Jobs"
        )

    async def _set_status(self, status: CampaignStatus) -> None:
        if await attempt(self._client.update_campaign(self._id, status=status)) is not None:
            ui.navigate.reload()

    async def _reopen(self, campaign: CampaignOut) -> None:
        ui.navigate.to(f"/campaigns/{campaign.id}")


def draw_funnel(funnel: Funnel) -> None:
    """Draw each stage as a bar whose length is its share of the widest stage."""
    counts = {name: int(getattr(funnel, name)) for name, _ in STAGES}
    widest = max(1, *counts.values())
    with ui.column().classes("w-full gap-1").props("data-funnel"):
        for name, label in STAGES:
            with ui.row().classes("w-full items-center gap-3 no-wrap"):
                ui.label(label).classes("text-sm").style("flex:none;width:6.5rem")
                ui.linear_progress(
                    value=counts[name] / widest, show_value=False, size="14px"
                ).props(f'rounded instant-feedback aria-label="{label}"')
                ui.label(f"{counts[name]:,}").classes("font-medium text-right").style(
                    "flex:none;width:4rem"
                ).props(f"data-stage={name}")

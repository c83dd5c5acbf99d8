"""All campaigns, and the form for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import CampaignOut
from omni.ui.criteria import CriteriaBuilder
from omni.ui.layout import attempt, chip, nothing

EXAMPLE: dict[str, Any] = {
    "all": [
        {"field": "bio", "op": "matches", "value": "solar or climate"},
        {"field": "followers", "op": ">=", "value": 50},
        {"not": {"field": "is_bot", "op": "=", "value": True}},
    ]
}


async def draw_campaigns(client: OmniClient) -> None:
    """Draw the list of campaigns and the way to a new one."""

    async def created(campaign: CampaignOut) -> None:
        ui.navigate.to(f"/campaigns/{campaign.id}")

    form = CampaignForm(client, None, created)
    with ui.row().classes("w-full items-center"):
        ui.label("Campaigns").classes("text-2xl font-semibold")
        ui.space()
        ui.button("New campaign", icon="add", on_click=form.open).props("no-caps unelevated")
    page = await attempt(client.list_campaigns(limit=100))
    if page is None:
        return
    if not page.items:
        nothing("No campaigns yet. Say whom you look for: make the first one.")
    for campaign in page.items:
        with (
            ui.card()
            .classes("w-full gap-1 p-4 cursor-pointer")
            .props("flat bordered")
            .on("click", partial(ui.navigate.to, f"/campaigns/{campaign.id}"), args=[])
        ):
            with ui.row().classes("items-center gap-3"):
                ui.link(campaign.name, f"/campaigns/{campaign.id}").classes("text-lg font-medium")
                chip(campaign.status)
            ui.label(campaign.english).classes("omni-muted omni-text")


class CampaignForm:
    """A dialog that makes a campaign, or changes one."""

    def __init__(
        self,
        client: OmniClient,
        campaign: CampaignOut | None,
        saved: Callable[[CampaignOut], Awaitable[None]],
    ) -> None:
        self._client = client
        self._campaign = campaign
        self._saved = saved
        with (
            ui.dialog() as self._dialog,
            ui.card().classes("w-full gap-3").style("max-width:820px"),
        ):
            self._draw(campaign)

    async def open(self) -> None:
        """Show the dialog."""
        self._dialog.open()
        await attempt(self._criteria.load())

    def _draw(self, campaign: CampaignOut | None) -> None:
        title = "Change the campaign" if campaign else "New campaign"
        ui.label(title).classes("text-xl font-semibold")
        self._name = _field(ui.input("Name", value=campaign.name if campaign else ""))
        self._brief = _field(
            ui.textarea(
                "Whom do you look for, and why? The judge reads this.",
                value=campaign.brief if campaign else "",
            )
        )
        criteria = campaign.criteria if campaign else EXAMPLE
        self._criteria = CriteriaBuilder(
            self._client,
            criteria,
            campaign_id=campaign.id if campaign else None,
            brief=lambda: str(self._brief.value or ""),
        )
        self._brief.on_value_change(self._criteria.preview_soon)
        self._criteria.draw()
        self._template = _field(
            ui.textarea(
                "Message, such as: Hi {{ name }}, …",
                value=campaign.message_template if campaign else "",
            )
        )
        with ui.row().classes("w-full gap-4"):
            self._threshold = ui.number(
                "Least score",
                value=campaign.threshold if campaign else 0.6,
                min=0,
                max=1,
                step=0.05,
            )
            self._shortlist = ui.number(
                "Shortlist", value=campaign.shortlist_size if campaign else 50, min=1, precision=0
            )
            self._calls = _limit("Calls a day", campaign and campaign.daily_call_limit, 0)
            self._cost = _limit("Cost a day", campaign and campaign.daily_cost_limit, 6)
        self._judged = _judged(campaign.judge_share if campaign else 1.0)
        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")
            ui.button("Save", on_click=self._save).props("unelevated no-caps")

    async def _save(self) -> None:
        try:
            criteria = self._criteria.document()
        except ValueError as error:
            ui.notify(f"Criteria are not JSON: {error}", type="negative")
            return
        values: dict[str, Any] = {
            "name": self._name.value,
            "brief": self._brief.value,
            "criteria": criteria,
            "message_template": self._template.value,
            "threshold": self._threshold.value,
            "shortlist_size": int(self._shortlist.value or 0),
            "daily_call_limit": None if self._calls.value is None else int(self._calls.value),
            "daily_cost_limit": self._cost.value,
            "judge_share": self._judged.value,
        }
        call = (
            self._client.update_campaign(self._campaign.id, **values)
            if self._campaign
            else self._client.create_campaign(**values)
        )
        campaign = await attempt(call, "Saved")
        if campaign is not None:
            self._dialog.close()
            await self._saved(campaign)


def _field(element: Any) -> Any:
    return element.props("outlined autogrow dense").classes("w-full")


def _judged(share: float) -> ui.select:
    """Draw how many of a shortlist are judged."""
    shares = {1.0: "everybody on the shortlist", 0.1: "a tenth of them, drawn by chance"}
    shares |= {share: f"{share:.0%} of them, drawn by chance"} if 0 < share < 1 else {}
    shares[0.0] = "nobody: no model is called"
    return (
        ui.select(shares, value=share, label="Who is judged")
        .props("outlined dense options-dense data-judged")
        .classes("w-full")
    )


def _limit(label: str, value: float | None, precision: int) -> ui.number:
    """Draw a limit of a day; empty is none."""
    number = ui.number(label, value=value, min=0, precision=precision, placeholder="no limit")
    return number.props("clearable stack-label").tooltip("Of the judge's model; empty: no limit")

"""What a campaign writes: the first message, what follows, a preview, and the autopilot."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import AutopilotOut, CampaignOut, DraftPreview, DraftsPreview
from omni.ui.approvals import ApprovalList
from omni.ui.layout import ago, attempt, no_page
from omni.ui.standstill import draw_standstill

PREVIEWED = 5
MOST_FOLLOW_UPS = 5
WRITERS = {"template": "the template as it stands", "model": "a model, along the template"}


class DraftingPage:
    """The page of a campaign's messages."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        self._client = client
        self._id = campaign_id
        self._follow_ups: list[dict[str, Any]] = []

    async def draw(self) -> None:
        """Draw what waits for approval, and how messages are written."""
        campaign = await attempt(self._client.get_campaign(self._id))
        if campaign is None:
            no_page(f"There is no campaign {self._id}")
            return
        with ui.row().classes("w-full items-center gap-3"):
            ui.label("Drafts").classes("text-2xl font-semibold")
            ui.link(campaign.name, f"/campaigns/{campaign.id}").classes("omni-text")
        await draw_standstill(self._client, self._id)
        with ui.tabs().props("no-caps align=left").classes("w-full") as tabs:
            approve, write = ui.tab("To approve"), ui.tab("What is written")
            pilot = ui.tab("Autopilot")
        with ui.tab_panels(tabs, value=approve).classes("w-full bg-transparent"):
            with ui.tab_panel(approve).classes("p-0 gap-3"):
                await ApprovalList(self._client, self._id).draw()
            with ui.tab_panel(write).classes("p-0 gap-3"):
                self._draw_form(campaign)
            with ui.tab_panel(pilot).classes("p-0 gap-3"):
                await self._draw_autopilot()

    def _draw_form(self, campaign: CampaignOut) -> None:
        self._writer = ui.select(WRITERS, label="Who writes", value=campaign.writer)
        self._writer.props("outlined dense").classes("w-full sm:w-80")
        ui.label(
            "A model says of a person only what the verdict quotes, and names each quote; what"
            " it adds to that is no draft."
        ).classes("omni-muted text-sm").bind_visibility_from(self._writer, "value", value="model")
        self._template = ui.textarea("First message", value=campaign.message_template)
        self._template.props("outlined autogrow").classes("w-full")
        self._follow_ups = [each.model_dump() for each in campaign.follow_ups]
        self._draw_follow_ups()
        with ui.row().classes("gap-2"):
            ui.button("Save", on_click=self._save).props("no-caps unelevated")
            ui.button("Preview", icon="visibility", on_click=self._preview).props("no-caps outline")
        self._shown = ui.column().classes("w-full gap-3").props("data-preview")

    @ui.refreshable_method
    def _draw_follow_ups(self) -> None:
        for place, each in enumerate(self._follow_ups):
            with ui.card().classes("w-full gap-2 p-3").props("flat bordered data-follow-up"):
                with ui.row().classes("w-full items-center gap-2"):
                    ui.label(f"Follow-up {place + 1}").classes("font-semibold")
                    hours = ui.number("Hours later", min=1, precision=0).classes("w-28")
                    hours.bind_value(each, "delay_hours").props("dense outlined")
                    ui.label("if they have not replied").classes("omni-muted text-sm")
                    ui.space()
                    ui.button(icon="delete", on_click=partial(self._drop, place)).props(
                        f'flat round dense aria-label="Remove follow-up {place + 1}"'
                    )
                text = ui.textarea("Text").props("outlined autogrow dense").classes("w-full")
                text.bind_value(each, "template")
        if len(self._follow_ups) < MOST_FOLLOW_UPS:
            ui.button("Add a follow-up", icon="add", on_click=self._add).props("flat no-caps")

    def _add(self) -> None:
        self._follow_ups.append({"delay_hours": 72, "template": ""})
        self._draw_follow_ups.refresh()

    def _drop(self, place: int) -> None:
        del self._follow_ups[place]
        self._draw_follow_ups.refresh()

    async def _save(self) -> None:
        follow_ups = [
            {"delay_hours": int(each["delay_hours"] or 0), "template": str(each["template"])}
            for each in self._follow_ups
        ]
        saved = await attempt(
            self._client.update_campaign(
                self._id,
                writer=self._writer.value,
                message_template=str(self._template.value),
                follow_ups=follow_ups,
            ),
            "Saved. Drafts that wait keep the words they have.",
        )
        if saved is not None:
            self._draw_autopilot.refresh()
            if saved.autopilot_off_because:
                ui.notify(f"The autopilot is off: {saved.autopilot_off_because}", type="warning")

    async def _preview(self) -> None:
        found = await attempt(
            self._client.preview_drafts(
                self._id,
                limit=PREVIEWED,
                message_template=str(self._template.value),
                writer=self._writer.value,
            )
        )
        if found is not None:
            self._show(found)

    def _show(self, found: DraftsPreview) -> None:
        self._shown.clear()
        with self._shown:
            for line in preview_words(found):
                ui.label(line).classes("text-sm omni-text")
            if found.unwritten:
                ui.button(
                    f"Let the model write {found.unwritten}", icon="edit_note", on_click=self._write
                ).props("no-caps outline")
            for item in found.items:
                _draw_preview(item)

    async def _write(self) -> None:
        """Let the model write what is saved, and show it when it is there."""
        job = await attempt(self._client.write_drafts(self._id, limit=PREVIEWED))
        if job is None:
            return
        ui.notify("The model writes: look again in a moment", type="info")
        try:
            await self._client.wait_for_job(job.job_id, timeout=120)
        except TimeoutError:
            return
        await self._preview()

    @ui.refreshable_method
    async def _draw_autopilot(self) -> None:
        found = await attempt(self._client.autopilot(self._id))
        if found is None:
            return
        with ui.card().classes("w-full gap-3 p-4").props("flat bordered data-autopilot"):
            ui.label(autopilot_words(found)).classes("font-semibold omni-text")
            if found.off_because:
                ui.label(
                    f"It went off by itself {ago(found.off_at)}: {found.off_because}. Only you turn"
                    " it on again. Drafts that wait keep the words they have: look at them first."
                ).props("role=note").classes("text-sm text-warning omni-text")
            ui.label(
                "With it messages go out that nobody has read. All other gates hold: suppression,"
                " the person's own settings, limits, quiet hours. What a person has edited waits"
                " for a person."
            ).classes("omni-muted text-sm")
            cap = ui.number("At most in any 24 hours", value=found.daily_cap or 5, min=1, max=1_000)
            cap.props("outlined dense").classes("w-60")
            with ui.row().classes("gap-2"):
                label = "Change the cap" if found.daily_cap else "Turn the autopilot on"
                ui.button(label, on_click=lambda: self._set(int(cap.value or 0))).props(
                    "no-caps unelevated"
                )
                if found.daily_cap:
                    ui.button("Turn it off", on_click=lambda: self._set(None)).props(
                        "no-caps outline"
                    )

    async def _set(self, daily_cap: int | None) -> None:
        found = await attempt(self._client.set_autopilot(self._id, daily_cap))
        if found is not None:
            back = f"; {found.taken_back} approvals taken back" if found.taken_back else ""
            ui.notify(autopilot_words(found) + back, type="positive")
            self._draw_autopilot.refresh()


def preview_words(found: DraftsPreview) -> list[str]:
    """Say in lines what would be drafted."""
    if found.note:
        return [f"Nothing can be drafted: {found.note}."]
    lines = [f"{found.recipients:,} people would get a draft. Nothing was sent."]
    if found.waiting:
        lines.append(f"{found.waiting:,} approved messages go before them.")
    if found.finish_at is not None:
        moment = f"{found.finish_at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"If all were approved now, the last would go out {moment} at the earliest.")
    elif found.recipients:
        lines.append("No active account could send them all: look at Accounts.")
    return lines


def autopilot_words(found: AutopilotOut) -> str:
    """Say in a line what the autopilot may do."""
    if found.daily_cap is None:
        return "The autopilot is off: a person approves each message."
    return (
        f"The autopilot is on since {ago(found.since)}: {found.used} of {found.daily_cap}"
        " messages in 24 hours."
    )


def _draw_preview(item: DraftPreview) -> None:
    with ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-lead={item.lead_id}"):
        ui.label(f"To {item.username}").classes("font-semibold omni-text")
        if item.body is not None:
            ui.label(item.body).classes("omni-text")
        else:
            why = item.problem or "not written yet"
            ui.label(f"No draft: {why}").classes("text-warning text-sm omni-text")
        for claim in item.claims:
            ui.label(f"{claim.claim} ← “{claim.quote}”").classes("omni-quote text-sm omni-text")

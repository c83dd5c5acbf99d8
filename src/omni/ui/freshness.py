"""How fresh profiles are, what keeping them so costs, and who is due next."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import FreshnessOut, PersonOut, RefreshOut, RefreshPlatformOut
from omni.ui.layout import ago, attempt, nothing

REFRESH_S = 5.0
KINDS = {"lead": "Leads", "candidate": "Candidates", "stranger": "Everybody else"}
SPANS = (("hour", "1 hour"), ("day", "1 day"), ("week", "1 week"))


class FreshnessPage:
    """Shares of people who were looked at lately, and each platform's budget."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the page, which keeps itself up to date."""
        ui.label("Freshness").classes("text-2xl font-semibold")
        await self._parts()
        ui.timer(REFRESH_S, self._parts.refresh)

    @ui.refreshable_method
    async def _parts(self) -> None:
        told = await attempt(self._client.refresh())
        if told is not None:
            _draw(told)


def _draw(told: RefreshOut) -> None:
    if told.counted_at is None:
        nothing("Nobody has been counted yet: the first look at known people does.")
    else:
        ui.label(f"Counted {ago(told.counted_at)}").classes("omni-muted text-sm")
        with ui.row().classes("w-full gap-4 items-stretch"):
            for kind in told.freshness:
                _kind(kind)
    for platform in told.platforms:
        _platform(platform)


def _kind(kind: FreshnessOut) -> None:
    with (
        ui.card()
        .classes("gap-2 p-4 grow")
        .style("min-width:220px")
        .props(f"flat bordered data-kind={kind.interest}")
    ):
        ui.label(f"{KINDS[kind.interest]}: {kind.people:,}").classes("font-semibold")
        for field, words in SPANS:
            count: int = getattr(kind, field)
            share = count / kind.people if kind.people else 0.0
            ui.label(f"{share:.0%} seen within {words}").classes("text-sm")
            ui.linear_progress(value=share, show_value=False, size="8px").props(
                f'rounded instant-feedback aria-label="seen within {words}"'
            )


def _platform(platform: RefreshPlatformOut) -> None:
    with (
        ui.card()
        .classes("w-full gap-1 p-4")
        .props(f"flat bordered data-platform={platform.platform}")
    ):
        ui.label(f"{platform.platform}: {platform.people:,} people").classes("font-semibold")
        spent = platform.requests / platform.budget
        ui.label(
            f"Last run {ago(platform.ran_at)}: {platform.requests:,} of {platform.budget:,}"
            f" requests for {platform.looked_at:,} people"
        ).classes("text-sm")
        ui.linear_progress(value=min(1.0, spent), show_value=False, size="8px").props(
            'rounded instant-feedback aria-label="budget spent"'
        )
        if platform.failed_batches:
            ui.label(f"{platform.failed_batches:,} batches failed").classes("text-sm text-negative")
        ui.label(
            f"Next look {ago(platform.next_due)}; people change about every"
            f" {platform.changes_every_days:,.0f} days; nobody waits much longer than"
            f" {platform.longest_days:,.0f} days"
        ).classes("omni-muted text-sm")


def draw_person(person: PersonOut) -> None:
    """Say how current what we know of a person is, with their pictures."""
    with ui.row().classes("w-full items-center gap-3").props("data-person"):
        for image in person.images:
            draw_picture(image.sha256, "64px")
        words = f"Last seen {ago(person.last_seen)}"
        if person.gone:
            words += "; no longer shown by the platform"
        if person.changes_every_days is not None:
            words += f"; changes about every {person.changes_every_days:,.0f} days"
        if person.refresh_at is not None:
            words += f"; next look {ago(person.refresh_at)}"
        ui.label(words).classes("omni-muted text-sm")


def draw_picture(sha256: str, size: str) -> None:
    """Draw a picture that Omni holds."""
    style = f"width:{size};height:{size};object-fit:cover;border-radius:50%;flex:none"
    ui.element("img").props(f'src="/images/{sha256}" alt="" loading=lazy').style(style)

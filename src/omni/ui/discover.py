"""The dialog that starts a crawl: where to begin, and within which bounds."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import CampaignOut, CrawlConfigIn, PlatformOut
from omni.ui.layout import attempt

MOST = 200
"""How many people the dialog suggests to look at."""

BOUNDS = {
    "max_profiles": "At most this many people",
    "max_depth": "Levels of followers",
    "max_breadth": "Followers of each person",
    "max_pages": "Pages of people",
    "max_bytes": "Bytes read",
    "max_seconds": "Seconds",
}
"""The bounds of a crawl and what the dialog calls them; the first one is always shown."""


class DiscoverForm:
    """A dialog that asks where to begin to look for people."""

    def __init__(
        self, client: OmniClient, campaign: CampaignOut, platforms: list[PlatformOut]
    ) -> None:
        self._client = client
        self._campaign = campaign
        self._types = {platform.platform: platform.seed_types for platform in platforms}
        self._seeds = {
            (platform.platform, seed.name): seed
            for platform in platforms
            for seed in platform.seeds
        }
        with ui.dialog() as self._dialog, ui.card().classes("gap-3 w-full") as card:
            card.style("max-width:28rem")
            ui.label("Discover people").classes("text-xl font-semibold")
            first = next(iter(self._types), None)
            self._platform = ui.select(
                list(self._types), label="Platform", value=first, on_change=self._choose
            ).classes("w-full")
            self._seed = ui.select([], label="Begin with", on_change=self._explain).classes(
                "w-full"
            )
            self._about = ui.label().classes("omni-muted text-sm").props("data-about")
            # Stacked, so that the example shows before the field is entered.
            self._value = ui.input("Whom, or which words").classes("w-full").props("stack-label")
            first_bound, *others = BOUNDS
            self._bounds = {first_bound: _bound(first_bound, MOST)}
            with ui.expansion("More bounds").classes("w-full").props("dense"):
                self._bounds |= {name: _bound(name) for name in others}
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")
                ui.button("Start", on_click=self._start).props("unelevated no-caps")
        self._choose()

    def open(self) -> None:
        """Show the dialog."""
        self._dialog.open()

    def _choose(self) -> None:
        types = self._types.get(str(self._platform.value), [])
        self._seed.set_options(  # pyright: ignore[reportUnknownMemberType]
            types, value="search" if "search" in types else next(iter(types), None)
        )
        self._explain()

    def _explain(self) -> None:
        """Say whom the chosen kind of seed leads to, and show a value that one could write."""
        seed = self._seeds.get((str(self._platform.value), str(self._seed.value)))
        self._about.set_text(seed.about if seed else "")
        self._value.props["placeholder"] = seed.example if seed else ""
        self._value.update()

    async def _start(self) -> None:
        job = await attempt(
            self._client.discover(
                self._campaign.id,
                platform=str(self._platform.value or ""),
                seed_type=str(self._seed.value or ""),
                seed_value=str(self._value.value or ""),
                crawl_config={
                    name: int(number.value)
                    for name, number in self._bounds.items()
                    if number.value is not None
                },
            ),
            "Discovering: see Jobs",
        )
        if job is not None:
            self._dialog.close()


def _bound(name: str, value: int | None = None) -> ui.number:
    """Draw the field of a bound, which starts at its usual value and knows its limits."""
    field = CrawlConfigIn.model_fields[name]
    limits = {
        side: getattr(rule, side)
        for rule in field.metadata
        for side in ("ge", "le")
        if hasattr(rule, side)
    }
    number = ui.number(
        BOUNDS[name],
        value=field.default if value is None else value,
        min=limits.get("ge"),
        max=limits.get("le"),
        precision=0,
    ).classes("w-full")
    with number:
        ui.tooltip(field.description or "")
    return number

"""The hosts that Omni asks: how each one does, and when it is asked again."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import HostOut
from omni.ui.layout import ago, attempt, chip, nothing

REFRESH_S = 5.0


class HostsPage:
    """A list of hosts, those in trouble first, that keeps itself up to date."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the list."""
        ui.label("Hosts").classes("text-2xl font-semibold")
        ui.label(
            "The servers of platforms that are asked, and the proxies on the way there. One that is"
            " strained gets fewer requests, one that fails rests."
        ).classes("omni-muted")
        await self._rows()
        ui.timer(REFRESH_S, self._rows.refresh)

    @ui.refreshable_method
    async def _rows(self) -> None:
        hosts = await attempt(self._client.hosts())
        if hosts is None:
            return
        if not hosts:
            nothing("No host has been asked lately. Discover in a campaign asks some.")
        for host in hosts:
            _row(host)


def _row(host: HostOut) -> None:
    with ui.card().classes("w-full gap-1 p-3").props("flat bordered"):
        with ui.row().classes("w-full items-center gap-3"):
            chip(host.state.replace("_", " "))
            name = f"proxy {host.host}" if host.is_proxy else host.host
            ui.label(name).classes("font-medium omni-text")
            ui.space()
            ui.label(_next_try(host)).classes("omni-muted text-sm")
        ui.label(" · ".join(_words(host))).classes("text-sm omni-text")
        if host.errors:
            told = (f"{kind} {count:,}" for kind, count in sorted(host.errors.items()))
            ui.label(f"failures: {', '.join(told)}").classes("text-negative text-sm omni-text")
        ui.label(f"{host.process}, {ago(host.reported_at)}").classes("omni-muted text-sm omni-text")


def _words(host: HostOut) -> list[str]:
    if host.is_proxy:
        return [f"{host.requests:,} requests", f"{host.in_flight} of {host.concurrency} places"]
    rate = f"{host.rate:.1f} answers a second"
    if host.rate_limit is not None:
        rate += f", at most {host.rate_limit:.1f}"
    words = [f"{host.requests:,} requests", rate, f"{host.in_flight} of {host.concurrency} places"]
    if host.waiting:
        words.append(f"{host.waiting} wait")
    if host.p50_ms is not None and host.p95_ms is not None:
        words.append(f"{host.p50_ms:.0f} ms, 95% within {host.p95_ms:.0f} ms")
    if host.limited:
        words.append(f'"too many" {host.limited:,} times')
    words.append(f"{host.bytes_in / 1_000_000:.1f} MB")
    return words


def _next_try(host: HostOut) -> str:
    return "may be asked" if host.next_try_at is None else f"asked again {ago(host.next_try_at)}"

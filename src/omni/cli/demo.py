"""`omni demo`: the whole product on the synthetic network, and a script that shows what it does."""

from __future__ import annotations

from omni.base.settings import Settings
from omni.cli.lifetime import Signals, first_of
from omni.cli.render import console
from omni.cli.script import Script
from omni.cli.stage import Stage
from omni.cli.up import Product, running_product
from omni.client.client import OmniClient


async def run_demo(settings: Settings, signals: Signals, *, leave: bool) -> None:
    """Start Omni, play the script, and stay until Ctrl-C, or leave.

    Raises:
        Rejected, Fatal: As `running_product` does, and when a step of the script fails.
    """
    stage = Stage(console())
    stage.heading("Omni demo: made-up people, everything on this machine")
    async with running_product(settings, signals, stage.say) as product:
        await first_of(
            _show(product, stage, signals, leave=leave),
            signals.stop.wait(),
            product.supervisor.until_broken(),
        )


async def _show(product: Product, stage: Stage, signals: Signals, *, leave: bool) -> None:
    settings = product.settings
    key = settings.api_key.get_secret_value() if settings.api_key else None
    async with OmniClient(settings.api_url, api_key=key) as client:
        campaign = await Script(client, stage).play()
    if not leave:
        stage.heading(f"Look around: {product.ui_url}/campaigns/{campaign.id}")
        stage.note(f"the API: {settings.api_url}/docs    Ctrl-C stops everything; the data stay")
        await signals.stop.wait()

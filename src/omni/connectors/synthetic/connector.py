"""The synthetic network as a connector."""

from __future__ import annotations

from omni.connectors.connector import Connector
from omni.connectors.synthetic.inbox import SyntheticInbox
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.synthetic.source import SyntheticSource
from omni.connectors.synthetic.wire import PLATFORM
from omni.connectors.types import SeedType

SYNTHETIC = Connector(
    PLATFORM,
    base_urls=lambda settings: (settings.synthetic_base_url,),
    source=lambda http, settings: SyntheticSource(http, settings.synthetic_base_url),
    sender=lambda http, settings: SyntheticSender(http, settings.synthetic_base_url),
    inbox=lambda http, settings: SyntheticInbox(http, settings.synthetic_base_url),
    seeds=(
        SeedType("search", "People whose profile has these words.", "climate"),
        SeedType("hashtag", "People who write with this hashtag.", "#sourdough"),
        SeedType("followers", "People who follow this one, by id or username.", "syn:3"),
        SeedType("follows", "People whom this one follows, by id or username.", "syn:3"),
        SeedType("actor", "One person, by id or username.", "syn:3"),
    ),
)

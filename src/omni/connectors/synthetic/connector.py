"""The synthetic network as a connector."""

from __future__ import annotations

from omni.connectors.connector import Connector
from omni.connectors.synthetic.inbox import SyntheticInbox
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.synthetic.source import SyntheticSource
from omni.connectors.synthetic.wire import PLATFORM

SYNTHETIC = Connector(
    PLATFORM,
    base_urls=lambda settings: (settings.synthetic_base_url,),
    source=lambda http, settings: SyntheticSource(http, settings.synthetic_base_url),
    sender=lambda http, settings: SyntheticSender(http, settings.synthetic_base_url),
    inbox=lambda http, settings: SyntheticInbox(http, settings.synthetic_base_url),
)

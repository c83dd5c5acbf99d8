"""The typed client of the HTTP API: what the web UI, the command line and users' scripts share."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from omni.client.accounts import AccountCalls
from omni.client.campaigns import CampaignCalls
from omni.client.drafting import DraftingCalls
from omni.client.handed import HandedCalls
from omni.client.imports import ImportCalls
from omni.client.inbox import InboxCalls
from omni.client.judge import JudgeCalls
from omni.client.keys import KeyCalls
from omni.client.lead_files import LeadFileCalls
from omni.client.operations import OperationCalls
from omni.client.people import PeopleCalls
from omni.client.persons import PersonCalls
from omni.client.suppressions import SuppressionCalls
from omni.client.transport import ApiProblem, ApiUnreachable, Transport
from omni.client.webhooks import WebhookCalls

__all__ = ["ApiProblem", "ApiUnreachable", "OmniClient"]


class OmniClient(
    AccountCalls,
    CampaignCalls,
    DraftingCalls,
    HandedCalls,
    ImportCalls,
    InboxCalls,
    JudgeCalls,
    KeyCalls,
    LeadFileCalls,
    PeopleCalls,
    PersonCalls,
    SuppressionCalls,
    WebhookCalls,
    OperationCalls,
):
    """Talks to one API (or to the crawler service, for the `crawl` methods).

    Use it as an asynchronous context manager, or call `close()`. Every method raises `ApiProblem`
    where the API refuses, and `ApiUnreachable` where it does not answer. Writes take an
    `idempotency_key`: sending the same again with the same key within 24 hours has no second
    effect.

    Args:
        base_url: Such as `http://127.0.0.1:8400`.
        api_key: Needed where the API is not on this machine; shown, it counts everywhere.
        timeout_s: The most seconds that one request may take.
    """

    def __init__(
        self, base_url: str, *, api_key: str | None = None, timeout_s: float = 30.0
    ) -> None:
        super().__init__(Transport(base_url, api_key=api_key, timeout_s=timeout_s))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

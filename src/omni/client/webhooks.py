"""Calls about webhooks: outgoing ones, and those by which events are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from omni.api.schemas import Page
from omni.api.schemas.inbox import WebhookSourceMade
from omni.api.schemas.webhooks import DeliveryOut, EndpointMade, EndpointOut, Replayed
from omni.client.calls import Calls, given


class WebhookCalls(Calls):
    """Endpoints of outgoing webhooks, and sources of events."""

    async def add_webhook_endpoint(
        self,
        url: str,
        kinds: Sequence[str] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> EndpointMade:
        """Tell an address what happens; the first answer alone has the secret."""
        body = given(url=url, kinds=None if kinds is None else list(kinds))
        path = "/webhook-endpoints"
        return await self._send(EndpointMade, "POST", path, body, idempotency_key)

    async def webhook_endpoints(self) -> list[EndpointOut]:
        """Return all endpoints."""
        return (await self._get(Page[EndpointOut], "/webhook-endpoints")).items

    async def remove_webhook_endpoint(self, endpoint_id: int) -> None:
        """Tell an endpoint nothing any more."""
        await self._transport.send("DELETE", f"/webhook-endpoints/{endpoint_id}")

    async def enable_webhook_endpoint(
        self, endpoint_id: int, *, idempotency_key: str | None = None
    ) -> EndpointOut:
        """Send to a disabled endpoint again."""
        path = f"/webhook-endpoints/{endpoint_id}/enable"
        return await self._send(EndpointOut, "POST", path, None, idempotency_key)

    async def replay_webhooks(
        self,
        endpoint_id: int,
        *,
        since: datetime,
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Replayed:
        """Tell an endpoint again what happened in a stretch of time."""
        body = given(since=since.isoformat(), until=None if until is None else until.isoformat())
        path = f"/webhook-endpoints/{endpoint_id}/replay"
        return await self._send(Replayed, "POST", path, body, idempotency_key)

    async def webhook_deliveries(
        self, endpoint_id: int, *, state: str | None = None, limit: int = 50
    ) -> list[DeliveryOut]:
        """Return what became of an endpoint's calls, the newest events first."""
        path = f"/webhook-endpoints/{endpoint_id}/deliveries"
        found = await self._get(Page[DeliveryOut], path, {"state": state, "limit": limit})
        return found.items

    async def create_webhook_source(
        self, name: str, account_id: int, *, idempotency_key: str | None = None
    ) -> WebhookSourceMade:
        """Let a sender hand in events for an account; the first answer alone has the secret.

        Args:
            name: Stands in the address `/webhooks/NAME` that it calls.
            account_id: Whose conversations the events belong to.
        """
        body = given(name=name, account_id=account_id)
        path = "/webhook-sources"
        return await self._send(WebhookSourceMade, "POST", path, body, idempotency_key)

    async def delete_webhook_source(self, name: str) -> None:
        """Take nothing more from a source; what it told stays."""
        await self._transport.send("DELETE", f"/webhook-sources/{quote(name, safe='')}")

"""Calls about accounts: their limits, how they are doing, and why nothing is sent."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from omni.api.schemas import AccountNow, AccountOut, CampaignHeld, Page
from omni.client.calls import Calls, given


class PacingParams(TypedDict, total=False):
    """Limits of an account, as `AccountIn` explains them."""

    hourly_limit: int
    daily_limit: int
    weekly_limit: int | None
    gap_s: int
    jitter_s: int
    warmup_from: datetime | None
    warmup_first: int
    warmup_days: int
    zone: str
    quiet_from: str
    quiet_to: str
    quiet_days: list[int]


class AccountCalls(Calls):
    """Accounts that messages are sent from."""

    async def create_account(
        self,
        *,
        platform: str,
        handle: str,
        secret: str | None = None,
        idempotency_key: str | None = None,
        **pacing: Unpack[PacingParams],
    ) -> AccountOut:
        """Verify an identity at its platform, and add it."""
        body = given(platform=platform, handle=handle, secret=secret) | _json(pacing)
        return await self._send(AccountOut, "POST", "/accounts", body, idempotency_key)

    async def list_accounts(self) -> list[AccountOut]:
        """Return all accounts."""
        return (await self._get(Page[AccountOut], "/accounts")).items

    async def account(self, account_id: int) -> AccountNow:
        """Return an account, what it may do now, and how it has been doing."""
        return await self._get(AccountNow, f"/accounts/{account_id}")

    async def update_account(self, account_id: int, **pacing: Unpack[PacingParams]) -> AccountOut:
        """Change the limits that are given."""
        return await self._send(AccountOut, "PATCH", f"/accounts/{account_id}", _json(pacing))

    async def renew_secret(self, account_id: int, secret: str) -> AccountOut:
        """Verify a new token or password, and keep it."""
        path = f"/accounts/{account_id}/secret"
        return await self._send(AccountOut, "PUT", path, {"secret": secret})

    async def verify_account(
        self, account_id: int, *, idempotency_key: str | None = None
    ) -> AccountOut:
        """Ask the platform whether it still knows the account."""
        path = f"/accounts/{account_id}/verify"
        return await self._send(AccountOut, "POST", path, None, idempotency_key)

    async def pause_account(
        self, account_id: int, *, reason: str | None = None, idempotency_key: str | None = None
    ) -> AccountOut:
        """Send nothing from an account until it is resumed."""
        path = f"/accounts/{account_id}/pause"
        return await self._send(AccountOut, "POST", path, given(reason=reason), idempotency_key)

    async def resume_account(
        self, account_id: int, *, idempotency_key: str | None = None
    ) -> AccountOut:
        """Send from an account again."""
        path = f"/accounts/{account_id}/resume"
        return await self._send(AccountOut, "POST", path, None, idempotency_key)

    async def held(self, campaign_id: int) -> CampaignHeld:
        """Return why nothing is sent: each gate that holds messages, and when it opens."""
        return await self._get(CampaignHeld, f"/campaigns/{campaign_id}/held")


def _json(pacing: PacingParams) -> dict[str, object]:
    """Return the limits as JSON has them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in pacing.items()
    }

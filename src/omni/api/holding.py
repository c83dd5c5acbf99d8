"""Why nothing is sent: what the gates say of a campaign and of an account at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.api.schemas import AccountNow, AccountOut, CampaignHeld, HeldOut, MessageOut
from omni.api.schemas.accounts import TriesOut
from omni.campaigns import store as campaigns
from omni.dispatch import accounts_store, drafts_store, forecast_store, held_store, pacing_store
from omni.dispatch import plan as gates
from omni.dispatch.types import Account, Message
from omni.storage.db import Executor


async def account_now(db: Executor, account: Account, now: datetime) -> AccountNow:
    """Return what an account may do now, and how it has been doing."""
    slot = gates.account_slot(account, await pacing_store.slot(db, account, now))
    uses = await pacing_store.uses(db, account, now)
    tries = await accounts_store.tries_of(db, account, now)
    return AccountNow(
        account=AccountOut.model_validate(account),
        gate=slot.gate,
        next_at=slot.at if slot.gate is not None else None,
        help=gates.help_with(slot.gate) if slot.gate is not None else None,
        in_hour=uses.in_hour,
        in_day=uses.in_day,
        in_week=uses.in_week,
        daily_cap=uses.daily_cap,
        tries=TriesOut.model_validate(tries),
    )


async def shown_now(
    db: Executor, messages: Sequence[Message], platforms: frozenset[str], now: datetime
) -> list[MessageOut]:
    """Return messages, each that waits with the gate that holds it now, and when that opens."""
    due = {m.platform for m in messages if m.state == "approved"}
    accounts = (
        [a for a in await accounts_store.list_accounts(db) if a.platform in due] if due else []
    )
    senders = [
        gates.Sender(each, gates.account_slot(each, await pacing_store.slot(db, each, now)))
        for each in accounts[: held_store.MAX_ASKED]
    ]
    active = {
        each: (await campaigns.get(db, each)).status == "active"
        for each in {m.campaign_id for m in messages if m.state == "approved"}
    }
    shown: list[MessageOut] = []
    for each in messages:
        out = MessageOut.model_validate(each)
        why = gates.why_one(
            each, senders, platforms, campaign_active=active.get(each.campaign_id, True), now=now
        )
        if why is not None:
            out = out.model_copy(update={"held_by": str(why[0]), "next_eligible": why[1]})
        shown.append(out)
    return shown


async def campaign_held(
    db: Executor, campaign_id: int, platforms: frozenset[str], now: datetime
) -> CampaignHeld:
    """Return what holds each of a campaign's messages that wait.

    Raises:
        NotFound: There is no such campaign.
    """
    campaign = await campaigns.get(db, campaign_id)
    waiting = await held_store.count_waiting(db, campaign_id, now)
    concerned = {each.platform for each in waiting}
    accounts = [a for a in await accounts_store.list_accounts(db) if a.platform in concerned]
    slots = {
        account.id: gates.account_slot(account, await pacing_store.slot(db, account, now))
        for account in accounts[: held_store.MAX_ASKED]
    }
    held = gates.why_held(
        waiting,
        [gates.Sender(account, slots[account.id]) for account in accounts if account.id in slots],
        platforms,
        campaign_active=campaign.status == "active",
        now=now,
    )
    due = {each.platform: 0 for each in waiting if each.state == "approved" and each.due}
    finish = None
    if due:
        _, finish = await forecast_store.finish_of(db, accounts, due, now=now)
    return CampaignHeld(
        campaign_id=campaign_id,
        items=[
            HeldOut(
                platform=each.platform,
                gate=each.gate,
                messages=each.messages,
                account_id=each.account_id,
                next_eligible=each.next_eligible,
                help=gates.help_with(each.gate),
            )
            for each in held
        ],
        due=sum(each.messages for each in waiting if each.state == "approved" and each.due),
        finish=finish,
        in_conversation=await drafts_store.count_in_conversation(
            db,
            campaign_id,
            open_states=gates.OPEN_STATES,
            conversation_since=now - gates.CONVERSATION,
        ),
    )

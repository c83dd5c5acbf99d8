"""Which text a template makes for a person: decided from values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from omni.campaigns.types import Campaign
from omni.dispatch.drafting_types import Draft as Draft
from omni.dispatch.drafting_types import Recipient as Recipient
from omni.dispatch.drafting_types import Undrafted as Undrafted
from omni.dispatch.rules import body_hash
from omni.dispatch.template import MessageTemplate as MessageTemplate
from omni.dispatch.template import Unrenderable, reads
from omni.dispatch.types import StandstillKind
from omni.dispatch.writing import writers as writers
from omni.qualification.types import LastCall, Spent

TOO_LATE: Final = timedelta(days=30)
"""A follow-up that was due so long ago is not written any more."""

PURPOSES: Final = ("draft", "redraft")
"""What calls that write are made for, in the ledger of calls."""
MAX_ERROR: Final = 200

FIRST_STATES: Final = ("new", "accepted")
LATER_STATES: Final = ("new", "accepted", "contacted")
"""States of a lead that may get a first message, and one that follows."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """Why nobody is drafted for at this moment.

    Attributes:
        words: What is the matter, for a person.
        help: What a person can do about it.
        since: When it was noticed; None where it is so by a setting.
    """

    kind: StandstillKind
    words: str
    help: str
    since: datetime | None = None


def states_for(step: int) -> tuple[str, ...]:
    """Return which states a lead may be in to get a draft of this step."""
    return LATER_STATES if step else FIRST_STATES


def values_of(campaign: Campaign, person: Recipient) -> Mapping[str, str | None]:
    """Return what a template may say of a person; None is unknown."""
    return {
        "name": person.name,
        "username": person.username,
        "platform": person.platform,
        "reason": person.reason,
        "campaign": campaign.name,
    }


def from_template(
    template: MessageTemplate, campaign: Campaign, person: Recipient
) -> Draft | Undrafted:
    """Return the text for one person, or why there is none."""
    try:
        body = template.render(person.platform, values_of(campaign, person))
    except Unrenderable as error:
        return Undrafted(person, str(error))
    return Draft(person, body, body_hash(person.platform, person.platform_id, body))


def rewritten(before: Campaign, after: Campaign) -> str:
    """Return what was changed of all that its drafts are made of, in words; empty: nothing was.

    The brief and the name concern only whom they are shown to: a model, or a template that says
    the campaign's name.
    """
    templates = [each.template for each in after.follow_ups] + [after.message_template]
    by_model = after.writer == "model"
    said = by_model or any(reads(template, "campaign") for template in templates)
    changed = {
        "the first message": before.message_template != after.message_template,
        "the follow-ups": before.follow_ups != after.follow_ups,
        "who writes": before.writer != after.writer,
        "the brief that the model reads": by_model and before.brief != after.brief,
        "the campaign's name, which the messages say": said and before.name != after.name,
    }
    return _listed([what for what, so in changed.items() if so])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def why_nothing(campaign: Campaign, step: int, *, has_model: bool) -> str:
    """Return why a step cannot be drafted at all, in words; empty where it can."""
    found = _by_setting(campaign, step, has_model=has_model)
    return found.words if found else ""


def standstill(
    campaign: Campaign,
    models: Sequence[str],
    calls: Sequence[LastCall],
    spent: Spent,
    *,
    price_micros: int = 0,
) -> Standstill | None:
    """Return why no first message is drafted now, or None.

    Args:
        campaign: Whose messages.
        models: Those that can write, in the order of preference.
        calls: How the newest call of each that was asked to write for the campaign ended.
        spent: What the campaign has used up of the day's budget.
        price_micros: About what one more call costs.
    """
    set_so = _by_setting(campaign, 0, has_model=bool(models))
    if set_so or campaign.writer != "model":
        return set_so
    if _is_spent(campaign, spent, price_micros):
        return Standstill(
            "budget",
            "the campaign's budget of the day for calls of models is spent",
            "Nothing: drafting goes on with the next day (UTC). Or raise the campaign's limits.",
        )
    if not calls or any(call.answered for call in calls):
        return None
    errors = "; ".join(f"{call.model}: {(call.error or '')[:MAX_ERROR]}" for call in calls)
    return Standstill(
        "model down",
        f"no model answers ({errors})",
        "Mend the model, or name another one in OMNI_JUDGE_FALLBACK; the page Judges shows how"
        " each does. Drafting asks again by itself.",
        min(call.ended_at for call in calls),
    )


def _by_setting(campaign: Campaign, step: int, *, has_model: bool) -> Standstill | None:
    if campaign.status != "active":
        return Standstill("campaign", f"the campaign is {campaign.status}", "Make it active.")
    if not campaign.template_of(step).strip():
        words = "the campaign has no message template"
        return Standstill("template", words, "Write one under “What is written”.")
    if campaign.writer == "model" and not has_model:
        words = "there is no model to write with (OMNI_JUDGE)"
        return Standstill("no model", words, "Turn a model on, or let the template write.")
    return None


def _is_spent(campaign: Campaign, spent: Spent, price_micros: int) -> bool:
    calls, cost = campaign.daily_call_limit, campaign.daily_cost_limit_micros
    return (calls is not None and spent.calls >= calls) or (
        cost is not None and spent.cost_micros + max(1, price_micros) > cost
    )

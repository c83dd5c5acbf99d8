"""Which text a template makes for a person: decided from values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from omni.campaigns.types import Campaign
from omni.dispatch.drafting_types import Draft as Draft
from omni.dispatch.drafting_types import Recipient as Recipient
from omni.dispatch.drafting_types import Undrafted as Undrafted
from omni.dispatch.rules import body_hash
from omni.dispatch.template import MessageTemplate as MessageTemplate
from omni.dispatch.template import Unrenderable, reads
from omni.dispatch.writing import writers as writers

TOO_LATE: Final = timedelta(days=30)
"""A follow-up that was due so long ago is not written any more."""

FIRST_STATES: Final = ("new", "accepted")
LATER_STATES: Final = ("new", "accepted", "contacted")
"""States of a lead that may get a first message, and one that follows."""


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
    if campaign.status != "active":
        return f"the campaign is {campaign.status}"
    if not campaign.template_of(step).strip():
        return "the campaign has no message template"
    if campaign.writer == "model" and not has_model:
        return "there is no model to write with (OMNI_JUDGE)"
    return ""

"""What a template makes of a lead, and why it makes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from omni.campaigns.types import Campaign, FollowUp
from omni.dispatch.drafting_plan import from_template, rewritten, why_nothing
from omni.dispatch.drafting_types import Draft, Undrafted
from omni.dispatch.rows import recipient_from
from omni.dispatch.rules import body_hash
from omni.dispatch.template import MessageTemplate
from omni.profiles.types import DEFAULT_WEIGHTS
from omni.qualification.types import Reason

ROW = {
    "lead_id": 1, "profile_id": 2, "platform": "synthetic", "platform_id": "p1",
    "username": "ann", "display_name": " \0 ", "score": 0.9,
    "reasons": [{"criterion": "a", "evidence": " "}, {"criterion": "b"},
                {"criterion": "c", "evidence": "climbs\n often"}],
}  # fmt: skip
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CAMPAIGN = Campaign(
    id=1, name="Climbers", brief="", criteria={}, criteria_hash="", status="active", threshold=0.5,
    shortlist_size=10, message_template="Hi", weights=DEFAULT_WEIGHTS, weights_version=0,
    created_at=NOW, updated_at=NOW,
)  # fmt: skip


def test_a_draft_quotes_the_best_evidence_and_needs_every_value() -> None:
    ann, bob = recipient_from(ROW), recipient_from(ROW | {"reasons": []})
    assert ann.reasons == (Reason("c", "climbs often"),)
    template = MessageTemplate("Hi {{ name }}: {{ reason }}")
    draft = from_template(template, CAMPAIGN, ann)
    assert isinstance(draft, Draft)
    assert draft.body == "Hi ann: climbs often"
    assert draft.body_hash == body_hash("synthetic", "p1", "Hi ann: climbs often")
    assert isinstance(from_template(template, CAMPAIGN, bob), Undrafted)


def test_a_step_without_a_text_a_model_or_a_running_campaign_is_not_drafted() -> None:
    running = replace(CAMPAIGN, follow_ups=(FollowUp(24, "Still there?"),))
    assert [why_nothing(running, step, has_model=False) for step in (0, 1)] == ["", ""]
    assert "template" in why_nothing(running, 2, has_model=True)
    assert "paused" in why_nothing(replace(running, status="paused"), 0, has_model=True)
    assert "OMNI_JUDGE" in why_nothing(replace(running, writer="model"), 0, has_model=False)
    assert why_nothing(replace(running, writer="model"), 1, has_model=True) == ""


def test_what_changes_the_text_is_told_from_what_does_not() -> None:
    by_model = replace(CAMPAIGN, writer="model")
    steps = (FollowUp(24, "Still there?"),)
    for before, after, words in (
        (CAMPAIGN, replace(CAMPAIGN, message_template="Hello"), "the first message"),
        (CAMPAIGN, replace(CAMPAIGN, follow_ups=steps), "the follow-ups"),
        (CAMPAIGN, replace(by_model, message_template="x"), "the first message and who writes"),
        (by_model, replace(by_model, brief="Sell"), "the brief that the model reads"),
        (by_model, replace(by_model, name="Other"), "the campaign's name, which the messages say"),
    ):
        assert rewritten(before, after) == words
    for change in ({"brief": "Sell"}, {"name": "Other"}, {"threshold": 0.9}, {"status": "paused"}):
        assert rewritten(CAMPAIGN, replace(CAMPAIGN, **change)) == ""
    naming = replace(CAMPAIGN, message_template="Hi from {{ campaign | upper }}")
    assert "name" in rewritten(naming, replace(naming, name="Other"))
    later = replace(CAMPAIGN, follow_ups=(FollowUp(1, "{% if campaign %}x{% endif %}"),))
    assert "name" in rewritten(later, replace(later, name="Other"))

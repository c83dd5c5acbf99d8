"""Every table, and every column of it, by what it holds of a person and what an erasure does to it.

A test holds this against the schema: a new table or column fails until it has its place here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Treatment = Literal["removed", "blanked", "searched", "told", "nothing", "hash"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a table holds of a person.

    Attributes:
        treatment: What an erasure does. `removed`: the person's rows are deleted. `blanked`: the
            rows stay, without `personal`. `searched`: rows are found by the person's names, and are
            removed or lose these. `told`: others' words, in which the person may be named; the
            receipt counts them. `hash`: what stays. `nothing`: it holds nothing of a person.
        personal: Columns that hold something of a person, or may.
        other: Columns that hold nothing of a person; a number of ours, such as a profile_id, is
            among them where it leads nowhere once the profile is gone.
    """

    treatment: Treatment
    personal: frozenset[str]
    other: frozenset[str]


def _kept(treatment: Treatment, personal: str, other: str = "") -> Kept:
    return Kept(treatment, frozenset(personal.split()), frozenset(other.split()))


INVENTORY: Mapping[str, Kept] = {
    # What a person is known by, and what was made of it.
    "profiles_raw": _kept(
        "removed",
        "profile_id platform platform_id username payload content_hash first_seen last_seen "
        "looked_at missed_at gone_since",
    ),
    "profile_features": _kept(
        "removed",
        "profile_id platform username display_name bio language country followers follows posts "
        "posts_per_week engagement account_created_at last_post_at has_avatar is_bot "
        "accepts_messages hashtags keywords domains signals search view view_hash version_hash "
        "updated_at place enrich_version",
    ),
    "discoveries": _kept("removed", "profile_id campaign_id found_at", "job_id"),
    "images": _kept(
        "removed",
        "profile_id position url sha256 content_type bytes fetched_at etag last_modified",
    ),
    # Objects that nobody shows any more are given up with the rows of `images`, bytes and all.
    "image_objects": _kept("removed", "sha256", "copy content_type bytes stored used_at doomed_at"),
    "refreshes": _kept(
        "removed",
        "profile_id platform interest pace changes changed_s still_s looked_at seen_hash "
        "refresh_at",
    ),
    # What campaigns, judges and people made of them.
    "campaign_candidates": _kept(
        "removed",
        "profile_id campaign_id username candidate_score_cheap updated_at judged_epoch",
    ),
    "llm_scores": _kept(
        "removed",
        "id campaign_id profile_id username profile_hash criteria_hash model prompt_version "
        "outcome qualified score confidence reasons raw error latency_ms created_at carried_from",
    ),
    "llm_recordings": _kept(
        "removed",
        "id key answer_hash campaign_id profile_id profile_hash criteria_hash prompt_version model "
        "system_hash asked answered recorded_at",
    ),
    "llm_texts": _kept("removed", "body", "hash"),  # with the last recording that refers to it
    "llm_choices": _kept(
        "removed", "profile_id cheap_score explored propensity", "job_id campaign_id created_at"
    ),
    "llm_flights": _kept(
        "removed",
        "profile_id profile_hash",
        "campaign_id criteria_hash model prompt_version holder until",
    ),
    "llm_calls": _kept(
        "blanked",
        "profile_id recording_key error",
        "id purpose campaign_id job_id model day outcome prompt_tokens answer_tokens cost_micros "
        "latency_ms created_at ended_at",
    ),
    "judge_disagreements": _kept(
        "removed",
        "id profile_id username left_said right_said fits settled_at",
        "comparison_id campaign_id",
    ),
    "leads": _kept(
        "removed",
        "id campaign_id profile_id platform platform_id username display_name score_id score "
        "confidence reasons state decided_at created_at updated_at later_score_id later_score "
        "later_qualified",
    ),
    "lead_changes": _kept(
        "removed", "id lead_id cause old_state new_state old_score new_score changed_at"
    ),
    "suppressions": _kept(
        "removed", "id platform platform_id spelling_of reason source created_at scope"
    ),
    "suppression_lifts": _kept(
        "removed",
        "id platform platform_id reason source suppressed_at lifted_because lifted_at",
    ),
    # What was written to them, and what came back.
    "messages": _kept(
        "blanked",
        "lead_id profile_id platform_id username body body_hash approved_hash held_by "
        "platform_message_id error claims",
        "id campaign_id platform step state eligible_at account_id created_at approved_at "
        "claimed_at sending_at sent_at charged_at updated_at writer approved_by edited_at "
        "looks look_at bound_account_id delivered_at bounced_at blocked_at opted_out_at answers "
        "answered_at handed_at",
    ),
    "correspondents": _kept("removed", "platform platform_id since"),
    "feedback_events": _kept(
        "removed",
        "id source event_id kind campaign_id lead_id profile_id message_id platform platform_id "
        "body occurred_at created_at account_id classed_by",
    ),
    "feedback_classes": _kept(
        "removed", "id event_id old_kind new_kind classed_by note changed_at"
    ),
    "threads": _kept(
        "removed",
        "id platform platform_id account_id username campaign_id lead_id profile_id kind "
        "last_event_id last_at unread",
    ),
    # What may name them.
    "jobs": _kept(
        "searched",
        "args progress result error",
        "id kind queue campaign_id state run_at delivery published_at attempts max_attempts worker "
        "lease_until cancel_requested created_at started_at finished_at",
    ),
    "crawl_steps": _kept("searched", "entry", "job_id position written_at"),
    "imports": _kept(
        "searched",
        "name",
        "id sha256 bytes shape mapping campaign_id job_id rows added changed unchanged left_alone "
        "skipped problems created_at finished_at",
    ),
    "import_problems": _kept("searched", "what mend", "import_id number row column_name lost"),
    "web_pages": _kept("searched", "url reading", "etag last_modified read_at"),
    "idempotency_keys": _kept(
        "searched", "response", "caller route key request_hash status created_at"
    ),
    "host_reports": _kept("searched", "hosts", "process reported_at"),
    "accounts": _kept(
        "searched",
        "pause_reason last_error",
        "id platform handle credentials hourly_limit daily_limit status created_at weekly_limit "
        "gap_s jitter_s warmup_from warmup_first warmup_days zone quiet_from quiet_to quiet_days "
        "platform_id verified_at paused_by paused_at resumed_at last_ok_at last_error_at "
        "handed_at",
    ),
    "campaigns": _kept(
        "told",
        "name brief criteria message_template follow_ups",
        "id criteria_hash status threshold shortlist_size created_at updated_at daily_call_limit "
        "daily_cost_limit_micros writer autopilot_cap autopilot_since autopilot_off_because "
        "autopilot_off_at judge_share",
    ),
    # What stays.
    "erased_people": _kept("hash", "hash", "erased_at"),
    "erasures": _kept(
        "hash",
        "hash target",
        "id state after_xid removed mentions waits_for job_id asked_at finished_at",
    ),
    # What holds nothing of a person.
    "erasure_salt": _kept("nothing", "", "one salt"),
    "api_keys": _kept(
        "nothing",
        "",
        "id name hint key_hash scopes created_at last_used_at expires_at revoked_at",
    ),
    "alembic_version": _kept("nothing", "", "version_num"),
    "campaign_weights": _kept(
        "nothing", "", "campaign_id version weights trained_on metrics created_at"
    ),
    "candidate_refreshes": _kept(
        "nothing", "", "campaign_id job_id criteria_hash weights_version upto updated_at"
    ),
    "inbox_cursors": _kept("nothing", "", "account_id cursor swept_at"),
    "judge_comparisons": _kept(
        "nothing", "", "id campaign_id left_model right_model sample report created_at job_id"
    ),
    "judge_attacks": _kept("nothing", "", "id job_id model prompt_version report created_at"),
    "llm_budgets": _kept("nothing", "", "campaign_id day calls cost_micros"),
    "llm_epochs": _kept(
        "nothing",
        "",
        "epoch campaign_id criteria_hash model prompt_version criteria created_at carried_at",
    ),
    "refresh_terms": _kept(
        "nothing",
        "",
        "platform price average longest_s cost budget people requests failed ran_at",
    ),
    "webhook_endpoints": _kept(
        "nothing",
        "",
        "id url kinds secret status disabled_because failing_since last_ok_at last_error "
        "created_at",
    ),
    "webhook_events": _kept("nothing", "", "id kind row_id occurred_at"),
    "webhook_deliveries": _kept(
        "nothing", "", "endpoint_id event_id state attempts next_at error ended_at"
    ),
    "webhook_sources": _kept(
        "nothing",
        "",
        "id name account_id secret created_at last_taken_at last_refused_at last_refusal",
    ),
    "webhook_intakes": _kept("nothing", "", "source_id delivery_id received_at"),
    "rounds": _kept("nothing", "", "name reached counting counted counted_at"),
}

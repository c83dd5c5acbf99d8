"""Examples for the description of the API, by the name of the model; a test holds them valid.

Models that have one beside their fields are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omni.api.schemas.requests import EXAMPLE_CAMPAIGN

_HASH = "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"
_JOB = "0199c1a2-7b1e-7c3a-9d55-3f0a4b6c8d11"
_AT = "2026-03-02T09:30:00Z"
_LATER = "2026-03-02T09:31:12Z"
_TEXT = "Hi Ada, your work on open source caught my eye."
_ADA = {"platform": "bluesky", "platform_id": "did:plc:ewvi7nxzyoun6zhxrhs64oiz"}
_ADA_IN_A_CAMPAIGN = {"campaign_id": 1, "profile_id": 42, **_ADA, "username": "ada.example"}

BODIES: Mapping[str, Mapping[str, Any]] = {
    "QualifyIn": {"limit": 20},
    "FeedbackIn": {"kind": "accepted"},
    "ApproveIn": {"body_hash": _HASH},
    "MessagePatch": {"body": _TEXT},
    "SettleIn": {"arrived": True},
    "ApproveManyIn": {"items": [{"id": 7, "body_hash": _HASH}]},
    "EditManyIn": {"items": [{"id": 7, "body": _TEXT}]},
    "RejectManyIn": {"ids": [7, 8]},
    "DraftsPreviewIn": {"limit": 3, "message_template": "Hi {{ name }}, {{ reason }}"},
    "WriteIn": {"limit": 3},
    "AutopilotIn": {"daily_cap": 10},
    "ImportPatch": {"columns": {"Full name": "display_name", "E-mail": "email"}, "header": True},
    "AccountPatch": {"hourly_limit": 5, "daily_limit": 20, "quiet_from": "20:00"},
    "SecretIn": {"secret": "abcd-efgh-ijkl-mnop"},
    "PauseIn": {"reason": "on holiday"},
    "SuppressionIn": {**_ADA, "reason": "asked by mail"},
    "LiftIn": {"because": "she wrote that she would like to hear from us again"},
    "ReplyIn": {"body": "Thank you! Would Tuesday suit you?"},
    "ClassIn": {"kind": "interested", "note": "asks for a date"},
    "WebhookSourceIn": {"name": "mailer", "account_id": 1},
    "DeliveryIn": {
        "events": [
            {
                "id": "msg-1042",
                "kind": "replied",
                "platform_id": "ada@example.org",
                "text": "Tell me more!",
                "occurred_at": _AT,
            }
        ]
    },
    "PersonRef": _ADA,
    "SettleDisagreementIn": {"fits": True},
    "EndpointIn": {"url": "https://crm.example.org/omni", "kinds": ["lead.qualified"]},
    "ReplayIn": {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"},
}

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "CampaignOut": {
        **EXAMPLE_CAMPAIGN,
        "id": 1,
        "criteria": {
            "all": [
                {"field": "followers", "op": "between", "value": [200, 50_000]},
                {"field": "hashtags", "op": "contains any", "value": ["opensource", "python"]},
                {"field": "is_bot", "op": "=", "value": False},
            ]
        },
        "criteria_hash": _HASH,
        "english": "followers is between 200 and 50,000"
        " and hashtags include any of “opensource” or “python” and is not a bot",
        "status": "active",
        "weights": {"audience": 1.0, "activity": 1.0},
        "weights_version": 0,
        "created_at": _AT,
        "updated_at": _AT,
    },
    "JobAccepted": {
        "job_id": _JOB,
        "kind": "crawl.seed",
        "queue": "crawl",
        "campaign_id": 1,
        "status_url": f"/jobs/{_JOB}",
    },
    "JobOut": {
        "id": _JOB,
        "kind": "qualify.campaign",
        "queue": "qualify",
        "args": {"campaign_id": 1, "limit": 20},
        "campaign_id": 1,
        "state": "succeeded",
        "run_at": _AT,
        "attempts": 1,
        "max_attempts": 5,
        "cancel_requested": False,
        "progress": {"done": 20, "total": 20, "note": "8 qualified, 0 refused"},
        "result": {"shortlisted": 20, "calls": 20, "verdicts": 20, "qualified": 8},
        "error": None,
        "created_at": _AT,
        "started_at": _AT,
        "finished_at": _LATER,
    },
    "LeadOut": {
        "id": 5,
        **_ADA_IN_A_CAMPAIGN,
        "profile_url": "https://bsky.app/profile/did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "display_name": "Ada",
        "score": 0.92,
        "confidence": 0.8,
        "reasons": [{"criterion": "maintains open source", "evidence": "I maintain pip."}],
        "state": "new",
        "decided_at": None,
        "created_at": _AT,
        "updated_at": _AT,
    },
    "StatusOut": {
        "campaign_id": 1,
        "status": "active",
        "funnel": {
            "discovered": 146,
            "candidates": 92,
            "judged": 92,
            "qualified": 34,
            "leads": 34,
            "contacted": 8,
            "replied": 6,
        },
        "leads": {"new": 26, "contacted": 2, "replied": 6},
        "messages": {"pending": 23, "sent": 8},
        "open_jobs": {},
    },
    "MessageOut": {
        "id": 7,
        "lead_id": 5,
        **_ADA_IN_A_CAMPAIGN,
        "step": 0,
        "body": _TEXT,
        "body_hash": _HASH,
        "state": "approved",
        "held_by": "hourly limit",
        "eligible_at": _LATER,
        "account_id": None,
        "error": None,
        "created_at": _AT,
        "approved_at": _AT,
        "sent_at": None,
    },
    "Problem": {
        "type": "urn:omni:problem:not-acceptable",
        "title": "The request is not acceptable",
        "status": 422,
        "detail": "criteria.all[0].value: followers needs a number, such as 500; this is “many”",
        "instance": "/campaigns",
        "field": "criteria.all[0].value",
        "errors": [
            {
                "field": "criteria.all[0].value",
                "detail": "followers needs a number, such as 500; this is “many”",
            }
        ],
    },
}

"""Which scope a key needs for each route: every route is in exactly one class.

Reading and drafting need nothing special. `send` is whatever may put words on the wire or loosen a
guard: what approves, lets go, or takes away what holds messages back. What tightens (to pause, to
reject, to suppress) is left to every key that drafts, since nobody should need a grant to stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from starlette.routing import BaseRoute, Route, compile_path

from omni.api.types import Scope

OPEN: Final = frozenset(
    {
        # They tell nothing of the data, and probes have no key.
        "GET /health", "GET /ready", "GET /openapi.json", "GET /docs",
        # The signature shows who sends it.
        "POST /webhooks/{source}",
    }
)  # fmt: skip
"""Routes that need no key, wherever the API listens."""

READ: Final = frozenset({"POST /criteria/preview", "POST /campaigns/{campaign_id}/drafts/preview"})
"""Routes that ask by POST and write nothing; a GET reads, too, unless it is named below."""

WRITE: Final = frozenset(
    {
        "POST /campaigns",
        # To wake a campaign, or to change whom an autopilot writes to, `send` is needed, too.
        "PATCH /campaigns/{campaign_id}",
        "POST /campaigns/{campaign_id}/discover",
        "POST /campaigns/{campaign_id}/qualify",
        "POST /campaigns/{campaign_id}/comparisons",
        "POST /campaigns/{campaign_id}/drafts/write",
        "POST /leads/{lead_id}/feedback",
        "PATCH /messages/{message_id}",
        "POST /messages/edit",
        "POST /messages/{message_id}/reject",
        "POST /messages/reject",
        # An answer waits for approval, whatever the autopilot.
        "POST /threads/{thread_id}/replies",
        "POST /threads/{thread_id}/read",
        # It lifts no suppression, and brings back nothing that was cancelled.
        "POST /feedback/{event_id}/class",
        "POST /accounts/{account_id}/pause",
        "POST /accounts/{account_id}/verify",
        "POST /suppressions",
        "POST /suppressions/file",
        # What it sends was approved before, and passes every gate.
        "POST /jobs",
        "POST /jobs/{job_id}/cancel",
        "POST /crawl/jobs",
        "POST /imports",
        "PATCH /imports/{import_id}",
        "POST /imports/{import_id}/start",
        "DELETE /imports/{import_id}",
        "POST /judge/redteam",
        "PUT /disagreements/{disagreement_id}",
    }
)

SEND: Final = frozenset(
    {
        "POST /messages/approve",
        "POST /messages/{message_id}/approve",
        "POST /messages/{message_id}/settle",
        "PUT /campaigns/{campaign_id}/autopilot",
        "POST /accounts",
        "PATCH /accounts/{account_id}",
        "PUT /accounts/{account_id}/secret",
        "POST /accounts/{account_id}/resume",
        "POST /suppressions/{suppression_id}/lift",
        # Replies and opt-outs come in through the sources: without them nothing stops on a reply.
        "POST /webhook-sources",
        "DELETE /webhook-sources/{name}",
        # They tell other addresses what people wrote.
        "POST /webhook-endpoints",
        "DELETE /webhook-endpoints/{endpoint_id}",
        "POST /webhook-endpoints/{endpoint_id}/enable",
        "POST /webhook-endpoints/{endpoint_id}/replay",
    }
)

ADMIN: Final = frozenset(
    {
        "GET /keys",
        "POST /keys",
        "POST /keys/{key_id}/revoke",
        "POST /people/export",
        "POST /people/erase",
    }
)

_CLASSES: Final[tuple[tuple[frozenset[str], Scope | None], ...]] = (
    (OPEN, None), (READ, "read"), (WRITE, "write"), (SEND, "send"), (ADMIN, "admin"),
)  # fmt: skip


def class_of(method: str, template: str) -> Scope | None:
    """Return the scope that a route needs; None if it needs no key at all.

    Raises:
        LookupError: It changes something, and nobody has said who may do that.
    """
    name = f"{method} {template}"
    for routes, scope in _CLASSES:
        if name in routes:
            return scope
    if method != "GET":
        raise LookupError(f"{name} is in no class of omni.api.grants: say which scope it needs")
    return "read"


class Grants:
    """Tells the scope that a request needs, from the routes of an application.

    Args:
        routes: All of them; one that is in no class is refused.
    """

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._by_method: dict[str, list[tuple[re.Pattern[str], Scope | None]]] = {}
        for route in routes:
            assert isinstance(route, Route), "only plain routes are classed"
            # The same pattern as the router's, so that no spelling of a path tells them apart.
            pattern = compile_path(route.path)[0]
            for method in route.methods or ():
                if method != "HEAD":
                    scope = class_of(method, route.path)
                    self._by_method.setdefault(method, []).append((pattern, scope))
        # Nearly all of them read: only the others are looked for.
        self._by_method["GET"] = [each for each in self._by_method["GET"] if each[1] != "read"]

    def needed(self, method: str, path: str) -> Scope | None:
        """Return the scope that a request needs; None if it needs no key.

        Where there is no such route, it is what reading or writing needs.
        """
        if method in ("HEAD", "OPTIONS"):
            method = "GET"
        for pattern, scope in self._by_method.get(method, ()):
            if pattern.match(path):
                return scope
        return "read" if method == "GET" else "write"

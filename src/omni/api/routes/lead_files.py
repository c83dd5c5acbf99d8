"""A campaign's leads as a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from omni.api import lead_files_store as store
from omni.api.deps import Deps
from omni.api.lead_files import MEDIA_TYPES, LeadFormat, as_file
from omni.api.routes.params import RowId
from omni.api.schemas import LeadState
from omni.campaigns import store as campaigns

router = APIRouter(tags=["leads"])

COUNT_HEADER = "X-Total-Count"


@router.get(
    "/campaigns/{campaign_id}/leads.{format}",
    summary="Get leads as a file, best first",
    response_class=StreamingResponse,
    responses={200: {"content": {kind.split(";")[0]: {} for kind in MEDIA_TYPES.values()}}},
)
async def get_lead_file(
    campaign_id: RowId,
    format: LeadFormat,
    deps: Deps,
    state: Annotated[LeadState | None, Query(description="Only leads in this state")] = None,
) -> Response:
    """Return every lead with the reasons, what people said of it, and how far messages are.

    The file has the leads as they rank when it begins, each once, however the ranking moves
    meanwhile; what stands in a row is as of the moment when it is written. `X-Total-Count` says how
    many come. A file that breaks off is no whole answer: the connection ends without its end.
    """
    await campaigns.get(deps.db, campaign_id)
    ids = await store.rank_leads(deps.db, campaign_id, state=state)
    name = f"leads-{campaign_id}.{format}"
    return StreamingResponse(
        as_file(store.pages_of_leads(deps.db, ids), format),
        media_type=MEDIA_TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            COUNT_HEADER: str(len(ids)),
        },
    )

"""What an account hands over to tools that take a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from omni.api.deps import Deps
from omni.api.routes.params import RowId
from omni.base.spreadsheet import BYTE_ORDER_MARK
from omni.dispatch import accounts_store, handed_store

router = APIRouter(prefix="/accounts", tags=["accounts"])

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@router.get(
    "/{account_id}/handed-over",
    summary="Get what an account hands over, as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
async def get_handed_over(
    account_id: RowId,
    deps: Deps,
    since: Annotated[
        AwareDatetime | None,
        Query(description="Only what was handed over after this: the last row's moment"),
    ] = None,
) -> Response:
    """Return the messages for tools that take a file, oldest first; each is one row, once.

    A message counts as handed over when the file is first asked for after it was written: asking
    on from the last row's `handed_over_at` leaves out none, and brings none twice.
    """
    await accounts_store.get_account(deps.db, account_id)
    return StreamingResponse(
        _pieces(deps, account_id, since or _BEGINNING),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="handed-over-{account_id}.csv"'},
    )


async def _pieces(deps: Deps, account_id: int, since: datetime) -> AsyncIterator[str]:
    yield BYTE_ORDER_MARK
    async for piece in handed_store.handed_over(deps.db, account_id, since=since, now=deps.clock()):
        yield piece

"""Imports: files of people, uploaded, looked at, mapped, taken in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from omni.api.cursors import id_cursor, read_id_cursor
from omni.api.deps import ApiDeps, Deps, Files
from omni.api.idempotency import HEADER, Once, RunOnce
from omni.api.routes.params import Cursor, Limit, RowId
from omni.api.routes.work import accept
from omni.api.schemas import JobAccepted, Page
from omni.api.schemas.imports import (
    PLATFORM_NAME,
    ImportCounts,
    ImportDraft,
    ImportOut,
    ImportPatch,
    ImportState,
    Removed,
    RowPreview,
    RowProblem,
)
from omni.api.security import CALLER
from omni.api.uploads import Upload, receive
from omni.base.errors import Conflict, NotFound, Rejected
from omni.campaigns import store as campaigns
from omni.connectors.file.types import RowMap, Shape, Taken
from omni.imports import store as imports
from omni.imports.plan import problems_csv
from omni.imports.types import Import
from omni.jobs import store as jobs
from omni.jobs.types import ImportProfiles
from omni.storage.db import Executor, Tx

router = APIRouter(prefix="/imports", tags=["imports"])

PREVIEWED = 20
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "platform": {"type": "string"},
                        "campaign_id": {"type": "integer"},
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=201,
    response_model=ImportDraft,
    openapi_extra=_FORM,
    summary="Upload a file of people",
)
async def create_import(
    request: Request,
    deps: Deps,
    key: Annotated[
        str | None,
        Header(alias=HEADER, min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
    ] = None,
) -> Response:
    """Keep a CSV, JSONL or Parquet file; guess how it is read, and show what it would become."""
    files = _files(deps)
    part = await asyncio.to_thread(files.new_path)
    content_type = request.headers.get("content-type", "")
    upload = await receive(request.stream(), content_type, part, max_bytes=deps.max_upload_bytes)
    await asyncio.to_thread(files.keep, part, upload.sha256)
    try:
        draft = await asyncio.to_thread(_look_at, files, upload)
        once = _once(request, deps, key, upload)
        return await once.run(201, lambda tx: _create(tx, deps, files, upload, draft))
    except BaseException:
        if not await imports.is_file_used(deps.db, upload.sha256):
            await asyncio.to_thread(files.remove, upload.sha256)
        raise


def _once(request: Request, deps: ApiDeps, key: str | None, upload: Upload) -> Once:
    """Return what runs the upload once; its body is known by the hash of the file."""
    return Once(
        deps,
        key=key,
        caller=request.scope.get(CALLER, ""),
        route=f"POST {request.url.path}",
        request_hash=upload.sha256,
    )


def _look_at(files: Files, upload: Upload) -> tuple[Shape, RowMap]:
    platform = upload.fields.get("platform") or None
    if platform is not None and not re.fullmatch(PLATFORM_NAME, platform):
        raise Rejected("use lower-case letters, digits and '-'", field="platform")
    shape = files.inspect(upload.sha256, upload.name)
    return shape, files.guess(upload.sha256, shape, platform)


async def _create(
    tx: Tx, deps: ApiDeps, files: Files, upload: Upload, draft: tuple[Shape, RowMap]
) -> ImportDraft:
    campaign_id = _campaign_id(upload.fields.get("campaign_id"))
    if campaign_id is not None:
        await campaigns.get(tx, campaign_id)
    created = await imports.create(
        tx,
        name=upload.name,
        sha256=upload.sha256,
        size=upload.size,
        shape=draft[0],
        mapping=draft[1],
        campaign_id=campaign_id,
        now=deps.clock(),
    )
    return await _with_preview(files, created)


def _campaign_id(given: str | None) -> int | None:
    if not given:
        return None
    if not given.isdigit() or len(given) > 18:
        raise Rejected("must be a campaign's id", field="campaign_id")
    return int(given)


@router.get("", summary="List imports, newest first")
async def list_imports(deps: Deps, limit: Limit = 50, cursor: Cursor = None) -> Page[ImportOut]:
    """List the files that were handed in."""
    found = await imports.list_imports(deps.db, before=read_id_cursor(cursor), limit=limit + 1)
    page = found[:limit]
    return Page(
        items=[await _shown(deps.db, each) for each in page],
        next_cursor=id_cursor(page[-1].id) if len(found) > limit else None,
    )


@router.get("/{import_id}", summary="Follow an import")
async def get_import(import_id: RowId, deps: Deps) -> ImportOut:
    """Show how a file is read, and how far it is in."""
    return await _shown(deps.db, await imports.get(deps.db, import_id))


@router.get("/{import_id}/preview", summary="See what the first rows become")
async def preview_import(
    import_id: RowId, deps: Deps, rows: Annotated[int, Query(ge=1, le=100)] = PREVIEWED
) -> ImportDraft:
    """Show the first rows as they would be taken in, with what is wrong with them."""
    found = await imports.get(deps.db, import_id)
    return await _with_preview(_files(deps), found, await _state(deps.db, found), rows)


@router.patch("/{import_id}", summary="Change how a file is read")
async def change_import(import_id: RowId, body: ImportPatch, deps: Deps) -> ImportDraft:
    """Give columns other meanings, or read the file with another encoding or delimiter."""
    files = _files(deps)
    found = await imports.get(deps.db, import_id)
    shape, mapping = found.shape, found.mapping
    if {"encoding", "delimiter", "header"} & body.model_fields_set:
        shape = await asyncio.to_thread(
            files.reshape,
            found.sha256,
            shape,
            body.encoding or shape.encoding,
            body.delimiter or shape.delimiter,
            shape.header if body.header is None else body.header,
        )
        mapping = await asyncio.to_thread(files.guess, found.sha256, shape, mapping.platform)
    if body.columns is not None:
        mapping = msgspec.structs.replace(mapping, columns=body.columns)
    if "platform" in body.model_fields_set:
        mapping = msgspec.structs.replace(mapping, platform=body.platform)
    campaign_id = body.campaign_id if "campaign_id" in body.model_fields_set else found.campaign_id
    async with deps.db.transaction() as tx:
        if campaign_id is not None:
            await campaigns.get(tx, campaign_id)
        changed = await imports.change(
            tx,
            import_id,
            shape=shape,
            mapping=files.check(shape, mapping),
            campaign_id=campaign_id,
        )
    return await _with_preview(files, changed)


@router.post(
    "/{import_id}/start", status_code=202, response_model=JobAccepted, summary="Take a file in"
)
async def start_import(import_id: RowId, deps: Deps, once: RunOnce) -> Response:
    """Start to take a file in, or go on where a run that failed or was cancelled left off."""

    async def effect(tx: Tx) -> JobAccepted:
        found = await imports.get(tx, import_id)
        _files(deps).check(found.shape, found.mapping, whole=True)
        if await _state(tx, found) in ("queued", "running"):
            raise Conflict("the import is under way")
        args = ImportProfiles(import_id=import_id, campaign_id=found.campaign_id)
        accepted = await accept(tx, args, now=deps.clock())
        await imports.begin(tx, import_id, accepted.job_id, instead_of=found.job_id)
        return accepted

    return await once.run(202, effect)


@router.get(
    "/{import_id}/errors",
    summary="Get what was wrong with the rows",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
async def get_errors(import_id: RowId, deps: Deps) -> Response:
    """Return CSV: row, column, what is wrong, how to mend it; spreadsheets run none of it."""
    await imports.get(deps.db, import_id)
    name = f"import-{import_id}-errors.csv"
    return StreamingResponse(
        _errors(deps.db, import_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _errors(db: Executor, import_id: int) -> AsyncIterator[str]:
    yield "\ufeff" + problems_csv((), header=True)
    after = 0
    while found := await imports.problems_of(db, import_id, after=after):
        yield problems_csv([problem for _, problem in found], header=False)
        after = found[-1][0]


@router.delete("/{import_id}", response_model=Removed, summary="Remove an import")
async def delete_import(import_id: RowId, deps: Deps) -> Removed:
    """Remove the file and what was wrong with it; the people who were taken in stay."""
    async with deps.db.transaction() as tx:
        found = await imports.lock(tx, import_id)
        if await _state(tx, found) in ("queued", "running"):
            raise Conflict("the import is under way: cancel its job first")
        unused = await imports.delete(tx, import_id)
    if unused is not None:
        await asyncio.to_thread(_files(deps).remove, unused)
    return Removed(id=import_id)


def _files(deps: ApiDeps) -> Files:
    if deps.files is None:
        raise Rejected("this service takes no files")
    return deps.files


async def _state(db: Executor, found: Import) -> ImportState:
    if found.job_id is None:
        return "draft"
    if found.finished_at is not None:
        return "succeeded"
    try:
        return (await jobs.get_job(db, found.job_id)).state
    except NotFound:  # old jobs are removed
        return "failed"


async def _shown(db: Executor, found: Import) -> ImportOut:
    return ImportOut.model_validate(_fields(found, await _state(db, found)))


async def _with_preview(
    files: Files, found: Import, state: ImportState = "draft", rows: int = PREVIEWED
) -> ImportDraft:
    taken = await asyncio.to_thread(files.preview, found.sha256, found.shape, found.mapping, rows)
    return ImportDraft.model_validate(_fields(found, state) | {"preview": _previews(taken)})


def _fields(found: Import, state: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "sha256": found.sha256,
        "bytes": found.bytes,
        "format": found.shape.format,
        "encoding": found.shape.encoding,
        "delimiter": found.shape.delimiter,
        "header": found.shape.header,
        "all_columns": list(found.shape.columns),
        "rows_about": found.shape.rows,
        "platform": found.mapping.platform,
        "columns": found.mapping.columns,
        "campaign_id": found.campaign_id,
        "job_id": found.job_id,
        "state": state,
        "counts": ImportCounts.model_validate(found.counts),
        "created_at": found.created_at,
        "finished_at": found.finished_at,
    }


def _previews(taken: Sequence[Taken]) -> list[RowPreview]:
    return [
        RowPreview(
            row=each.number,
            person=_person(each),
            problems=[RowProblem.model_validate(problem) for problem in each.problems],
        )
        for each in taken
    ]


def _person(taken: Taken) -> dict[str, str | None] | None:
    profile = taken.profile
    if profile is None:
        return None
    shown = replace(profile, posts=(), extra={})
    values: dict[str, Any] = msgspec.to_builtins(shown) | {"posts": len(profile.posts)}
    return {
        name: None if value in (None, [], {}) else _cut(value) for name, value in values.items()
    }


def _cut(value: Any) -> str:
    several = cast("list[object]", value) if isinstance(value, list) else [value]
    text = ", ".join(map(str, several))
    return text if len(text) <= 200 else text[:199] + "…"

"""Calls about files of people that are imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import IO, Literal

from omni.api.schemas import JobAccepted, Page
from omni.api.schemas.imports import ImportDraft, ImportOut, Removed
from omni.client.calls import Calls, given
from omni.connectors.file.types import Target


class ImportCalls(Calls):
    """Imports."""

    async def upload_import(
        self,
        name: str,
        content: IO[bytes],
        *,
        platform: str | None = None,
        campaign_id: int | None = None,
        idempotency_key: str | None = None,
    ) -> ImportDraft:
        """Upload a CSV, JSONL or Parquet file; what its columns mean is guessed.

        Args:
            name: Of the file; its ending tells the format where the content does not.
            content: Open for reading in binary; it is sent piece by piece.
            platform: Of every row that does not name one.
            campaign_id: For whom the people are, if for a campaign.
            idempotency_key: Makes sending the same file again harmless.
        """
        fields = given(platform=platform, campaign_id=campaign_id)
        answer = await self._transport.upload(
            "/imports", name, content, fields, idempotency_key=idempotency_key
        )
        return ImportDraft.model_validate_json(answer)

    async def list_imports(self, *, limit: int = 50, cursor: str | None = None) -> Page[ImportOut]:
        """Return a page of imports, newest first."""
        return await self._get(Page[ImportOut], "/imports", {"limit": limit, "cursor": cursor})

    async def get_import(self, import_id: int) -> ImportOut:
        """Return an import."""
        return await self._get(ImportOut, f"/imports/{import_id}")

    async def preview_import(self, import_id: int, *, rows: int = 20) -> ImportDraft:
        """Return an import with what its first rows become."""
        return await self._get(ImportDraft, f"/imports/{import_id}/preview", {"rows": rows})

    async def change_import(
        self,
        import_id: int,
        *,
        columns: Mapping[str, Target] | None = None,
        platform: str | None = None,
        campaign_id: int | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
        clear: Collection[Literal["platform", "campaign_id"]] = (),
    ) -> ImportDraft:
        """Change how a draft is read; what is None stays as it is.

        Args:
            columns: Column → meaning, of all that are to be read.
            platform: Of every row that does not name one.
            campaign_id: For whom the people are.
            encoding: Of a CSV file.
            delimiter: Between its cells.
            header: Whether its first row names the columns.
            clear: What the import is to have none of.
        """
        body = given(
            columns=columns,
            platform=platform,
            campaign_id=campaign_id,
            encoding=encoding,
            delimiter=delimiter,
            header=header,
        )
        body |= dict.fromkeys(clear)
        return await self._send(ImportDraft, "PATCH", f"/imports/{import_id}", body)

    async def start_import(
        self, import_id: int, *, idempotency_key: str | None = None
    ) -> JobAccepted:
        """Take a file in, or go on where a run that has ended left off."""
        path = f"/imports/{import_id}/start"
        return await self._send(JobAccepted, "POST", path, None, idempotency_key)

    async def import_errors(self, import_id: int) -> AsyncIterator[bytes]:
        """Yield the error file, CSV in UTF-8, piece by piece."""
        async for piece in self._transport.stream(f"/imports/{import_id}/errors"):
            yield piece

    async def delete_import(self, import_id: int) -> Removed:
        """Remove a file; the people who were taken in stay."""
        return await self._send(Removed, "DELETE", f"/imports/{import_id}")

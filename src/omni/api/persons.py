"""Reads out everything that is kept of a person."""

from __future__ import annotations

import zlib
from base64 import b64encode
from contextlib import suppress
from typing import Any

import msgspec

from omni.api.deps import ApiDeps
from omni.api.schemas.erasures import PersonExport, PictureExport, TableExport
from omni.base.errors import NotFound
from omni.campaigns import erase_store as campaigns
from omni.candidates import erase_store as candidates
from omni.crawl import erase_store as crawls
from omni.dispatch import erase_store as dispatch
from omni.erasures import store as erasures
from omni.erasures.inventory_plan import INVENTORY
from omni.erasures.plan import names_of, pattern_of
from omni.feedback import erase_store as feedback
from omni.hosts import erase_store as hosts
from omni.imports import erase_store as imports
from omni.jobs import store as jobs
from omni.leads import erase_store as leads
from omni.profiles import erase_store as profiles
from omni.profiles import image_store
from omni.qualification import erase_store as qualification
from omni.storage import erasing as storage
from omni.storage.personal import MOST_ROWS, Share, Whom

SHARES: tuple[Share, ...] = (
    profiles.SHARE,
    candidates.SHARE,
    qualification.SHARE,
    leads.SHARE,
    dispatch.SHARE,
    feedback.SHARE,
    campaigns.SHARE,
    crawls.SHARE,
    imports.SHARE,
    jobs.SHARE,
    storage.SHARE,
    hosts.SHARE,
)
"""Every room that keeps something of people."""

_HEX = "\\x"
MOST_UNPACKED = 16_000_000


async def export_person(deps: ApiDeps, platform: str, platform_id: str) -> PersonExport:
    """Return everything that is kept of a person; of somebody unknown, empty tables.

    Raises:
        Transient: The database or the object storage failed.
    """
    whom = await _whom(deps, platform, platform_id)
    held: dict[str, list[Any]] = {}
    for share in SHARES:
        held |= await share.held(deps.db, whom)
    return PersonExport(
        platform=platform,
        platform_id=platform_id,
        exported_at=deps.clock(),
        erased=bool(await erasures.erased_among(deps.db, [(platform, platform_id)])),
        tables={
            table: TableExport(
                treatment=INVENTORY[table].treatment,
                rows=[_readable(row) for row in rows],
                cut=len(rows) == MOST_ROWS,
            )
            for table, rows in held.items()
        },
        pictures=await _pictures(deps, whom),
    )


async def _whom(deps: ApiDeps, platform: str, platform_id: str) -> Whom:
    profile_id = await profiles.find_person(deps.db, platform, platform_id)
    bare = Whom(platform, platform_id, profile_id, (platform_id,), "", "")
    aliases: set[str] = set()
    for share in SHARES:
        aliases |= await share.aliases(deps.db, bare)
    names = names_of(platform_id, aliases)
    return Whom(platform, platform_id, profile_id, names, pattern_of(names), "")


async def _pictures(deps: ApiDeps, whom: Whom) -> list[PictureExport]:
    if whom.profile_id is None:
        return []
    held = await image_store.images_of(deps.db, [whom.profile_id])
    pictures: list[PictureExport] = []
    for image in held.get(whom.profile_id, []):
        with suppress(NotFound):
            found = await image_store.find_shown(deps.db, image.sha256)
            data = await deps.objects.get(image.sha256, copy=found.copy)
            pictures.append(
                PictureExport(
                    sha256=image.sha256,
                    content_type=found.content_type,
                    data=b64encode(data).decode(),
                )
            )
    return pictures


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with what is packed in it unpacked, such as what a model was asked."""
    return {name: _unpacked(value) for name, value in row.items()}


def _unpacked(value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith(_HEX)):
        return value
    with suppress(ValueError, zlib.error, msgspec.DecodeError):
        data = zlib.decompressobj().decompress(bytes.fromhex(value[2:]), MOST_UNPACKED)
        return msgspec.json.decode(data)
    return value

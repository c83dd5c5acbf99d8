"""People: how current what we know of them is, and their pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from omni.api.deps import Deps
from omni.api.routes.params import RowId
from omni.api.schemas.people import ImageOut, PersonOut
from omni.base.errors import NotFound
from omni.profiles import image_store, refresh_store
from omni.profiles.types import StoredImage

router = APIRouter(tags=["people"])

IMAGE_HEADERS = {
    # The name is the content's own hash, so that it never changes.
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
}
"""A picture is a picture, whatever a browser would like to see in it."""

IMAGE_TYPES = frozenset({"image/webp", "image/png", "image/jpeg", "image/gif"})


@router.get("/profiles/{profile_id}", summary="How current is what we know of a person?")
async def get_person(profile_id: RowId, deps: Deps) -> PersonOut:
    """Show when a person was seen, how often they change, and their pictures."""
    (met, *_) = await refresh_store.read_standings(deps.db, [profile_id]) or [None]
    if met is None:
        raise NotFound(f"there is no profile {profile_id}")
    held = await image_store.images_of(deps.db, [profile_id])
    plan = met.standing
    return PersonOut(
        profile_id=profile_id,
        platform=met.platform,
        platform_id=met.platform_id,
        last_seen=met.last_seen,
        gone=met.gone,
        interest=met.level,
        changes_every_days=met.changes_every_days,
        refresh_at=plan.refresh_at if plan else None,
        images=[_image(image) for image in held.get(profile_id, [])],
    )


@router.get("/avatars", summary="Whose avatars are held?")
async def list_avatars(
    deps: Deps, profile_id: Annotated[list[int], Query(min_length=1, max_length=200)]
) -> dict[int, str]:
    """Give the SHA-256 of the avatar of each of these people who has one."""
    held = await image_store.images_of(deps.db, profile_id)
    return {person: images[0].sha256 for person, images in held.items() if images[0].position == 0}


@router.get(
    "/images/{sha256}",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "The picture"}},
    summary="Show a picture",
)
async def get_image(sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], deps: Deps) -> Response:
    """Give a picture that somebody shows; one that nobody shows any more is not given."""
    found = await image_store.find_shown(deps.db, sha256)
    if found.content_type not in IMAGE_TYPES:
        raise NotFound("there is no such picture")
    data = await deps.objects.get(sha256, copy=found.copy)
    headers = IMAGE_HEADERS | {"ETag": f'"{sha256}"'}
    return Response(data, media_type=found.content_type, headers=headers)


def _image(image: StoredImage) -> ImageOut:
    return ImageOut(
        position=image.position,
        sha256=image.sha256,
        content_type=image.content_type,
        bytes=image.bytes,
    )

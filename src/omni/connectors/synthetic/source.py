"""Reads the synthetic network's people."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from omni.base.errors import Rejected
from omni.connectors.exchange import HttpRejected
from omni.connectors.synthetic.wire import PLATFORM, Http, PageJson, PeopleJson, PersonJson, read
from omni.connectors.types import RawPost, RawProfile, RefPage, Seed

_MAX_VALUE = 200
_PAGE = "50"


class SyntheticSource:
    """`ProfileSource` of the synthetic network.

    Seeds: `actor` (one person by id or username), `followers` and `follows` of such a person,
    `search` (words) and `hashtag`.
    """

    platform = PLATFORM
    seed_types = frozenset({"actor", "followers", "follows", "search", "hashtag"})
    batch_size = 50

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base = base_url.rstrip("/")

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Return one page of the people that `seed` leads to.

        Raises:
            Rejected: The seed type or value is not one that the network knows.
            Transient: The network did not answer well.
        """
        value = seed.value.strip()
        if not value or len(value) > _MAX_VALUE:
            raise Rejected(f"give 1 to {_MAX_VALUE} characters", field="seed_value")
        try:
            return await self._expand(seed.type, value, cursor)
        except HttpRejected as error:
            raise Rejected(f"{value}: {error.reason or error}", field="seed_value") from error

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return the profiles of those who still exist.

        Raises:
            Rejected: More ids than `batch_size`.
            Transient: The network did not answer well.
        """
        if len(platform_ids) > self.batch_size:
            raise Rejected(f"the network gives at most {self.batch_size} profiles at once")
        wanted = tuple(dict.fromkeys(platform_ids))
        return [self._profile(person) for person in await self._people(wanted)]

    async def _expand(self, kind: str, value: str, cursor: str | None) -> RefPage:
        name = quote(value.removeprefix("#") if kind == "hashtag" else value, safe="")
        match kind:
            case "actor":
                return await self._actor(value)
            case "followers" | "follows":
                return await self._page(f"/people/{name}/{kind}", {}, cursor)
            case "search":
                return await self._page("/search", {"q": value}, cursor)
            case "hashtag":
                return await self._page(f"/hashtags/{name}", {}, cursor)
            case _:
                known = ", ".join(sorted(self.seed_types))
                raise Rejected(f"no such seed type here: choose one of {known}", field="seed_type")

    async def _actor(self, name: str) -> RefPage:
        people = await self._people([name])
        if not people:
            raise Rejected(f"{name}: nobody has this id or username", field="seed_value")
        return RefPage((people[0].id,), None)

    async def _page(self, path: str, params: dict[str, str], cursor: str | None) -> RefPage:
        asked = params | {"limit": _PAGE} | ({} if cursor is None else {"cursor": cursor})
        page = read(await self._http.get_json(self._base + path, params=asked), PageJson)
        return RefPage(page.people, page.cursor)

    async def _people(self, names: Sequence[str]) -> Sequence[PersonJson]:
        # A comma parts the names; nobody's id or username has one.
        asked = {"ids": ",".join(name for name in names if "," not in name)}
        if not asked["ids"]:
            return ()
        value = await self._http.get_json(f"{self._base}/people", params=asked)
        return read(value, PeopleJson).people

    def _profile(self, person: PersonJson) -> RawProfile:
        return RawProfile(
            platform=PLATFORM,
            platform_id=person.id,
            username=person.username,
            display_name=person.display_name,
            bio=person.bio,
            followers=person.followers_count,
            follows=person.follows_count,
            posts_count=person.posts_count,
            created_at=person.created_at,
            is_bot=person.bot,
            accepts_messages=person.accepts_messages,
            discoverable=person.discoverable,
            image_urls=tuple(self._base + path for path in person.pictures[:3]),
            links=person.links,
            posts=tuple(
                RawPost(post.text, post.created_at, post.likes, post.reposts, post.replies)
                for post in person.posts
            ),
        )

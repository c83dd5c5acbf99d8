"""Which clocks may hang on the wall of somebody of whom a country, and perhaps a place, is known.

From `zone.tab` of the time zone database, as the package `tzdata` ships it: one line for each zone
of each country (https://data.iana.org/time-zones/tzdb/zone.tab).
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources

from omni.dispatch.quiet import is_zone


@cache
def zones_of(country: str | None, place: str | None = None) -> tuple[str, ...]:
    """Return the IANA names of the zones in which somebody may be; none if that is unknown.

    All zones of their country, or the one that is named after the place, as `America/New_York` is.

    Args:
        country: ISO 3166-1 code, upper case.
        place: A city or region in it, by its English name.
    """
    zones = _by_country().get(country or "", ())
    named = [zone for zone in zones if place and _name_of(zone) == _folded(place)]
    return tuple(named) or zones


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    found: dict[str, list[str]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            if is_zone(zone):
                found.setdefault(country, []).append(zone)
    return {country: tuple(sorted(zones)) for country, zones in found.items()}


def _name_of(zone: str) -> str:
    return _folded(zone.rpartition("/")[2].replace("_", " "))


def _folded(name: str) -> str:
    """Return a name without accents and capitals."""
    parts = unicodedata.normalize("NFKD", name)
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()

"""The door of the room: criteria JSON in, everything that follows from it out.

Criteria are `{"all": […]}`, `{"any": […]}`, `{"not": …}` and `{"field", "op", "value"}`, over the
fields and operators of `omni.predicate.registry`. What they mean:

- **Unknown features.** A clause about an unknown feature is neither true nor false, but unknown;
  `not` of unknown is unknown; `all` is false as soon as one part is false, `any` is true as soon as
  one is true, and else unknown if a part is. Only what is true matches. So `not` never lets an
  unknown feature in; `exists` with `false` asks for it. A list (hashtags, …) is never unknown: it
  may be empty, and then it does not exist.
- **Text.** `=`, `!=`, `in`, `not in` and `starts with` take A to Z and a to z for the same; every
  other character is compared exactly, in Unicode's composed form (NFC). Hashtags, keywords and
  domains are held in lower case, and so are the values that they are compared with. `matches` takes
  words in websearch syntax and looks into the first 10,000 characters of that field; the field
  `text` stands for all that is searchable of a person. `similar to` compares trigrams with a fixed
  bound, and suits names.
- **Dates.** ISO 8601 (without a zone: UTC; without a time: midnight), or "30 days ago" in hours,
  days, weeks, months of 30 and years of 365 days. Relative dates stay relative: they are held
  against the database's clock whenever the predicate is evaluated.
- **Numbers** are within ±(2^53 - 1), where JSON, bigint and double precision agree exactly.
"""

from __future__ import annotations

from typing import Any

from omni.base.hashing import digest
from omni.predicate.compile import compile_probes, compile_where
from omni.predicate.english import sentence
from omni.predicate.normal import normalise, to_document
from omni.predicate.notes import find_notes
from omni.predicate.parse import parse
from omni.predicate.registry import FIELDS, operators_of
from omni.predicate.schema import build_schema
from omni.predicate.types import Compiled, Operator, Probes
from omni.profiles.types import FeatureField


def compile_criteria(document: object) -> Compiled:
    """Compile criteria that came as JSON.

    Raises:
        Rejected: Something is wrong; `field` is its path, such as `criteria.all[2].value`, and the
            message says how to mend it.
    """
    written = parse(document)
    tree = normalise(written)
    canonical = to_document(tree)
    return Compiled(
        canonical, digest(canonical), compile_where(tree), sentence(tree), find_notes(written)
    )


def probe_criteria(document: object) -> Probes:
    """Take criteria apart, in the form in which they are written: each node with its own SQL.

    Raises:
        Rejected: As `compile_criteria`.
    """
    return compile_probes(parse(document))


def criteria_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of criteria, for whoever builds forms."""
    return build_schema()


def list_fields() -> tuple[tuple[FeatureField, tuple[Operator, ...]], ...]:
    """Return every field that criteria may ask about, with the operators that fit it."""
    return tuple((field, operators_of(field)) for field in FIELDS.values())

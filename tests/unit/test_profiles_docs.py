"""docs/features.md tells every feature and signal of the registry, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from omni.profiles.types import ENRICH_VERSION, FEATURES, SIGNALS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "features.md").read_text("utf-8")


def test_every_feature_has_its_row_with_meaning_unit_and_source() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.M)
    assert [(name, meaning) for name, meaning, _, _ in rows] == [(f.name, f.doc) for f in FEATURES]


def test_every_signal_has_its_row_and_the_version_is_told() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", TEXT, re.M)) == SIGNALS
    assert f"version of enrichment is {ENRICH_VERSION};" in TEXT

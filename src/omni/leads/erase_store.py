"""What leads and suppressions keep of one person."""

from __future__ import annotations

from omni.storage.personal import Share
from omni.storage.sql import load_queries

SHARE = Share(load_queries("omni.leads", "erase"))

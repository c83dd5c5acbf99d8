"""What imports keep of one person, apart from the files themselves."""

from __future__ import annotations

from omni.storage.personal import Share
from omni.storage.sql import load_queries

SHARE = Share(load_queries("omni.imports", "erase"))

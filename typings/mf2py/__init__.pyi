"""No types are published; what Omni uses is taken as Any."""

from typing import Any

def parse(
    doc: str | None = ..., url: str | None = ..., html_parser: str | None = ...
) -> dict[str, Any]: ...

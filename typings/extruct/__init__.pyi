"""No types are published; what Omni uses is taken as Any."""

from typing import Any

jsonld: Any
opengraph: Any

"""What a user sets, in `FORUM_*` variables or in Omni's `.env`."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ForumSettings(BaseSettings):
    """Settings of this connector alone; `OMNI_*` variables belong to Omni.

    Attributes:
        url: Base URL of the forum; without it there is nothing to read.
        token: Sent with each request, where the forum wants one.
    """

    model_config = SettingsConfigDict(
        env_prefix="FORUM_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    url: str | None = None
    token: SecretStr | None = None

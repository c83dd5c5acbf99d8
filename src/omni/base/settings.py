"""Everything that a user may set, read from `OMNI_*` variables and `.env`."""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def is_loopback(host: str) -> bool:
    """Tell whether `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """Settings of every process; `.env.example` explains each one to its user."""

    model_config = SettingsConfigDict(
        env_prefix="OMNI_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    data_dir: Path = Path(".omni")
    database_url: str | None = None
    redis_url: str | None = None
    objects_url: str | None = None
    objects_s3_endpoint: str | None = None
    objects_s3_region: str | None = None
    objects_s3_key_id: str | None = None
    objects_s3_secret: SecretStr | None = None
    queue_prefix: str = "omni"
    database_pool: int = Field(default=10, ge=2, le=100)

    api_host: str = "127.0.0.1"
    api_port: int = 8400
    crawler_host: str = "127.0.0.1"
    crawler_port: int = 8401
    ui_host: str = "127.0.0.1"
    ui_port: int = 8402
    synthetic_port: int = 8403
    api_key: SecretStr | None = None

    worker_concurrency: int = Field(default=8, ge=1, le=200)
    jobs_kept_days: int = Field(default=30, ge=2, le=3_650)
    crawler_concurrency: int = Field(default=4, ge=1, le=100)
    refresh_requests: int = Field(default=300, ge=1, le=100_000)
    http_concurrency: int = Field(default=16, ge=1, le=256)
    http_per_host: int = Field(default=8, ge=1, le=256)
    http_timeout_s: float = Field(default=20.0, gt=0)
    http_max_bytes: int = Field(default=8_000_000, ge=1_000)
    http_proxy: SecretStr | None = None
    http_proxies: SecretStr | None = None
    http_per_proxy: int = Field(default=16, ge=1, le=256)
    http_proxy_dns: bool = False
    http_ca_file: Path | None = None
    http_loopback_origins: str = ""
    user_agent: str = "Omni/0.1 (self-hosted; reads public profiles)"
    import_max_bytes: int = Field(default=1_000_000_000, ge=1_000)

    judge: Literal["rules", "ollama", "openai", "off"] = "rules"
    judge_fallback: str = ""
    judge_share: float = Field(default=1.0, gt=0, le=1)
    shortlist_explore: float = Field(default=0.05, ge=0, le=0.5)
    ollama_base_url: str = "http://127.0.0.1:11434"
    ollama_model: str = "llama3.1"
    ollama_api: Literal["generate", "chat"] = "generate"
    ollama_keep_alive: str | None = None
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str | None = None
    openai_api_key: SecretStr | None = None
    llm_images: int = Field(default=0, ge=0, le=3)
    llm_timeout_s: float = Field(default=120.0, gt=0)
    llm_max_tokens: int = Field(default=600, ge=16, le=8_192)
    llm_concurrency: int = Field(default=2, ge=1, le=64)
    llm_prices: str = ""

    recordings_kept_days: int = Field(default=180, ge=1, le=36_500)

    person_cooldown_h: int = Field(default=24, ge=0, le=8_760)

    synthetic_url: str | None = None
    synthetic_people: int = Field(default=2_000, ge=1, le=1_000_000)
    synthetic_seed: int = 7
    bluesky_appview_url: str = "https://public.api.bsky.app"
    bluesky_pds_url: str = "https://bsky.social"
    bluesky_handle: str | None = None
    bluesky_app_password: SecretStr | None = None
    bluesky_appview_did: str | None = None
    bluesky_chat_did: str = "did:web:api.bsky.chat#bsky_chat"
    mastodon_url: str | None = None
    mastodon_token: SecretStr | None = None
    matrix_url: str | None = None
    matrix_token: SecretStr | None = None
    webhook_sender_url: str | None = None
    webhook_sender_platforms: str = "file"
    export_platforms: str = ""

    secret_key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_style: Literal["auto", "json", "console"] = "auto"

    @cached_property
    def api_url(self) -> str:
        """Base URL of the HTTP API as seen from this machine."""
        return f"http://{_dialable(self.api_host)}:{self.api_port}"

    @cached_property
    def proxy_urls(self) -> tuple[str, ...]:
        """URLs of the proxies, those of both settings, each once."""
        given = (self.http_proxy, self.http_proxies)
        listed = ",".join(secret.get_secret_value() for secret in given if secret)
        return tuple(dict.fromkeys(url.strip() for url in listed.split(",") if url.strip()))

    @cached_property
    def synthetic_base_url(self) -> str:
        """Base URL of the synthetic network."""
        return self.synthetic_url or f"http://127.0.0.1:{self.synthetic_port}"


def _dialable(host: str) -> str:
    """Return an address that a client can connect to where `host` may be a wildcard."""
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - recognised, not bound
    return wildcards.get(host, f"[{host}]" if ":" in host else host)

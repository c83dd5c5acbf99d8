"""Calls that tell a user's own programs what has happened."""

from omni.storage.migrate import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql("0020_webhooks.sql")

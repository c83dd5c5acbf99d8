"""Conversations, their classes, and events by signed webhook."""

from omni.storage.migrate import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql("0020_inbox.sql")

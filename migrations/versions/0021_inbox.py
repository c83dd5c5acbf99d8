"""Conversations, their classes, and events by signed webhook."""

from omni.storage.migrate import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql("0021_inbox.sql")

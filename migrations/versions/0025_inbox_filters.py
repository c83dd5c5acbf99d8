"""Conversations are listed by campaign."""

from omni.storage.migrate import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql("0025_inbox_filters.sql")

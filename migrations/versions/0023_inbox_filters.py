"""Conversations are listed by campaign."""

from omni.storage.migrate import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql("0023_inbox_filters.sql")

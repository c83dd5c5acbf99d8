"""Replies that wait for a model are those to a campaign."""

from omni.storage.migrate import run_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_sql("0028_unclear_replies.sql")

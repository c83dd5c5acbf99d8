"""Cheaper pairs, and refreshes that can be resumed."""

from omni.storage.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("0002_candidates.sql")

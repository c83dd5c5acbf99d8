"""Planned looks."""

from omni.storage.migrate import run_sql

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    run_sql("0005_refresh.sql")

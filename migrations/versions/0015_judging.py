"""Judges for each campaign, comparisons that jobs make, verdicts that outlive an edit."""

from omni.storage.migrate import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql("0015_judging.sql")

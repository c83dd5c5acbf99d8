"""A shortlist that does not walk past the judged, and calls that nobody pays for twice."""

from omni.storage.migrate import run_sql

revision = "0012"
down_revision = "0007"


def upgrade() -> None:
    run_sql("0012_shortlist.sql")

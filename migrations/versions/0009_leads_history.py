"""What became of leads, and verdicts that came after a person's decision."""

from omni.storage.migrate import run_sql

revision = "0009"
down_revision = "0013"


def upgrade() -> None:
    run_sql("0009_leads_history.sql")

"""What judges were asked and what they answered."""

from omni.storage.migrate import run_sql

revision = "0008"
down_revision = "0011"


def upgrade() -> None:
    run_sql("0008_recordings.sql")

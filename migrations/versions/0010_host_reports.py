"""What processes tell of the hosts that they ask."""

from omni.storage.migrate import run_sql

revision = "0010"
down_revision = "0002"


def upgrade() -> None:
    run_sql("0010_host_reports.sql")

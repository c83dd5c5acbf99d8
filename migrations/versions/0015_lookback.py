"""Messages that were perhaps sent are looked for in their threads."""

from omni.storage.migrate import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql("0015_lookback.sql")

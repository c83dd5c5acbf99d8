"""Messages that were perhaps sent are looked for in their threads."""

from omni.storage.migrate import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql("0017_lookback.sql")

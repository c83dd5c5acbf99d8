"""When an account may send, how it is doing, and whose account writes to a person."""

from omni.storage.migrate import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql("0019_pacing.sql")

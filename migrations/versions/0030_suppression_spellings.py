"""The spellings of one suppression belong together."""

from omni.storage.migrate import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql("0030_suppression_spellings.sql")

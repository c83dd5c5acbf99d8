"""The spellings of one suppression belong together."""

from omni.storage.migrate import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_sql("0031_suppression_spellings.sql")

"""How messages are written, follow-ups, and approval without a person."""

from omni.storage.migrate import run_sql

revision = "0014"
down_revision = "0009"


def upgrade() -> None:
    run_sql("0014_drafting.sql")

"""When a message was handed over in a file."""

from omni.storage.migrate import run_sql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_sql("0032_handed_over.sql")

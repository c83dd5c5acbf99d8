"""Files of people that are taken in, and what was read of web pages."""

from omni.storage.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql("0006_imports.sql")

"""Why an autopilot went off by itself."""

from omni.storage.migrate import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql("0027_autopilot_off.sql")

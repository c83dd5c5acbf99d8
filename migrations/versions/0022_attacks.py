"""What judges made of hostile profiles."""

from omni.storage.migrate import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql("0022_attacks.sql")

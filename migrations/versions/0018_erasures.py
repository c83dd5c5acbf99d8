"""People who were erased: what is kept of it, and what keeps them out."""

from omni.storage.migrate import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql("0018_erasures.sql")

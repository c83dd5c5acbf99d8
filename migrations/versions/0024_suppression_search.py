"""Suppressions are looked for by how a name begins."""

from omni.storage.migrate import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql("0024_suppression_search.sql")

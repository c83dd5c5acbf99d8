"""Places, the version of enrichment, and the layout of profiles."""

from omni.storage.migrate import run_sql

revision = "0004"
down_revision = "0006"


def upgrade() -> None:
    run_sql("0004_enrichment.sql")

"""How judges compare, and what people say where they disagree."""

from omni.storage.migrate import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql("0013_comparisons.sql")

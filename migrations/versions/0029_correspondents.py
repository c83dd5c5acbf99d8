"""People who have written to one of our accounts."""

from omni.storage.migrate import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_sql("0029_correspondents.sql")

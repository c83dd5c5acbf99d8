"""The logs of crawls."""

from omni.storage.migrate import run_sql

revision = "0003"
down_revision = "0010"


def upgrade() -> None:
    run_sql("0003_crawl_steps.sql")

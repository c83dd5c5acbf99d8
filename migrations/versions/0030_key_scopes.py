"""Keys that may draft but not send, that run out, and that a person can tell apart."""

from omni.storage.migrate import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql("0030_key_scopes.sql")

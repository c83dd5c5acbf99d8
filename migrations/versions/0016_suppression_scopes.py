"""Suppressions of persons, domains, platforms and everybody; and their lifting."""

from omni.storage.migrate import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql("0016_suppression_scopes.sql")

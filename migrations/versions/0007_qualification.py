"""What calls of a model cost: the ledger, and each campaign's limits of a day."""

from omni.storage.migrate import run_sql

revision = "0007"
down_revision = "0008"


def upgrade() -> None:
    run_sql("0007_qualification.sql")

"""Pictures whose objects are collected."""

from omni.storage.migrate import run_sql

revision = "0011"
down_revision = "0004"


def upgrade() -> None:
    run_sql("0011_images.sql")

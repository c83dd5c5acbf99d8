"""What a judge is shown of a person, pictures included."""

from omni.storage.migrate import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql("0026_pictures_shown.sql")

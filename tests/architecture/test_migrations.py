"""Migrations are safe on a live database, go forward only, and form one line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.architecture.tree import ROOT

MIGRATIONS = ROOT / "migrations"
SQUAWK = Path(sys.executable).with_name("squawk")
BOUNDED_ANYWAY = "prefer-bigint-over-int,prefer-bigint-over-smallint"


def findings(path: Path) -> list[dict[str, Any]]:
    """Return what squawk finds wrong with a file that runs in a transaction."""
    ran = subprocess.run(
        [
            SQUAWK,
            "--assume-in-transaction",
            "--pg-version=18.0",
            f"--exclude={BOUNDED_ANYWAY}",
            "--reporter=json",
            path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("path", sorted((MIGRATIONS / "sql").glob("*.sql")), ids=lambda p: p.name)
def test_a_migration_is_safe_on_a_live_database(path: Path) -> None:
    assert [(f["line"], f["rule_name"]) for f in findings(path)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "alter table leads add column seen boolean not null;",
        "create index leads_by_seen on leads (seen);",
        "alter table leads drop column score;",
    ],
)
def test_what_is_not_safe_is_found(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "bad.sql"
    path.write_text(
        f"set local lock_timeout = '5s';\nset local statement_timeout = '10min';\n{statement}\n"
    )
    assert findings(path)


def test_revisions_form_one_line_and_only_go_forward() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert len(script.get_heads()) == 1
    for path in (MIGRATIONS / "versions").glob("*.py"):
        text = path.read_text("utf-8")
        assert "def upgrade" in text
        assert "def downgrade" not in text
        (named,) = re.findall(r'run_sql\("([^"]+)"\)', text)
        assert (MIGRATIONS / "sql" / named).is_file()
        assert path.stem == Path(named).stem

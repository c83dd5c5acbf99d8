"""What README and docs promise is so: commands, settings, links, states, tables, folders."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any, cast

import pytest
from typer.main import get_command

from omni.api.lead_files import COLUMNS
from omni.base.settings import Settings
from omni.cli.main import app
from omni.storage.sql import parse_queries

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCE = ROOT / "src" / "omni"


def text_of(*names: str) -> str:
    return "\n".join((ROOT / name).read_text("utf-8") for name in names)


def settings_text() -> dict[str, str]:
    """Return each setting's default as one writes it in a file of variables."""
    return {
        f"OMNI_{name.upper()}": _as_written(field.default)
        for name, field in Settings.model_fields.items()
    }


def _as_written(default: object) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_every_setting_is_explained_with_its_default() -> None:
    lines = text_of(".env.example").splitlines()
    written = dict(re.findall(r"^#(OMNI_\w+)=(.*)$", "\n".join(lines), re.M))
    defaults = {name: re.sub(r"\.0$", "", value) for name, value in settings_text().items()}
    assert written == defaults
    assert len([line for line in lines if re.match(r"#OMNI_\w+=", line)]) == len(defaults)
    assert not [line for line in lines if line and not line.startswith("#")]


def subcommands(command: object) -> dict[str, Any]:
    return cast("dict[str, Any]", getattr(command, "commands", {}))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", text_of("Makefile"), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", text, re.M))
    assert named <= targets, page.name
    known = subcommands(get_command(app))
    for words in re.findall(r"(?:^|`|run --rm )omni ((?:[a-z]+(?:-[a-z]+)* ?)+)", text, re.M):
        command, *rest = words.split()
        assert command in known, f"{page.name}: omni {words}"
        if rest and (below := subcommands(known[command])):
            assert rest[0] in below, f"{page.name}: omni {words}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_settings_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"\bOMNI_[A-Z_]+[A-Z]\b", page.read_text("utf-8")))
    assert named <= set(settings_text()), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def diagram(title: str) -> set[str]:
    """Return the states of the diagram under a heading of states.md."""
    (section,) = re.findall(
        rf"^## {title}$(.*?)(?=^## |\Z)", text_of("docs/states.md"), re.M | re.S
    )
    arrows = re.findall(r"^\s+(\S+) --> (\w+|\[\*\])", section, re.M)
    return {state for arrow in arrows for state in arrow} - {"[*]"}


@pytest.mark.parametrize(
    ("title", "table"), [("Job", "jobs"), ("Lead", "leads"), ("Message", "messages")]
)
def test_the_states_are_those_of_the_database(title: str, table: str) -> None:
    sql = "\n".join(p.read_text("utf-8") for p in sorted((ROOT / "migrations/sql").glob("*.sql")))
    (body,) = re.findall(rf"^create table {table} \((.*?)^\)", sql, re.M | re.S)
    (listed,) = re.findall(r"check \(state in\s*\(([^)]*)\)\)", body)
    assert diagram(title) == set(re.findall(r"'(\w+)'", listed))


def test_the_folders_are_told_in_their_order() -> None:
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    layers = contract["importlinter:contract:layers"]["layers"].split()
    (rooms,) = re.findall(r"^## Rooms$(.*?)^## ", text_of("ARCHITECTURE.md"), re.M | re.S)
    assert re.findall(r"^\| `(\w+)` \|", rooms, re.M) == layers


def test_the_tables_are_told_with_their_owners() -> None:
    told = {
        room: set(re.findall(r"`(\w+)`", tables))
        for room, tables in re.findall(
            r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$",
            text_of("ARCHITECTURE.md").partition("## Data")[2],
            re.M,
        )
    }
    owned: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*queries.sql"):
        owns = parse_queries(path.read_text("utf-8")).owns
        owned.setdefault(path.parent.name, set()).update(owns)
    assert told == {room: tables for room, tables in owned.items() if tables}


def test_words_of_the_glossary_are_in_order_and_name_what_there_is() -> None:
    rows = re.findall(
        r"^\| \*\*(.+?)\*\* \| .+ \| `([\w.]+)` \|$", text_of("docs/glossary.md"), re.M
    )
    words = [word for word, _ in rows]
    assert words == sorted(words)
    assert len(words) >= 30
    sql = "\n".join(p.read_text("utf-8") for p in sorted((ROOT / "migrations/sql").glob("*.sql")))
    for word, place in rows:
        name = place.split(".")
        if name[0] == "omni":
            folder = SOURCE.joinpath(*name[1:])
            parent = folder.with_suffix(".py"), folder.parent.with_suffix(".py")
            assert folder.is_dir() or any(path.is_file() for path in parent), word
        else:
            assert re.search(rf"^create table {name[0]} \(", sql, re.M), word
            made = rf"(?:^\s+|add column ){name[-1]} "
            assert len(name) == 1 or re.search(made, sql, re.M), word


def test_decisions_are_listed() -> None:
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text_of("docs/adr/README.md")))
    assert listed == {path.name for path in (ROOT / "docs" / "adr").glob("0*.md")}


def test_the_locks_agree_and_name_no_address() -> None:
    run, dev = (
        dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text_of(name), re.M))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert run.items() <= dev.items()
    assert "pytest" in dev.keys() - run.keys()
    assert "://" not in text_of("requirements.lock", "requirements-dev.lock")


def test_the_columns_of_lead_files_are_told() -> None:
    (table,) = re.findall(r"^\| Column \| Is \|$(.*?)^$", text_of("docs/exporting.md"), re.M | re.S)
    first_cells = re.findall(r"^\|([^|]+)\|", table, re.M)
    told = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert told == list(COLUMNS)

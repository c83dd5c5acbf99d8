"""Errors as people see them: one line that says what to do, and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import cast

from pydantic import ValidationError
from typer.exceptions import TyperException

from omni.base.errors import Conflict, NotFound, OmniError, Rejected, Unauthorized
from omni.base.settings import Settings

OK = 0
FAULT = 1
MISTAKE = 2
INTERRUPTED = 130
_MISTAKES = (Rejected, NotFound, Conflict, Unauthorized)
_SCHEMA_IS_OLDER = frozenset({"42P01", "42703"})  # undefined table, undefined column


def read_settings() -> Settings:
    """Read the settings.

    Raises:
        Rejected: One of them is wrong; the message names its variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        mistakes = (
            f"OMNI_{'_'.join(str(place) for place in mistake['loc']).upper()}: {mistake['msg']}"
            for mistake in error.errors(include_url=False)
        )
        raise Rejected("; ".join(mistakes)) from error


def guarded(run: Callable[[], object], *, as_json: bool = False) -> int:
    """Run a command and return its exit code; say in one line on standard error what failed.

    Args:
        run: The command.
        as_json: Say it on standard output as well, as `{"error": …}`: who asked for JSON reads it.
    """
    try:
        told = run()
        return told if isinstance(told, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stdout = None  # type: ignore[assignment]
        return OK
    except Exception as error:
        line, code = explain(error)
        if os.environ.get("OMNI_LOG_LEVEL", "").lower() == "debug":
            traceback.print_exception(error)
        if as_json:
            print(json.dumps({"error": _as_document(error, line)}))  # noqa: T201
        print(f"omni: {line}", file=sys.stderr)  # noqa: T201
        return code


def explain(error: BaseException) -> tuple[str, int]:
    """Return what to tell a person of an error, in one line, and the exit code it deserves."""
    from omni.client.client import ApiProblem, ApiUnreachable

    error = _first(error)
    if getattr(error, "sqlstate", None) in _SCHEMA_IS_OLDER:
        return f"the database has another version's schema: run `omni migrate` ({error})", MISTAKE
    match error:
        case Rejected(field=str(field)):
            return one_line(_with_field(field, str(error))), MISTAKE
        case OmniError():
            return one_line(str(error)), MISTAKE if isinstance(error, _MISTAKES) else FAULT
        case TyperException():
            told = getattr(error, "format_message", lambda: str(error))()
            return one_line(f"{told} (`omni --help` lists the commands)"), MISTAKE
        case ApiProblem():
            told = _with_field(error.field, str(error))
            return one_line(told), MISTAKE if error.status < 500 else FAULT
        case ApiUnreachable():
            return one_line(f"{error}: start Omni with `make up`, or set OMNI_API_PORT"), FAULT
        case _:
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            return one_line(f"{told} (OMNI_LOG_LEVEL=debug shows where)"), FAULT


def _with_field(field: str | None, told: str) -> str:
    """Name the offending field, unless what is told begins with it, as the API's details do."""
    return told if not field or told.startswith(f"{field}: ") else f"{field}: {told}"


def _as_document(error: BaseException, line: str) -> dict[str, object]:
    """Return an error for programs: the status and the field are null where there are none."""
    error = _first(error)
    return {
        "detail": line,
        "field": getattr(error, "field", None),
        "status": getattr(error, "status", None),
    }


def _first(error: BaseException) -> BaseException:
    """Return the first error of a group, which is as much as one line can tell."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return _first(group.exceptions[0])
    return error


def one_line(text: str) -> str:
    """Return `text` without line breaks."""
    return " ".join(text.split())

"""What people are told when something goes wrong, and the exit code that programs get."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from omni.base.errors import Conflict, Fatal, NotFound, Rejected, Transient, Unauthorized
from omni.cli.faults import FAULT, MISTAKE, explain, guarded
from omni.cli.main import run
from omni.client.client import ApiProblem, ApiUnreachable

DETAIL = "platform: there is no such platform"


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (Rejected("must be 1 or more", field="limit"), "limit: must be 1 or more", MISTAKE),
        (NotFound("no lead 7"), "no lead 7", MISTAKE),
        (Conflict("it is finished"), "it is finished", MISTAKE),
        (Unauthorized("a key is needed"), "a key is needed", MISTAKE),
        (Transient("database: gone"), "database: gone", FAULT),
        (Fatal("two\nlines"), "two lines", FAULT),
        (ApiProblem(422, "Unprocessable", "wrong", field="name"), "name: wrong", MISTAKE),
        (ApiProblem(503, "Unavailable", "later"), "later", FAULT),
        (ApiProblem(422, "Unprocessable", "name: wrong", field="name"), "name: wrong", MISTAKE),
        (ApiUnreachable("no answer from http://x"), "`make up`", FAULT),
        (ExceptionGroup("many", [Rejected("the first"), Fatal("x")]), "the first", MISTAKE),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero", FAULT),
    ],
)
def test_each_error_becomes_one_line_and_a_code(error: Exception, line: str, code: int) -> None:
    told, given = explain(error)
    assert line in told
    assert "\n" not in told
    assert "name: name:" not in told
    assert given == code


def test_a_schema_of_another_version_says_to_migrate() -> None:
    class UndefinedTable(Exception):
        sqlstate = "42P01"

    told, code = explain(UndefinedTable('relation "jobs" does not exist'))
    assert "omni migrate" in told
    assert code == MISTAKE


def test_an_unforeseen_error_shows_its_trace_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("x")

    monkeypatch.setenv("OMNI_LOG_LEVEL", "info")
    assert guarded(fail) == FAULT
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("OMNI_LOG_LEVEL", "debug")
    assert guarded(fail) == FAULT
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "nope"),
        (["leads"], "campaign"),
        (["leads", "one"], "campaign"),
        (["leads", "1", "--limit", "0"], "--limit"),
        (["keys", "revoke", "7"], "omni keys list"),
        (["keys", "create", "x", "--scope", "all"], "read, write"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == MISTAKE
    told = capsys.readouterr()
    assert told.err.startswith("omni: ")
    assert words in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMNI_API_PORT", "many")
    monkeypatch.setenv("OMNI_JUDGE", "dice")
    assert run(["leads", "1"]) == MISTAKE
    told = capsys.readouterr().err
    assert "OMNI_API_PORT" in told
    assert "OMNI_JUDGE" in told
    assert told.count("\n") == 1


def test_an_api_that_is_not_there_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMNI_API_PORT", "1")
    assert run(["campaigns"]) == FAULT
    assert "make up" in capsys.readouterr().err


class Refusing(BaseHTTPRequestHandler):
    """An API that refuses whatever it is asked."""

    def do_POST(self) -> None:
        problem = {"title": "No", "status": 422, "detail": DETAIL, "field": "platform"}
        body = json.dumps({"type": "urn:x", "instance": "/", **problem}).encode()
        self.send_response(422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.mark.parametrize(
    "arguments", [["crawl", "1", "nowhere", "search", "x", "--json"], ["cancel", "x", "--json"]]
)
def test_who_asks_for_json_is_told_of_a_failure_in_json(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OMNI_API_PORT", str(server.server_port))
        assert run(arguments) == MISTAKE
        server.shutdown()
    told = capsys.readouterr()
    assert json.loads(told.out) == {"error": {"detail": DETAIL, "field": "platform", "status": 422}}
    assert told.err == f"omni: {DETAIL}\n"


def test_the_version_and_the_help_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("omni 0.")
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out
    for command in ("up", "demo", "migrate", "api", "crawler", "worker", "scheduler", "ui", "keys"):
        assert f"\n  {command} " in listed

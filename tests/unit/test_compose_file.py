"""compose.yaml says what is true: it cannot be run here, so its parts are held against the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.main import get_command

from omni.base.settings import Settings
from omni.cli.main import app
from omni.cli.supervisor import STOP_S

ROOT = Path(__file__).resolve().parents[2]
FILE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
NEEDED_BY_COMPOSE_ALONE = {"OMNI_POSTGRES_PASSWORD"}


def commands() -> set[str]:
    return set(cast("dict[str, Any]", getattr(get_command(app), "commands")))  # noqa: B009


def test_it_has_the_servers_and_every_part() -> None:
    assert set(SERVICES) - set(OURS) == {"postgres", "redis", "ollama"}
    assert set(OURS) == {"migrate", "api", "crawler", "worker", "scheduler", "ui"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_there_is(name: str) -> None:
    assert OURS[name]["command"] == [name]
    assert name in commands()


@pytest.mark.parametrize("name", OURS)
def test_a_service_sets_only_settings_that_there_are(name: str) -> None:
    known = {f"OMNI_{field.upper()}" for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) <= known
    assert {"OMNI_DATABASE_URL", "OMNI_REDIS_URL"} <= set(OURS[name]["environment"])


@pytest.mark.parametrize("name", OURS)
def test_the_users_settings_reach_a_service_but_for_what_is_the_containers_own(name: str) -> None:
    """What stands in `environment` goes before the file."""
    assert OURS[name]["env_file"] == [{"path": ".env", "required": False}]
    own = {"OMNI_DATA_DIR": "/data"}
    for port in OURS[name].get("ports", ()):
        own[f"OMNI_{name.upper()}_PORT"] = port.rpartition(":")[2]
        own[f"OMNI_{name.upper()}_HOST"] = "0.0.0.0"
    if name == "ui":
        own |= {"OMNI_API_HOST": "api", "OMNI_API_PORT": SERVICES["api"]["ports"][0][-4:]}
    set_here = {key: str(value) for key, value in OURS[name]["environment"].items()}
    assert own.items() <= set_here.items()


def test_variables_are_explained_where_users_set_them() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text("utf-8")))
    explained = set(re.findall(r"^#(OMNI_\w+)=", (ROOT / ".env.example").read_text("utf-8"), re.M))
    assert used - NEEDED_BY_COMPOSE_ALONE <= explained


def test_dependencies_exist_and_can_fulfil_their_condition() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert SERVICES[name]["restart"] == "no"


def test_ports_are_open_to_this_machine_alone() -> None:
    defaults = Settings.model_construct()
    published = {
        name: service["ports"] for name, service in SERVICES.items() if service.get("ports")
    }
    assert published == {
        name: [f"127.0.0.1:{port}:{port}"]
        for name, port in (
            ("api", defaults.api_port),
            ("crawler", defaults.crawler_port),
            ("ui", defaults.ui_port),
        )
    }


def test_whatever_listens_is_watched() -> None:
    for name in ("postgres", "redis", "ollama", "api", "crawler", "ui"):
        assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", ["worker", "crawler"])
def test_who_runs_jobs_gets_the_time_to_end_them(name: str) -> None:
    (seconds,) = re.findall(r"^(\d+)s$", SERVICES[name].get("stop_grace_period", "10s"))
    assert int(seconds) >= STOP_S


def test_volumes_are_declared() -> None:
    used = {v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", [])}
    assert used == set(FILE["volumes"])


def test_the_image_is_made_of_files_that_there_are() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (.+)$", dockerfile, re.M)
        for name in line.split()[:-1]
    ]  # fmt: skip
    assert "requirements.lock" in copied
    allowed = (ROOT / ".dockerignore").read_text("utf-8").split()
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in allowed

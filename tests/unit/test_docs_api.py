"""The README's calls of the API fit the API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from omni.api.app import create_api
from omni.api.deps import ApiDeps
from omni.api.schemas import CampaignIn, DiscoverIn, FeedbackIn
from omni.dispatch.template import VARIABLES, MessageTemplate
from omni.predicate.plan import compile_criteria

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
CALLS = re.findall(
    r"\bcurl -s(?:X (\w+))? \"?\$api(/[\w/]+)[^\s|]*(?: -H '[^']+')?(?: -d '(.*?)')?(?: \||\)|$)",
    re.sub(r"\$(?:campaign|lead)\b", "1", README),
    re.M | re.S,
)
BODIES: dict[str, type[BaseModel]] = {
    "/campaigns": CampaignIn,
    "/campaigns/1/discover": DiscoverIn,
    "/leads/1/feedback": FeedbackIn,
}


def paths() -> dict[str, dict[str, Any]]:
    nothing = cast("Any", None)
    deps = ApiDeps(db=nothing, broker=nothing, platforms={}, vault=nothing, clock=nothing)
    return create_api(deps).openapi()["paths"]


def test_there_are_calls_for_every_step() -> None:
    assert len(CALLS) == len(re.findall(r"\bcurl -s", README)) >= 7


@pytest.mark.parametrize(("method", "path"), [(m or "GET", p) for m, p, _ in CALLS])
def test_a_call_has_its_route(method: str, path: str) -> None:
    form = re.sub(r"/\d+", "/{}", path)
    forms = {re.sub(r"\{\w+\}", "{}", known): known for known in paths()}
    assert method.lower() in paths()[forms[form]]


@pytest.mark.parametrize(("path", "body"), [(p, b) for _, p, b in CALLS if b])
def test_a_body_is_valid(path: str, body: str) -> None:
    read = BODIES[path].model_validate(json.loads(body))
    if isinstance(read, CampaignIn):
        assert compile_criteria(read.criteria).english
        MessageTemplate(read.message_template)


def test_the_names_of_templates_are_told() -> None:
    (told,) = re.findall(r"small part of Jinja2 with ([^.]+)\.", README)
    assert set(re.findall(r"`(\w+)`", told)) == VARIABLES

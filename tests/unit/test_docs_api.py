"""The README's calls of the API fit the API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from omni.api.app import create_api
from omni.api.deps import ApiDeps
from omni.api.schemas import CampaignIn, DiscoverIn, FeedbackIn
from omni.api.schemas.examples import ANSWERS, BODIES
from omni.api.schemas.requests import EXAMPLE_CRITERIA
from omni.dispatch.template import VARIABLES, MessageTemplate
from omni.predicate.plan import compile_criteria

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
CALLS = re.findall(
    r"\bcurl -s(?:X (\w+))? \"?\$api(/[\w/]+)[^\s|]*(?: -H '[^']+')?(?: -d '(.*?)')?(?: \||\)|$)",
    re.sub(r"\$(?:campaign|lead)\b", "1", README),
    re.M | re.S,
)
TAKEN: dict[str, type[BaseModel]] = {
    "/campaigns": CampaignIn,
    "/campaigns/1/discover": DiscoverIn,
    "/leads/1/feedback": FeedbackIn,
}


def document() -> dict[str, Any]:
    nothing = cast("Any", None)
    deps = ApiDeps(db=nothing, broker=nothing, platforms={}, vault=nothing, clock=nothing)
    return create_api(deps).openapi()


def paths() -> dict[str, dict[str, Any]]:
    return document()["paths"]


def test_there_are_calls_for_every_step() -> None:
    assert len(CALLS) == len(re.findall(r"\bcurl -s", README)) >= 7


@pytest.mark.parametrize(("method", "path"), [(m or "GET", p) for m, p, _ in CALLS])
def test_a_call_has_its_route(method: str, path: str) -> None:
    form = re.sub(r"/\d+", "/{}", path)
    forms = {re.sub(r"\{\w+\}", "{}", known): known for known in paths()}
    assert method.lower() in paths()[forms[form]]


@pytest.mark.parametrize(("path", "body"), [(p, b) for _, p, b in CALLS if b])
def test_a_body_is_valid(path: str, body: str) -> None:
    read = TAKEN[path].model_validate(json.loads(body))
    if isinstance(read, CampaignIn):
        assert compile_criteria(read.criteria).english
        MessageTemplate(read.message_template)


def test_the_names_of_templates_are_told() -> None:
    (told,) = re.findall(r"small part of Jinja2 with ([^.]+)\.", README)
    assert set(re.findall(r"`(\w+)`", told)) == VARIABLES


def test_every_body_has_an_example() -> None:
    told = document()
    schemas, bodies = told["components"]["schemas"], set[str]()
    for operations in told["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            bodies |= set(re.findall(r"schemas/(\w+)", json.dumps(content)))
    assert len(bodies) > 25
    assert not [name for name in sorted(bodies) if not schemas[name].get("examples")]
    assert bodies >= BODIES.keys()
    assert schemas.keys() >= ANSWERS.keys()


def test_every_example_is_valid() -> None:
    told = document()
    examples = 0
    for name, schema in told["components"]["schemas"].items():
        validator: Any = Draft202012Validator({"$ref": f"#/components/schemas/{name}", **told})
        for example in schema.get("examples", ()):
            examples += 1
            assert not [error.message for error in validator.iter_errors(example)], name
    assert examples > 35
    # What no schema says: the criteria's own language.
    campaign = ANSWERS["CampaignOut"]
    compiled = compile_criteria(EXAMPLE_CRITERIA)
    assert (compiled.canonical, compiled.english) == (campaign["criteria"], campaign["english"])

"""A campaign's message template: a small, safe part of Jinja2, rendered for one person at a time.

Text, the variables of `VARIABLES`, `if`, comparisons and a few filters are allowed; loops, calls,
attributes and arithmetic are not, so that no template can take long, grow large or reach anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2 import nodes as jinja
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from omni.base.errors import Rejected
from omni.base.graphemes import count_graphemes

VARIABLES = frozenset({"name", "username", "platform", "reason", "campaign"})
"""`reason` is the best evidence of the verdict; it is unknown where the judge quoted none."""

FILTERS = frozenset({"capitalize", "default", "lower", "title", "trim", "truncate", "upper"})
TESTS = frozenset({"defined", "undefined"})
MAX_TEMPLATE = 4_000
MAX_VALUE = 300
_FIELD = "message_template"
_SAMPLE = dict.fromkeys(VARIABLES, "sample")
_NODES = (
    jinja.Template, jinja.Output, jinja.TemplateData, jinja.Name, jinja.Const, jinja.Filter,
    jinja.Test, jinja.If, jinja.CondExpr, jinja.Compare, jinja.Operand, jinja.And, jinja.Or,
    jinja.Not, jinja.Concat, jinja.Keyword,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Room:
    """How long a message may be: signs as people see them, and bytes of UTF-8."""

    graphemes: int
    bytes: int


_ROOMS: Mapping[str, Room] = {
    # lexicon chat.bsky.convo.defs#messageInput
    "bluesky": Room(1_000, 10_000),
    # 500 by default (StatusLengthValidator), of which the mention of the person takes a part
    "mastodon": Room(460, 16_000),
    # a whole event may have 65,536 bytes (client-server API, size limits)
    "matrix": Room(2_000, 32_000),
}
_USUAL_ROOM = Room(2_000, 16_000)

# Embeddings and overrides of the writing direction can make a text read as another one.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Unrenderable(Exception):
    """This person's text cannot be made, though the template is sound; `str()` says why."""


class MessageTemplate:
    """A checked template.

    Raises:
        Rejected: With the field `message_template`: the text is not a template, asks for an unknown
            variable, or uses more of Jinja2 than is allowed.
    """

    def __init__(self, source: str) -> None:
        if len(source) > MAX_TEMPLATE:
            raise Rejected(f"the template is longer than {MAX_TEMPLATE} characters", field=_FIELD)
        self._template = _compile(source)
        self._text(_SAMPLE)

    def render(self, platform: str, values: Mapping[str, str | None]) -> str:
        """Return the text for one person.

        Args:
            platform: Decides how long the text may be.
            values: One for each of `VARIABLES`; None is unknown, and using it an error.

        Raises:
            Unrenderable: A value that the template uses is unknown, or the text is empty or longer
                than the platform takes.
        """
        known = {name: one_line(value) for name, value in values.items() if value is not None}
        try:
            body = self._text(known)
        except UndefinedError as error:
            raise Unrenderable(f"unknown value: {error.message}") from error
        problem = problem_of(platform, body)
        if problem:
            raise Unrenderable(problem)
        return body

    def _text(self, known: Mapping[str, str]) -> str:
        try:
            return clean(self._template.render(known))
        except UndefinedError:
            raise
        except (TemplateError, TypeError, ValueError) as error:
            raise Rejected(f"the template cannot be rendered: {error}", field=_FIELD) from error


def check_template(source: str) -> None:
    """Refuse a template that could not be rendered; an empty one is fine and drafts nothing.

    Raises:
        Rejected: As in `MessageTemplate`.
    """
    if source.strip():
        MessageTemplate(source)


def reads(source: str, variable: str) -> bool:
    """Tell whether a template that has passed `check_template` uses a variable."""
    return variable in find_undeclared_variables(_ENVIRONMENT.parse(source))


def problem_of(platform: str, body: str) -> str | None:
    """Tell in words why `body` is no message for `platform`, or None."""
    room = room_of(platform)
    if not body:
        return "the text is empty"
    # There are never more graphemes than code points, which are counted at once.
    if len(body) > room.graphemes and count_graphemes(body) > room.graphemes:
        return f"the text is longer than {room.graphemes} characters"
    if len(body.encode()) > room.bytes:
        return f"the text is longer than {room.bytes} bytes"
    return None


def room_of(platform: str) -> Room:
    """Return how long a message on a platform may be."""
    return _ROOMS.get(platform, _USUAL_ROOM)


def clean(text: str) -> str:
    """Return `text` without control characters, direction overrides and broken surrogates."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(character for character in unified if _is_kept(character)).strip()


def one_line(value: str) -> str:
    """Return a value as it may stand inside a message: one line, cut at `MAX_VALUE` characters."""
    words = " ".join(clean(value[: MAX_VALUE * 4]).split())
    return words if len(words) <= MAX_VALUE else words[: MAX_VALUE - 1].rstrip() + "…"


def _is_kept(character: str) -> bool:
    if character == "\n":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in _DIRECTION


def _compile(source: str) -> Template:
    try:
        tree = _ENVIRONMENT.parse(source)
        _check(tree)
        return _ENVIRONMENT.from_string(tree)
    except TemplateSyntaxError as error:
        raise Rejected(f"line {error.lineno}: {error.message}", field=_FIELD) from error
    except (TemplateError, SyntaxError, ValueError) as error:
        raise Rejected(f"not a template: {error}", field=_FIELD) from error
    except (RecursionError, MemoryError) as error:
        raise Rejected("the template is nested too deeply", field=_FIELD) from error


def _check(node: jinja.Node) -> None:
    """Refuse whatever is not known to be harmless."""
    if not isinstance(node, _NODES):
        raise _not_allowed(node, type(node).__name__.lower())
    if isinstance(node, jinja.Name) and (node.ctx != "load" or node.name not in VARIABLES):
        known = ", ".join(sorted(VARIABLES))
        raise Rejected(
            f"line {node.lineno}: unknown variable {node.name!r}; there are {known}", field=_FIELD
        )
    if isinstance(node, jinja.Filter) and node.name not in FILTERS:
        raise _not_allowed(node, f"the filter {node.name!r}")
    if isinstance(node, jinja.Test) and node.name not in TESTS:
        raise _not_allowed(node, f"the test {node.name!r}")
    for child in node.iter_child_nodes():
        _check(child)


def _not_allowed(node: jinja.Node, what: str) -> Rejected:
    return Rejected(f"line {node.lineno}: {what} is not allowed in a template", field=_FIELD)


def _sandbox() -> ImmutableSandboxedEnvironment:
    # Messages are plain text: escaping for HTML would spoil them.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, cache_size=0
    )
    environment.globals.clear()
    filters: dict[str, Any] = environment.filters
    environment.filters = {name: filters[name] for name in FILTERS}
    return environment


_ENVIRONMENT = _sandbox()

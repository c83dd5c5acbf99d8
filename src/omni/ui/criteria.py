"""A form for criteria: rows of field, operator and value in groups; counts follow the typing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.models import CountOut, CriteriaField, PreviewOut
from omni.ui.qualify import estimate_words
from omni.ui.rows import Group, shape, to_groups

WAIT_S = 0.35
HEADS = {"all": "All of these", "any": "Any of these", "none": "None of these"}


class CriteriaBuilder:
    """Edits one document; `document()` is what stands there now.

    Args:
        client: Of the API, which previews.
        document: What to begin with.
        campaign_id: Whose edit it is, so that the preview says what would change.
        brief: Returns the campaign's brief as it stands in the form.
    """

    def __init__(
        self,
        client: OmniClient,
        document: dict[str, Any],
        campaign_id: int | None = None,
        brief: Callable[[], str] | None = None,
    ) -> None:
        self._client = client
        self._campaign_id = campaign_id
        self._brief = brief
        self._document = document
        self._fields: dict[str, CriteriaField] = {}
        self._asked = 0

    def draw(self) -> None:
        """Draw the form; `load` fills it."""
        with ui.column().classes("w-full gap-2").props("data-criteria"):
            with ui.row().classes("w-full items-center"):
                ui.label("Whom do you look for?").classes("font-medium")
                ui.space()
                self._mode = ui.toggle(
                    {"form": "Form", "json": "JSON"}, value="form", on_change=self._switch
                ).props("dense no-caps unelevated")
            self._form = ui.column().classes("w-full gap-2")
            self._json = (
                ui.textarea("Criteria (JSON)", on_change=self._typed)
                .props("outlined autogrow dense debounce=300")
                .classes("w-full font-mono")
            )
            self._json.set_visibility(False)
            self._said = ui.column().classes("w-full gap-1").props("data-preview")

    async def load(self) -> None:
        """Ask for the fields, and show the document and its preview."""
        if not self._fields:
            self._fields = {field.name: field for field in await self._client.criteria_fields()}
        self._show()
        await self._preview()

    def document(self) -> dict[str, Any]:
        """Return the criteria as they stand.

        Raises:
            ValueError: The JSON view holds no JSON object.
        """
        if self._mode.value == "json":
            found: Any = json.loads(str(self._json.value))
            if not isinstance(found, dict):
                raise ValueError("criteria are an object: {…}")
            self._document = cast("dict[str, Any]", found)
        return self._document

    def _switch(self) -> None:
        if self._mode.value == "form":
            try:
                self._document = dict(json.loads(str(self._json.value)))
            except (ValueError, TypeError):
                ui.notify("This is no JSON yet: mend it first", type="warning")
                self._mode.set_value("json")
                return
        self._show()

    def _show(self) -> None:
        group = to_groups(self._document, self._fields)
        if group is None and self._mode.value == "form":
            ui.notify("The form has no rows for all of this: here it is as JSON")
            self._mode.set_value("json")
        as_json = self._mode.value == "json"
        self._form.set_visibility(not as_json)
        self._json.set_visibility(as_json)
        if as_json:
            self._json.set_value(json.dumps(self._document, indent=2, ensure_ascii=False))
            return
        self._form.clear()
        if group is not None:
            with self._form:
                GroupRows(group, self._fields, self._changed).draw()
            self._group = group

    def _changed(self) -> None:
        self._document = self._group.document()
        self._later()

    def _typed(self) -> None:
        if self._mode.value == "json":
            self._later()

    def preview_soon(self) -> None:
        """Preview again: something that counts has changed."""
        self._later()

    def _later(self) -> None:
        """Preview once nobody has typed for a moment."""
        self._asked += 1
        asked = self._asked

        async def ask() -> None:
            if asked == self._asked:
                await self._preview()

        with self._said:
            ui.timer(WAIT_S, ask, once=True)

    async def _preview(self) -> None:
        asked = self._asked
        try:
            document = self.document()
            brief = self._brief() if self._brief and self._campaign_id is not None else None
            told = await self._client.preview_criteria(
                document, campaign_id=self._campaign_id, brief=brief
            )
        except (ApiProblem, ApiUnreachable, ValueError) as problem:
            told = str(problem)
        if asked != self._asked:  # someone typed on meanwhile
            return
        self._said.clear()
        with self._said:
            if isinstance(told, str):
                ui.label(told).classes("text-warning text-sm omni-text")
            else:
                draw_preview(told)


class GroupRows:
    """Draws a group: its head, its rows, and the groups in it."""

    def __init__(self, group: Group, fields: dict[str, CriteriaField], changed: Any) -> None:
        self._group = group
        self._fields = fields
        self._changed = changed

    @ui.refreshable_method
    def draw(self, depth: int = 0) -> None:
        """Draw everything of the group."""
        with ui.column().classes("omni-quote w-full gap-2 py-1"):
            ui.select(HEADS, value=self._group.head, on_change=self._set_head).props(
                'dense borderless aria-label="How the parts go together"'
            )
            for part in list(self._group.parts):
                with ui.row().classes("w-full items-center gap-2 no-wrap"):
                    # It may wrap on a phone, with the button that removes it beside it.
                    with ui.row().classes("items-center gap-2").style("flex:1 1 0;min-width:0"):
                        if isinstance(part, Group):
                            GroupRows(part, self._fields, self._changed).draw(depth + 1)
                        else:
                            self._row(part)
                    ui.button(icon="close", on_click=lambda _, p=part: self._drop(p)).props(
                        'flat round dense size=sm aria-label="Remove"'
                    )
            with ui.row().classes("gap-2"):
                ui.button("Add a test", icon="add", on_click=self._add).props("flat dense no-caps")
                if depth < 1:
                    ui.button("Add a group", icon="add", on_click=self._add_group).props(
                        "flat dense no-caps"
                    )

    def _row(self, clause: dict[str, Any]) -> None:
        field = self._fields.get(str(clause.get("field")))
        names = {name: known.label for name, known in self._fields.items()}
        chosen = field.name if field else None
        ui.select(
            names, value=chosen, on_change=lambda e: self._set_field(clause, str(e.value))
        ).props('dense outlined aria-label="Field"').style("min-width:10rem")
        if field is None:
            return
        op = clause.get("op")
        ui.select(
            field.operators,
            value=op if op in field.operators else field.operators[0],
            on_change=lambda e: self._set_op(clause, field, str(e.value)),
        ).props('dense outlined aria-label="Operator"').style("min-width:7.5rem")
        draw_value(clause, field, self._changed)

    def _set_head(self, event: Any) -> None:
        self._group.head = event.value
        self._changed()

    def _set_field(self, clause: dict[str, Any], name: str) -> None:
        field = self._fields[name]
        clause.update(field=name, op=field.operators[0])
        clause["value"] = usual_value(field, field.operators[0])
        self._redraw()

    def _set_op(self, clause: dict[str, Any], field: CriteriaField, op: str) -> None:
        before, clause["op"] = shape(str(clause["op"])), op
        if before != shape(op):
            clause["value"] = usual_value(field, op)
        self._redraw()

    def _drop(self, part: object) -> None:
        # By identity: a second click on a row that is on its way out removes nothing else.
        self._group.parts = [other for other in self._group.parts if other is not part]
        self._redraw()

    def _add(self) -> None:
        self._group.parts.append({"field": "followers", "op": ">=", "value": 100})
        self._redraw()

    def _add_group(self) -> None:
        clause = {"field": "country", "op": "in", "value": ["de"]}
        self._group.parts.append(Group("any", [clause]))
        self._redraw()

    def _redraw(self) -> None:
        self.draw.refresh()
        self._changed()


def usual_value(field: CriteriaField, op: str) -> Any:
    """Return a value to begin with."""
    one: Any = {"number": 100, "date": "30 days ago", "boolean": True}.get(field.kind, "")
    if field.kind == "date" and op in ("=", "!=", "in", "not in"):
        one = "2026-01-31"
    match shape(op):
        case "flag":
            return True
        case "pair":
            return [100, 1_000] if field.kind == "number" else ["1 year ago", "30 days ago"]
        case "list":
            return [one] if one != "" else []
        case _:
            return one


def draw_value(clause: dict[str, Any], field: CriteriaField, changed: Any) -> None:
    """Draw the input that fits the field and the operator."""
    value, form = clause.get("value"), shape(str(clause["op"]))

    def put(new: Any) -> None:
        clause["value"] = new
        changed()

    if form == "flag" or field.kind == "boolean":
        ui.select(
            {True: "yes", False: "no"}, value=value is not False, on_change=lambda e: put(e.value)
        ).props('dense outlined aria-label="Value"')
    elif form == "list":
        listed = ", ".join(str(v) for v in _items(value))

        def put_list(text: str) -> None:
            put(_list(text, field))

        _text(listed, put_list, "Several, with commas between")
    elif form == "pair":
        pair = [*_items(value), None, None][:2]
        for side, name in ((0, "From"), (1, "To")):

            def put_side(new: Any, side: int = side) -> None:
                pair[side] = new
                put(list(pair))

            _one(pair[side], field, put_side, name)
    else:
        _one(value, field, put, "Value")


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _one(value: Any, field: CriteriaField, put: Any, name: str) -> None:
    if field.kind == "number":
        ui.number(value=value, on_change=lambda e: put(_whole(e.value))).props(
            f'dense outlined aria-label="{name}"'
        ).style("width:8rem")
        return
    hint = "2026-01-31 or 30 days ago" if field.kind == "date" else ""
    _text("" if value is None else str(value), put, name, hint)


def _text(value: str, put: Any, name: str, hint: str = "") -> None:
    ui.input(value=value, placeholder=hint, on_change=lambda e: put(e.value)).props(
        f'dense outlined aria-label="{name}"'
    ).classes("grow")


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


def _list(text: str, field: CriteriaField) -> list[Any]:
    items = [item.strip() for item in text.split(",") if item.strip()]
    return [_number(item) for item in items] if field.kind == "number" else list(items)


def _number(item: str) -> float | int | str:
    try:
        return _whole(float(item)) or 0
    except (ValueError, OverflowError):
        return item


def draw_preview(told: PreviewOut) -> None:
    """Draw what the criteria say, how many fit, and what an edit would do."""
    ui.label(told.english).classes("omni-muted text-sm omni-text").props("data-english")
    with ui.row().classes("items-baseline gap-2"):
        fits = _many(told.fits) if told.fits else "?"
        ui.label(fits).classes("text-xl font-semibold").props("data-count")
        ui.label(f"of {told.profiles:,} known people fit").classes("omni-muted text-sm")
    if told.edit and told.edit.changes:
        edit = told.edit
        ui.label(
            f"Saving: {_many(edit.enters)} enter, {_many(edit.leaves)} leave; "
            f"{edit.calls_next_run:,} new judgements in the next run, "
            f"{_many(edit.calls_in_all)} in all"
            + (f"; {edit.kept:,} verdicts stand" if edit.kept else "")
        ).classes("text-sm font-medium omni-text").props("data-edit")
        if edit.estimate:
            ui.label(f"In all: {'; '.join(estimate_words(edit.estimate))}").classes(
                "text-sm omni-muted omni-text"
            ).props("data-edit-estimate")
    for note in told.notes:
        ui.label(f"{note.kind}: {note.text}").classes("text-warning text-sm omni-text")
    with ui.expansion("Each test, examples, SQL").classes("w-full text-sm").props("dense"):
        for clause in told.clauses:
            unknown = f", unknown of {clause.unknown:.0%}" if clause.unknown else ""
            ui.label(f"{clause.fits:.1%}{unknown}: {clause.english}").classes("omni-text")
        _examples([match.display_name or match.username for match in told.matches])
        ui.label(told.sql).classes("font-mono text-xs omni-text omni-muted")
        params = json.dumps(told.params, ensure_ascii=False)
        ui.label(params).classes("font-mono text-xs omni-text omni-muted")


def _examples(names: Sequence[str]) -> None:
    if names:
        ui.label(f"Such as {', '.join(names)}").classes("omni-text")


def _many(count: CountOut) -> str:
    return f"{count.value:,}" if count.exact else f"about {count.value:,}"

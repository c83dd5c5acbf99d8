"""Files as people really have them: odd encodings, dialects, damage. Nothing is lost silently."""

from __future__ import annotations

import csv
import gzip
import json
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.connectors.file.desk import Reader
from omni.connectors.file.guess import guess
from omni.connectors.file.lines import MAX_LINE, detect_encoding
from omni.connectors.file.people import to_person
from omni.connectors.file.reading import inspect, read_rows
from omni.connectors.file.seen import Seen
from omni.connectors.file.types import Problem, Row, RowMap, Shape, Taken
from omni.imports.plan import problems_csv

MAPPING = RowMap({"id": "platform_id", "name": "display_name", "followers": "followers"})


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def rows(path: Path, name: str = "people.csv") -> tuple[Shape, list[Row]]:
    shape = inspect(path, name)
    return shape, list(read_rows(path, shape))


def person(cells: dict[str, object], mapping: RowMap, known: set[str] | None = None) -> Taken:
    return to_person(Row(2, cells), mapping, known or set())


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_the_encoding_is_found_and_the_names_come_out_right(
    tmp_path: Path, encoding: str, found: str
) -> None:
    path = written(tmp_path / "f", "id,name\n1,Zoë Müller\n", encoding)
    shape, (row,) = rows(path)
    assert shape.encoding == found
    assert row.cells == {"id": "1", "name": "Zoë Müller"}


def test_bytes_that_no_windows_letter_has_are_latin_1(tmp_path: Path) -> None:
    assert detect_encoding(written(tmp_path / "f", b"id,name\n1,\x81\xe9\n")) == "latin-1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_though_others_stand_in_the_cells(
    tmp_path: Path, delimiter: str
) -> None:
    lines = [["id", "name", "bio"], *([str(n), "A", f'"x, y; z {n}"'] for n in range(20))]
    path = written(tmp_path / "f", "\r\n".join(delimiter.join(line) for line in lines))
    shape, found = rows(path)
    assert (shape.delimiter, shape.columns) == (delimiter, ("id", "name", "bio"))
    assert len(found) == 20
    assert found[3].cells == {"id": "3", "name": "A", "bio": "x, y; z 3"}


def test_quoted_line_breaks_blank_and_ragged_rows_keep_their_numbers(tmp_path: Path) -> None:
    text = 'id,name\n1,"two\nlines"\n\n3\n4,D,,\n5,E,too,many\n6,"say ""hi"""\n'
    _, found = rows(written(tmp_path / "f", text))
    taken = [to_person(row, MAPPING, set()) for row in found]
    assert [(t.number, t.profile.platform_id if t.profile else None) for t in taken] == [
        (2, "1"), (3, None), (4, "3"), (5, "4"), (6, None), (7, "6"),
    ]  # fmt: skip
    assert taken[0].profile is not None
    assert taken[0].profile.display_name == "two\nlines"
    assert taken[1].problems == ()
    (ragged,) = taken[4].problems
    assert (ragged.row, ragged.lost) == (6, "row")
    assert "4 cells" in ragged.what


def test_a_cell_of_ten_megabytes_costs_its_own_value_only(tmp_path: Path) -> None:
    path = written(tmp_path / "f", f"id,name\n1,{'x' * 10_000_000}\n2,B\n")
    _, found = rows(path)
    first, second = (to_person(row, MAPPING, set()) for row in found)
    assert first.profile is not None
    assert first.profile.display_name is None
    assert "10,000,000 characters" in first.problems[0].what
    assert second.profile is not None
    assert second.profile.display_name == "B"


def test_a_line_without_end_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("wb") as file:
        file.write(b"id,name\n")
        for _ in range(MAX_LINE // 1_000_000 + 1):
            file.write(b"x" * 1_000_000)
    with pytest.raises(Rejected, match="is this text"):
        list(read_rows(path, Shape("csv", ("id", "name"), "utf-8", ",")))


def test_zero_bytes_and_evil_ids_never_reach_a_profile(tmp_path: Path) -> None:
    _, found = rows(written(tmp_path / "f", b"id,name\n1,A\x00B\n2\x1b[31m,C\n"))
    first, second = (to_person(row, MAPPING, set()) for row in found)
    assert first.profile is not None
    assert first.profile.display_name == "AB"
    assert second.profile is None
    assert second.problems[0].lost == "row"


def test_json_lines_with_damage_between_them(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": 1, "profile": {"name": "A"}, "followers": 12}),
        "{broken",
        "[1]",
        "",
        "[" * 100_000,
        json.dumps({"id": "2", "followers": [1]}),
    ]
    path = written(tmp_path / "f", "\n".join(lines))
    shape, found = rows(path, "people.jsonl")
    assert shape.columns == ("id", "profile.name", "followers")
    assert [row.number for row in found if row.cells is None] == [2, 3, 5]
    mapping = guess(shape.columns, found)
    assert mapping.columns == {
        "id": "platform_id", "profile.name": "display_name", "followers": "followers",
    }  # fmt: skip
    first, last = to_person(found[0], mapping, set()), to_person(found[-1], mapping, set())
    assert first.profile is not None
    assert (first.profile.platform_id, first.profile.followers) == ("1", 12)
    assert last.profile is not None
    assert last.profile.followers == 1


def test_parquet_gives_the_same_people_as_csv(tmp_path: Path) -> None:
    people = [{"id": f"p{n}", "name": f"N {n}", "followers": n} for n in range(2_500)]
    pq.write_table(pa.Table.from_pylist(people), tmp_path / "f.parquet", row_group_size=700)
    text = "id,name,followers\n" + "".join(f"p{n},N {n},{n}\n" for n in range(2_500))
    csv_path = written(tmp_path / "f.csv", text)

    def taken(path: Path) -> list[object]:
        shape, found = rows(path, path.name)
        assert shape.rows == 2_500
        return [to_person(row, MAPPING, set()).profile for row in found]

    assert taken(tmp_path / "f.parquet") == taken(csv_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"PAR1 and nothing more", "Parquet"),
        (b"[1, 2]", "one object a line"),
        (b"a,a\n1,2\n", "two columns"),
        (b"id,name\n", "no rows"),
        (b"\xef\xbb\xbfid;name\r\n;\r\n\r\n", "no rows"),
        (b" \n\n", "has to name the columns"),
        (b"PK\x03\x04\x14\x00\x06\x00 xl/workbook.xml", "spreadsheet .* as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file"),
        (gzip.compress(b"id,name\n1,A\n", mtime=0), "unpack it first"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "no text"),
    ],
)
@pytest.mark.parametrize("name", ["people.csv", "people"])
def test_what_cannot_be_read_is_refused_with_words(
    tmp_path: Path, content: bytes, why: str, name: str
) -> None:
    with pytest.raises(Rejected, match=why):
        inspect(written(tmp_path / "f", content), name)


@pytest.mark.parametrize(
    ("name", "why"), [("p.parquet", "not a Parquet file"), ("p.jsonl", "one object a line")]
)
def test_a_wrong_ending_is_told(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        inspect(written(tmp_path / "f", "id,name\n1,A\n"), name)


def test_a_right_content_counts_more_than_its_ending(tmp_path: Path) -> None:
    line = json.dumps({"id": 1, "name": "A"})
    assert rows(written(tmp_path / "f", line), "people.csv")[0].format == "jsonl"
    pq.write_table(pa.Table.from_pylist([{"id": "1", "name": "A"}]), tmp_path / "p")
    assert rows(tmp_path / "p", "people.csv")[0].format == "parquet"


def test_what_a_spreadsheet_in_europe_saves(tmp_path: Path) -> None:
    text = '\ufeffid;name;bio\r\n1;Zoë;"two\r\nlines; and more"\r\n2;"B ""b""";\r\n'
    shape, found = rows(written(tmp_path / "f", text))
    assert (shape.encoding, shape.delimiter) == ("utf-8-sig", ";")
    assert shape.columns == ("id", "name", "bio")
    assert [row.cells for row in found] == [
        {"id": "1", "name": "Zoë", "bio": "two\r\nlines; and more"},
        {"id": "2", "name": 'B "b"', "bio": ""},
    ]


@given(st.binary(max_size=400))
def test_whatever_bytes_a_file_holds_every_row_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("any") / "f", content)
    try:
        shape, found = rows(path)
    except Rejected:
        return
    mapping = guess(shape.columns, found[:50])
    for row in found:
        taken = to_person(row, mapping, set())
        assert row.cells is not None or taken.problems


def test_columns_are_known_by_name_and_by_what_is_in_them() -> None:
    columns = ("Full Name", "x1", "x2", "x3", "Website", "Follower Count", "shoe size")
    sample = [
        Row(n, {
            "Full Name": "A", "x1": f"did:plc:{n:024}", "x2": f"https://x.example/{n}.png",
            "x3": "We climb mountains all over the world and write about it, every day.",
            "Website": "x.example", "Follower Count": "12", "shoe size": "42",
        })
        for n in range(5)
    ]  # fmt: skip
    found = guess(columns, sample)
    assert found.columns == {
        "Full Name": "display_name", "x1": "platform_id", "x2": "image", "x3": "bio",
        "Website": "link", "Follower Count": "followers",
    }  # fmt: skip
    assert found.platform == "bluesky"


VALUES = RowMap({
    "id": "platform_id", "f": "followers", "bot": "is_bot", "made": "created_at", "web": "link",
    "ok": "discoverable",
})  # fmt: skip


def test_values_are_read_as_people_write_them() -> None:
    cells: dict[str, object] = {
        "id": "1", "f": "12.5k", "bot": "Yes", "made": "31.12.2024",
        "web": "a.example | b.example/x",
    }  # fmt: skip
    profile = person(cells, VALUES).profile
    assert profile is not None
    assert (profile.followers, profile.is_bot) == (12_500, True)
    assert profile.created_at is not None
    assert profile.created_at.isoformat() == "2024-12-31T00:00:00+00:00"
    assert profile.links == ("https://a.example", "https://b.example/x")
    assert person({"id": "1", "f": "1,234,567"}, VALUES).profile.followers == 1_234_567  # type: ignore[union-attr]


def test_a_wrong_value_is_left_out_and_told_and_the_person_is_taken() -> None:
    cells: dict[str, object] = {
        "id": "1", "f": "many", "bot": "perhaps", "made": "12/31/24", "web": "javascript:alert(1)",
    }  # fmt: skip
    taken = person(cells, VALUES)
    assert taken.profile is not None
    assert taken.profile.followers is None
    assert taken.profile.links == ()
    assert {p.column for p in taken.problems} == {"f", "bot", "made", "web"}
    assert all(p.lost == "value" and p.mend for p in taken.problems)


def test_who_does_not_want_to_be_found_is_left_out() -> None:
    taken = person({"id": "1", "ok": "no"}, VALUES)
    assert taken.profile is None
    assert "not to be found" in taken.problems[0].what


def test_identity_is_the_platforms_id_or_a_hash_that_does_not_tell_the_email() -> None:
    by_email = RowMap({"mail": "email", "name": "display_name"}, platform="crm")
    one = person({"mail": "Ada@X.example", "name": "Ada"}, by_email).profile
    two = person({"mail": "ada@x.example ", "name": "Ada L."}, by_email).profile
    assert one is not None
    assert two is not None
    assert one.platform == "file"
    assert one.platform_id == two.platform_id
    assert one.platform_id.startswith("crm:email:")
    assert "ada@" not in str(one).lower()
    known = RowMap({"id": "platform_id", "u": "username"}, platform="bluesky")
    there = person({"id": "did:plc:x", "u": "@ada"}, known, {"bluesky"}).profile
    assert there is not None
    assert (there.platform, there.platform_id, there.username) == ("bluesky", "did:plc:x", "ada")
    nameless = person({"id": None, "u": "@ada"}, known, {"bluesky"})
    assert nameless.profile is None
    assert "not the username" in nameless.problems[0].mend
    assert person({"name": "Ada"}, RowMap({"name": "display_name"})).profile is None


def test_the_error_file_runs_in_no_spreadsheet() -> None:
    evil = Problem(2, "=cmd|' /C calc'!A0", "@sum(1)", "+1\r\n-2", "value")
    lines = problems_csv([evil], header=True).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("2,'=cmd")
    assert "'@sum" in lines[1]
    assert "'+1" in lines[1]


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\x00=", "\uff1d"]
)
@pytest.mark.parametrize("before", ["", "harmless;", "a;b; "])
def test_no_cell_of_the_error_file_begins_a_formula(start: str, before: str) -> None:
    text = problems_csv([Problem(2, f"{before}{start}x()", "w", "m", "value")], header=False)
    ((_, cell, *_rest),) = csv.reader([text])
    for part in cell.split(";"):
        assert not part.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")), cell


def test_a_reader_that_skips_is_where_one_that_read_would_be(tmp_path: Path) -> None:
    text = "id,name\n" + "".join(f"p{n % 70},N{n}\n" for n in range(200))
    path = written(tmp_path / "f.csv", text)
    shape = inspect(path, "f.csv")
    whole = Reader(path, shape, MAPPING, set())
    parts = list(iter(lambda: whole.take(30), None))
    assert sum(len(part.people) for part in parts) == 70
    assert sum(len(part.problems) for part in parts) == 130
    late = Reader(path, shape, MAPPING, set())
    late.skip(60, size=7)
    assert list(islice(iter(lambda: late.take(30), None), 10)) == parts[2:]


def test_doubles_are_known_among_many() -> None:
    seen = Seen()
    assert all(seen.add(f"p{n}") for n in range(20_000))
    assert not any(seen.add(f"p{n}") for n in range(20_000))

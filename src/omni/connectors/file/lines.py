"""Text files as lines: which encoding, which delimiter, and no line without end."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path

from omni.base.errors import Rejected

MAX_LINE = 16_000_000
"""The most characters of a line, and of a cell with line breaks."""

DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20
_SAMPLE = 1 << 16
_SAMPLE_RECORDS = 100
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOSTLY = 0.3
_PACKED = (
    (b"PK\x03\x04", "a zip archive, or a spreadsheet (.xlsx, .ods): save its table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls): save its table as CSV"),
    (b"\x1f\x8b", "packed with gzip: unpack it first"),
    (b"BZh", "packed with bzip2: unpack it first"),
    (b"\xfd7zXZ\x00", "packed with xz: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard: unpack it first"),
    (b"%PDF-", "a PDF: save its table as CSV"),
)
_CONTROL = bytes({*range(1, 9), *range(14, 32)} - {27})
_MUCH = 0.05


def check_is_text(path: Path) -> None:
    """Look at the first bytes, whatever the file is called.

    Raises:
        Rejected: It is a spreadsheet, an archive, or something else that is no text.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    for mark, what in _PACKED:
        if head.startswith(mark):
            raise Rejected(f"the file is {what}", field="file")
    if any(head.startswith(mark) for mark, _ in _BOMS):
        return
    if len(head.translate(None, _CONTROL)) < len(head) * (1 - _MUCH):
        raise Rejected("the file is no text: write it as CSV, JSONL or Parquet", field="file")


def detect_encoding(path: Path) -> str:
    """Return the encoding that all of the file can be read in.

    A byte order mark decides; then zero bytes at every other place (UTF-16); then UTF-8 if the
    whole file is that; else Windows' Latin 1, or the real one where that has no such letter.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[start::2].count(0)
        if len(head) >= 4 and zeros > len(head) * _MOSTLY and not head[1 - start :: 2].count(0):
            return name
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _fits(path, name))


def count_lines(path: Path) -> int:
    """Return how many lines a file has; one that does not end counts too."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            lines, last = lines + chunk.count(b"\n"), chunk
    return lines + (not last.endswith(b"\n"))


def read_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines with their ends.

    Raises:
        Rejected: A line has more than `MAX_LINE` characters.
    """
    with path.open("rb") as file:
        text = TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
        number = 0
        while line := text.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                raise Rejected(f"line {number:,} has over {MAX_LINE:,} characters: is this text?")
            yield line


def detect_delimiter(path: Path, encoding: str) -> str:
    """Return what separates most rows of the sample into the same number of cells."""
    sample: list[str] = []
    size = 0
    for line in read_lines(path, encoding):
        sample.append(line)
        size += len(line)
        if size > _SAMPLE:
            break
    return max(DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    csv.field_size_limit(MAX_LINE)
    records: list[int] = []
    try:
        for record in csv.reader(sample, delimiter=delimiter):
            if record:
                records.append(len(record))
            if len(records) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        return 0.0, 0
    if not records:
        return 0.0, 0
    ((cells, times),) = Counter(records).most_common(1)
    return (times / len(records) if cells > 1 else 0.0), cells


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True

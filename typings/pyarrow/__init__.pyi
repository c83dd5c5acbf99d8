"""The part of pyarrow that Omni uses; the package brings no types of its own."""

from typing import Any

class ArrowException(Exception): ...

class RecordBatch:
    num_rows: int
    def slice(self, offset: int, length: int) -> RecordBatch: ...
    def to_pylist(self) -> list[dict[str, Any]]: ...

class Table:
    @staticmethod
    def from_pylist(mapping: list[dict[str, Any]]) -> Table: ...

class Schema:
    names: list[str]

from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Self

from pyarrow import RecordBatch, Schema, Table

class ColumnChunkMetaData:
    path_in_schema: str
    physical_type: str
    total_uncompressed_size: int

class RowGroupMetaData:
    num_columns: int
    total_byte_size: int
    def column(self, i: int) -> ColumnChunkMetaData: ...

class FileMetaData:
    num_rows: int
    num_row_groups: int
    def row_group(self, i: int) -> RowGroupMetaData: ...

class ParquetFile:
    def __init__(
        self,
        source: Path,
        *,
        metadata: FileMetaData | None = ...,
        read_dictionary: list[str] | None = ...,
        memory_map: bool = ...,
        buffer_size: int = ...,
        pre_buffer: bool = ...,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    schema_arrow: Schema
    metadata: FileMetaData
    num_row_groups: int
    def iter_batches(
        self, batch_size: int, *, use_threads: bool = ...
    ) -> Iterator[RecordBatch]: ...

class ParquetWriter:
    def __init__(self, where: RawIOBase, schema: Schema, *, compression: str) -> None: ...
    def write_table(self, table: Table, row_group_size: int | None = ...) -> None: ...
    def close(self) -> None: ...

def read_metadata(where: Path) -> FileMetaData: ...
def write_table(
    table: Table,
    where: Path,
    *,
    row_group_size: int | None = ...,
    store_schema: bool = ...,
) -> None: ...

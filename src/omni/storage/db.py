"""Postgres through asyncpg: one pool, short transactions, named queries."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg
import msgspec

from omni.base.errors import OutOfTime, Transient
from omni.storage.sql import Fragment, Query

Row = Mapping[str, Any]
Fragments = Mapping[str, Fragment]

_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that was cut off while it lay in the pool
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    ConnectionError,
    TimeoutError,
)


class Executor(Protocol):
    """What runs a named query: the database itself, or a transaction in it."""

    async def fetch(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Sequence[Row]:
        """Return all rows."""
        ...

    async def fetchrow(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Row | None:
        """Return the first row, or None."""
        ...

    async def fetchval(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Any:
        """Return the first column of the first row, or None."""
        ...

    async def execute(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> int:
        """Run the query; return how many rows it touched."""
        ...


if TYPE_CHECKING:
    _Base = asyncpg.Connection[Any]
else:
    _Base = asyncpg.Connection


class _Connection(_Base):
    """A connection that goes back to the pool without asking Postgres to reset it.

    Nothing of ours outlives its transaction: no session setting, no session lock, no cursor. So the
    second round trip that each use of the pool would cost has nothing to do.
    """

    def get_reset_query(self) -> str:
        """Return no query."""
        return ""


class Tx:
    """A transaction: everything in it is committed together, or not at all."""

    def __init__(self, connection: asyncpg.pool.PoolConnectionProxy[Any]) -> None:
        self._connection = connection

    async def fetch(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Sequence[Row]:
        """Return all rows."""
        sql, values = query.bind(params, fragments)
        return await self._connection.fetch(sql, *values)

    async def fetchrow(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Row | None:
        """Return the first row, or None."""
        sql, values = query.bind(params, fragments)
        return await self._connection.fetchrow(sql, *values)

    async def fetchval(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Any:
        """Return the first column of the first row, or None."""
        sql, values = query.bind(params, fragments)
        return await self._connection.fetchval(sql, *values)

    async def execute(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> int:
        """Run the query; return how many rows it touched."""
        sql, values = query.bind(params, fragments)
        tag: str = await self._connection.execute(sql, *values)
        return _touched(tag)

    async def estimate_rows(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> int:
        """Return how many rows the planner expects of the query, which is not run."""
        sql, values = query.bind(params, fragments)
        plan: Any = await self._connection.fetchval(f"explain (format json) {sql}", *values)
        return int(plan[0]["Plan"]["Plan Rows"])


class Database:
    """A bounded pool of connections; a call outside `transaction` is its own transaction."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, size: int = 10, name: str = "omni") -> Database:
        """Open the pool.

        Args:
            url: A Postgres URL.
            size: The most connections that this process holds.
            name: Shown in `pg_stat_activity.application_name`.

        Raises:
            Transient: The server cannot be reached.
        """
        with_settings = {
            "application_name": name,
            "statement_timeout": "120000",
            # A host that vanishes without a word must not hold its rows for ever.
            "idle_in_transaction_session_timeout": "120000",
            "TimeZone": "UTC",
        }
        async with _passing_faults():
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size,
                init=_set_codecs,
                server_settings=with_settings,
                connection_class=_Connection,
            )
        return cls(pool)

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """Open a transaction; it is committed at the end of the block, rolled back on an error.

        Raises:
            Transient: The connection was lost, or another transaction was in the way.
        """
        async with _passing_faults(), self._pool.acquire() as connection, connection.transaction():
            yield Tx(connection)

    @asynccontextmanager
    async def question(self, *, within_ms: int) -> AsyncGenerator[Tx]:
        """Open a transaction that can write nothing, and whose statements have little time each.

        Args:
            within_ms: The most milliseconds of one statement.

        Raises:
            OutOfTime: A statement took longer; the transaction is over then.
            Transient: As of `transaction`.
        """
        try:
            async with (
                _passing_faults(),
                self._pool.acquire() as connection,
                connection.transaction(readonly=True),
            ):
                limit = "select set_config('statement_timeout', $1, true)"
                await connection.execute(limit, str(within_ms))
                yield Tx(connection)
        except asyncpg.QueryCanceledError as error:
            raise OutOfTime(f"no answer within {within_ms} ms") from error

    @asynccontextmanager
    async def _autocommit(self) -> AsyncGenerator[Tx]:
        async with _passing_faults(), self._pool.acquire() as connection:
            yield Tx(connection)

    async def fetch(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Sequence[Row]:
        """Return all rows."""
        async with self._autocommit() as tx:
            return await tx.fetch(query, fragments, **params)

    async def fetchrow(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Row | None:
        """Return the first row, or None."""
        async with self._autocommit() as tx:
            return await tx.fetchrow(query, fragments, **params)

    async def fetchval(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Any:
        """Return the first column of the first row, or None."""
        async with self._autocommit() as tx:
            return await tx.fetchval(query, fragments, **params)

    async def execute(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> int:
        """Run the query; return how many rows it touched."""
        async with self._autocommit() as tx:
            return await tx.execute(query, fragments, **params)

    @asynccontextmanager
    async def listen(self, channel: str, heard: Callable[[str], None]) -> AsyncGenerator[None]:
        """Call `heard(payload)` for each NOTIFY on `channel` while the block runs."""

        def callback(*arguments: object) -> None:
            heard(str(arguments[-1]))

        async with _passing_faults(), self._pool.acquire() as connection:
            await connection.add_listener(channel, callback)
            try:
                yield
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(channel, callback)


@asynccontextmanager
async def _passing_faults() -> AsyncGenerator[None]:
    """Turn faults that another attempt may not meet into `Transient`."""
    try:
        yield
    except _PASSING as error:
        raise Transient(f"database: {error or type(error).__name__}") from error


async def _set_codecs(connection: asyncpg.Connection[Any]) -> None:
    for kind in ("jsonb", "json"):
        await connection.set_type_codec(
            kind,
            schema="pg_catalog",
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
        )


def _touched(tag: str) -> int:
    """Read the row count from a command tag such as `INSERT 0 5`."""
    count = tag.rsplit(" ", 1)[-1]
    return int(count) if count.isdigit() else 0

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .custom_errors import DelayedError as DelayedError

class Backend:
    async def retryJob(self, job_id: str, lifo: bool, token: str = ...) -> None: ...  # noqa: N802

class Job:
    id: str
    name: str
    data: Any

class Queue:
    def __init__(self, name: str, opts: dict[str, Any] = ...) -> None: ...
    async def addBulk(self, jobs: Sequence[dict[str, Any]]) -> list[Job]: ...  # noqa: N802
    async def close(self) -> None: ...

class Worker:
    backend: Backend
    def __init__(
        self,
        name: str,
        processor: Callable[[Job, str], Awaitable[Any]],
        opts: dict[str, Any] = ...,
    ) -> None: ...
    def on(self, event_name: str, function: Callable[..., object]) -> Callable[..., object]: ...
    async def run(self) -> None: ...
    async def close(self, force: bool = ...) -> None: ...

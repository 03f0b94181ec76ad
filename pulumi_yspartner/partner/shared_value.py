"""A value that many ask for and that is read once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar, cast

import anyio

T = TypeVar("T")


class SharedValue(Generic[T]):
    """Reads a value once for all who ask, also at the same time, and again when it is older than someone accepts."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._lock = anyio.Lock()
        self._value: T | None = None
        self._read_at = float("-inf")
        self._outdated_at = float("-inf")

    async def get(self, max_age: float | None = None) -> T:
        """The value, read at most `max_age` seconds ago (None: whenever). A failed read is not kept."""
        oldest = float("-inf") if max_age is None else time.monotonic() - max_age
        async with self._lock:
            if self._read_at == float("-inf") or self._read_at < max(oldest, self._outdated_at):
                started = time.monotonic()
                self._value = await self._read()
                self._read_at = started
            return cast("T", self._value)

    def outdate(self) -> None:
        """From now on, what was read, or began to be read, before is no longer good for anybody."""
        self._outdated_at = time.monotonic()

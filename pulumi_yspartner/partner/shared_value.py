"""A value that many ask for and that is read once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class SharedValue(Generic[T]):
    """Reads a value once for all who ask, also at the same time, and again when it is older than someone accepts."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._lock = anyio.Lock()
        self._value: T | None = None
        self._read_at: float | None = None

    async def get(self, max_age: float | None = None) -> T:
        """The value, read at most `max_age` seconds ago (None: whenever). A failed read is not kept."""
        asked_at = time.monotonic()
        async with self._lock:
            oldest = float("-inf") if max_age is None else asked_at - max_age
            if self._read_at is None or self._read_at < oldest:
                started = time.monotonic()
                self._value = await self._read()
                self._read_at = started
            return self._value  # type: ignore[return-value]

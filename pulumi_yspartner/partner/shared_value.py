"""A value that many ask for and that is read once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import anyio

T = TypeVar("T")

ALWAYS = float("-inf")
"""A moment before every other: what was read since then is good."""


class SharedValue(Generic[T]):
    """Reads a value once for all who ask, also at the same time, and again when it is older than someone accepts."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._value: T | None = None
        self._last: _Reading | None = None
        self._reading: _Reading | None = None

    async def get(self, max_age: float | None = None, since: float = ALWAYS) -> T:
        """The value, read at most `max_age` seconds ago (None: whenever), and not before `since` (of the monotonic
        clock). A failed read is not kept; all who waited for it hear of it.
        """
        oldest, oldest_by_wall = since, ALWAYS
        if max_age is not None:
            # The monotonic clock stands still while the machine sleeps; what was read before is no newer for that.
            oldest, oldest_by_wall = max(since, time.monotonic() - max_age), time.time() - max_age

        def is_good(read: _Reading) -> bool:
            return read.started >= oldest and read.started_by_wall >= oldest_by_wall

        while self._last is None or not is_good(self._last):
            if (running := self._reading) is None:
                return await self._read_for_all()
            await running.ended.wait()
            if running.error is not None and is_good(running):
                raise running.error
        return cast("T", self._value)

    async def _read_for_all(self) -> T:
        reading = self._reading = _Reading()
        try:
            self._value = await self._read()
        except Exception as error:
            reading.error = error
            raise
        finally:
            self._reading = None
            reading.ended.set()
        self._last = reading
        return self._value


@dataclass
class _Reading:
    """One read, under way or over."""

    started: float = field(default_factory=lambda: time.monotonic())
    started_by_wall: float = field(default_factory=lambda: time.time())
    ended: anyio.Event = field(default_factory=anyio.Event)
    error: Exception | None = None

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
        self._read_at: float | None = None
        self._reading: _Reading | None = None

    async def get(self, max_age: float | None = None, since: float = ALWAYS) -> T:
        """The value, read at most `max_age` seconds ago (None: whenever), and not before `since` (of the monotonic
        clock). A failed read is not kept; all who waited for it hear of it.
        """
        oldest = since if max_age is None else max(since, time.monotonic() - max_age)
        while self._read_at is None or self._read_at < oldest:
            if (running := self._reading) is None:
                return await self._read_for_all()
            await running.ended.wait()
            if running.error is not None and running.started >= oldest:
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
        self._read_at = reading.started
        return self._value


@dataclass
class _Reading:
    """A read that is under way."""

    started: float = field(default_factory=time.monotonic)
    ended: anyio.Event = field(default_factory=anyio.Event)
    error: Exception | None = None

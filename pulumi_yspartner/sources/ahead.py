"""Counts for a refresh, read before they are asked for.

Pulumi's host of Python providers asks for four PBXs at a time, and a provider hears of no PBX before it is asked. But
the account's list is known, and what was asked so far says how much of it is likely to be.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from .protocol import CapacitySource, CountsRead

AT_A_TIME = 4
"""PBXs that Pulumi's host asks for at once."""
HOLDS_FOR = 30.0
"""Seconds for which counts that were read ahead are as good as read now. They are shown and stored; no order is placed
on them."""


class ReadingAhead:
    """A source that also reads PBXs which are likely to be asked for next: at most as many as were asked for."""

    def __init__(
        self, source: CapacitySource, listed: Callable[[], Awaitable[Sequence[str]]], max_connections: int
    ) -> None:
        self._source = source
        self._listed = listed
        self._most_at_once = max_connections - AT_A_TIME
        self._likely: list[str] | None = None
        self._asked: set[str] = set()
        self._ahead: dict[str, _Read] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def read(self, serial_numbers: Collection[str], max_age: float | None = None) -> dict[str, CountsRead]:
        """As `CapacitySource.read`. Only who accepts any age gets what was read ahead."""
        if max_age is not None or len(serial_numbers) != 1:
            for serial in serial_numbers:
                self._ahead.pop(serial, None)
            return await self._source.read(serial_numbers, max_age)
        (serial,) = serial_numbers
        self._asked.add(serial)
        known = self._ahead.pop(serial, None)
        self._go_on()
        if known is not None and not known.is_old():
            await known.ended.wait()
            if known.counts is not None:
                return {serial: known.counts}
        read = await self._source.read(serial_numbers)
        if self._likely is None:
            # In the order of the list, from the first that was asked for.
            listed = list(await self._listed())
            first = listed.index(serial) if serial in listed else 0
            self._likely = [*listed[first:], *listed[:first]][::-1]
            self._go_on()
        return read

    def _go_on(self) -> None:
        while self._likely and len(self._running) < self._most_at_once and len(self._ahead) < len(self._asked):
            serial = self._likely.pop()
            if serial not in self._asked:
                read = self._ahead[serial] = _Read()
                task = asyncio.ensure_future(self._read_ahead(serial, read))
                self._running.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            self._go_on()

    async def _read_ahead(self, serial: str, read: _Read) -> None:
        try:
            read.counts = (await self._source.read([serial]))[serial]
        except Exception:  # noqa: BLE001 - whoever asks for it reads it then, and hears why it can't be read
            read.counts = None
        finally:
            read.ended.set()


@dataclass
class _Read:
    """A PBX that is read ahead."""

    started: float = field(default_factory=time.monotonic)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    counts: CountsRead | None = None
    """None until it is read, and where that failed."""

    def is_old(self) -> bool:
        return time.monotonic() - self.started > HOLDS_FOR

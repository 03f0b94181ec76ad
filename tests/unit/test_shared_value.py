"""A value that many ask for, and that is read once."""

from __future__ import annotations

import time

import anyio
import pytest

from pulumi_yspartner.partner.shared_value import SharedValue

pytestmark = pytest.mark.anyio


class Source:
    """Counts how often it is read; a read ends when it may."""

    def __init__(self, *, held: bool = False) -> None:
        self.reads = 0
        self.fail = False
        self.go = anyio.Event()
        if not held:
            self.go.set()

    async def read(self) -> int:
        self.reads += 1
        number = self.reads
        await self.go.wait()
        if self.fail:
            raise ValueError(f"read {number}")
        return number


async def test_all_who_ask_at_once_share_one_read() -> None:
    source = Source(held=True)
    value = SharedValue(source.read)
    got: list[int] = []

    async def get() -> None:
        got.append(await value.get())

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(get)
        await anyio.wait_all_tasks_blocked()
        source.go.set()
    assert got == [1] * 50
    assert await value.get() == 1


async def test_it_is_read_again_when_it_is_too_old() -> None:
    value = SharedValue(Source().read)
    assert await value.get() == 1
    assert await value.get(max_age=60) == 1
    assert await value.get(max_age=0) == 2


async def test_what_was_read_before_the_machine_slept_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The monotonic clock stands still meanwhile, on Linux and macOS."""
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    value = SharedValue(Source().read)
    assert await value.get(max_age=5) == 1
    wall += 3600
    assert await value.get() == 1
    assert await value.get(max_age=5) == 2


async def test_it_is_read_again_for_whom_something_happened_since() -> None:
    value = SharedValue(Source().read)
    await value.get()
    happened = time.monotonic()
    assert await value.get(since=happened) == 2
    assert await value.get(since=happened) == 2


async def test_a_read_that_began_before_something_happened_is_not_good_for_whom_it_happened() -> None:
    source = Source(held=True)
    value = SharedValue(source.read)
    got: dict[str, int] = {}

    async def get(name: str, since: float) -> None:
        got[name] = await value.get(since=since)

    async with anyio.create_task_group() as group:
        group.start_soon(get, "before", float("-inf"))
        await anyio.wait_all_tasks_blocked()
        group.start_soon(get, "after", time.monotonic())
        await anyio.wait_all_tasks_blocked()
        source.go.set()
    assert got == {"before": 1, "after": 2}


async def test_all_who_waited_for_a_read_that_fails_hear_of_it_and_the_next_reads_again() -> None:
    source = Source(held=True)
    source.fail = True
    value = SharedValue(source.read)
    failed: list[str] = []

    async def get() -> None:
        try:
            await value.get()
        except ValueError as error:
            failed.append(str(error))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(get)
        await anyio.wait_all_tasks_blocked()
        source.go.set()
    assert failed == ["read 1"] * 10
    source.fail = False
    assert await value.get() == 2


async def test_who_waits_reads_for_himself_when_the_reader_is_cancelled() -> None:
    source = Source(held=True)
    value = SharedValue(source.read)
    got: list[int] = []
    reader = anyio.CancelScope()

    async def read() -> None:
        with reader:
            await value.get()

    async def wait() -> None:
        got.append(await value.get())

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        reader.cancel()
        source.go.set()
    assert got == [2]

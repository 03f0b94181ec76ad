"""Counts for a refresh, read before they are asked for: how many, which, and for whom."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

import anyio
import pytest

from pulumi_yspartner.sources import CountsRead, ahead
from pulumi_yspartner.sources.ahead import AT_A_TIME, HOLDS_FOR, ReadingAhead

pytestmark = pytest.mark.anyio

ACCOUNT = [f"3651D{index:04}" for index in range(200)]
CONNECTIONS = 16


class Portal:
    """A source that counts what is read, and how much of it at once."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.ages: list[float | None] = []
        self.running = self.peak = 0
        self.broken: set[str] = set()

    async def read(self, serial_numbers: Collection[str], max_age: float | None = None) -> dict[str, CountsRead]:
        self.running += 1
        self.peak = max(self.peak, self.running)
        await anyio.sleep(0.001)
        self.running -= 1
        (serial,) = serial_numbers
        self.reads.append(serial)
        self.ages.append(max_age)
        if serial in self.broken:
            self.broken.discard(serial)
            raise ValueError(serial)
        return {serial: CountsRead({"extensions": len(self.reads)})}

    def ahead(self, connections: int = CONNECTIONS) -> ReadingAhead:
        async def listed() -> list[str]:
            return ACCOUNT

        return ReadingAhead(self, listed, connections)


async def ask(source: ReadingAhead, serials: Sequence[str]) -> None:
    """Ask as Pulumi's host does: for a few at a time, in an order of its own."""
    waiting = list(reversed(serials))

    async def ask_on() -> None:
        while waiting:
            serial = waiting.pop()
            assert set(await source.read([serial])) == {serial}

    async with anyio.create_task_group() as group:
        for _ in range(AT_A_TIME):
            group.start_soon(ask_on)


@pytest.mark.parametrize("order", ["listed", "shuffled"])
async def test_a_stack_of_the_whole_account_reads_each_pbx_once(order: str) -> None:
    portal = Portal()
    serials = list(ACCOUNT)
    if order == "shuffled":
        random.Random(1).shuffle(serials)
    await ask(portal.ahead(), serials)
    assert sorted(portal.reads) == ACCOUNT
    assert AT_A_TIME < portal.peak <= CONNECTIONS


@pytest.mark.parametrize("asked", [1, 10, 60])
async def test_a_small_stack_in_a_large_account_reads_at_most_twice_as_many(asked: int) -> None:
    portal = Portal()
    source = portal.ahead()
    await ask(source, random.Random(2).sample(ACCOUNT, asked))
    await anyio.sleep(0.05)
    assert asked <= len(portal.reads) <= 2 * asked
    assert len(set(portal.reads)) == len(portal.reads)


@pytest.mark.parametrize("connections", [1, AT_A_TIME])
async def test_few_connections_are_left_to_what_is_asked_for(connections: int) -> None:
    portal = Portal()
    await ask(portal.ahead(connections), ACCOUNT[:20])
    assert portal.reads == ACCOUNT[:20]


async def test_what_must_be_fresh_is_read_now() -> None:
    portal = Portal()
    source = portal.ahead()
    await ask(source, ACCOUNT[:20])
    await anyio.sleep(0.05)
    following = ACCOUNT[20]
    assert following in portal.reads
    before = len(portal.reads)
    read = await source.read([following], max_age=5.0)
    assert portal.reads[before:] == [following]
    assert portal.ages[-1] == 5.0
    assert read[following].counts == {"extensions": before + 1}
    # And whoever asks after that does not get what was read before it.
    await source.read([following])
    assert portal.reads.count(following) == 3


async def test_what_was_read_ahead_long_ago_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    source = portal.ahead()
    await ask(source, ACCOUNT[:20])
    await anyio.sleep(0.05)
    now = ahead.time.monotonic() + HOLDS_FOR + 1

    class Later:
        monotonic = staticmethod(lambda: now)

    monkeypatch.setattr(ahead, "time", Later)
    await source.read([ACCOUNT[20]])
    assert portal.reads.count(ACCOUNT[20]) == 2


async def test_what_could_not_be_read_ahead_is_read_when_it_is_asked_for() -> None:
    portal = Portal()
    source = portal.ahead()
    portal.broken.add(ACCOUNT[20])
    await ask(source, ACCOUNT[:20])
    await anyio.sleep(0.05)
    assert set(await source.read([ACCOUNT[20]])) == {ACCOUNT[20]}
    assert portal.reads.count(ACCOUNT[20]) == 2

"""How fast the API is asked: one lane per request at a time, and one pause for all."""

from __future__ import annotations

import anyio
import httpx
import pytest

from pulumi_yspartner.errors import NotSentError, PartnerError, PortalFailedError
from pulumi_yspartner.partner import pacing
from pulumi_yspartner.partner.pacing import FIRST_PAUSE, LONGEST_OWN_PAUSE, PATIENCE, SPREAD, Lanes, Pace

pytestmark = pytest.mark.anyio


class Clock:
    """The pace's time, which passes by waiting."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    class Time:
        monotonic = staticmethod(lambda: clock.now)

    monkeypatch.setattr(pacing, "time", Time)
    monkeypatch.setattr(pacing.anyio, "sleep", clock.sleep)
    return clock


def too_many(retry_after: float | None = None) -> PartnerError:
    return PortalFailedError("too many", method="GET", path="/", status=429, retry_after=retry_after)


async def test_nobody_waits_while_all_is_well(clock: Clock) -> None:
    pace = Pace()
    pace.hear(None)
    await pace.turn("POST", "/save")
    assert clock.waited == []


async def test_one_too_many_holds_back_all_for_as_long_as_was_asked(clock: Clock) -> None:
    pace = Pace()
    pace.hear(too_many(retry_after=7))
    started = clock.now
    await pace.turn("POST", "/save")
    assert started + 7 <= clock.now <= started + 7 * (1 + SPREAD)


async def test_answers_to_what_was_sent_before_a_pause_do_not_make_it_longer(clock: Clock) -> None:
    pace = Pace()
    for _ in range(16):
        pace.hear(too_many())
    await pace.turn("POST", "/save")
    assert sum(clock.waited) <= FIRST_PAUSE * (1 + SPREAD)


async def test_pauses_grow_until_an_answer_comes(clock: Clock) -> None:
    pace = Pace()
    for _ in range(8):
        pace.hear(too_many())
        await pace.turn("POST", "/save")
    assert clock.waited[:5] == sorted(clock.waited[:5])
    assert LONGEST_OWN_PAUSE <= clock.waited[-1] <= LONGEST_OWN_PAUSE * (1 + SPREAD)
    pace.hear(None)
    pace.hear(too_many())
    await pace.turn("POST", "/save")
    assert clock.waited[-1] <= FIRST_PAUSE * (1 + SPREAD)


async def test_who_waited_does_not_come_back_at_the_same_moment(clock: Clock) -> None:
    pace = Pace()
    pace.hear(too_many(retry_after=10))
    ends = set()
    for _ in range(16):
        clock.now, before = 1000.0, len(clock.waited)
        await pace.turn("POST", "/save")
        assert len(clock.waited) == before + 1
        ends.add(clock.now)
    assert len(ends) > 1


async def test_an_hour_is_not_waited_for(clock: Clock) -> None:
    pace = Pace()
    pace.hear(too_many(retry_after=3600))
    await pace.turn("POST", "/save")
    assert clock.waited == []


async def test_nobody_asks_on_when_nothing_else_was_heard_for_long(clock: Clock) -> None:
    pace = Pace()
    pace.hear(too_many())
    clock.now += PATIENCE + 1
    pace.hear(too_many())
    with pytest.raises(NotSentError):  # an order that is held back is certainly not placed
        await pace.turn("POST", "/save")
    clock.now += LONGEST_OWN_PAUSE
    await pace.turn("POST", "/save")  # somebody tries
    pace.hear(None)
    pace.hear(too_many())
    await pace.turn("POST", "/save")  # and is believed


@pytest.mark.parametrize("status", [408, 500, 503])
async def test_other_failures_are_no_sign_of_too_many_requests(clock: Clock, status: int) -> None:
    pace = Pace()
    pace.hear(PortalFailedError("failed", method="GET", path="/", status=status))
    await pace.turn("POST", "/save")
    assert clock.waited == []


async def test_lanes_use_as_few_clients_as_there_are_requests_at_once() -> None:
    made: list[httpx.AsyncClient] = []

    def new_client() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient())
        return made[-1]

    at_once = 0
    peak = 0

    async def use(_: int) -> None:
        nonlocal at_once, peak
        async with lanes.room():
            at_once += 1
            peak = max(peak, at_once)
            await anyio.lowlevel.checkpoint()
            at_once -= 1

    async with Lanes(4, new_client) as lanes:
        for _ in range(3):
            await use(0)
        assert len(made) == 1
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(use, number)
        assert peak == len(made) == 4
    assert all(client.is_closed for client in made)


async def test_a_client_of_ones_own_takes_a_lane_too() -> None:
    own = httpx.AsyncClient()
    got: list[httpx.AsyncClient] = []

    async def use() -> None:
        async with lanes.room() as client:
            got.append(client)

    async with Lanes(1, httpx.AsyncClient) as lanes, anyio.create_task_group() as group, lanes.room(own) as client:
        assert client is own
        group.start_soon(use)
        await anyio.wait_all_tasks_blocked()
        assert got == []
    assert len(got) == 1
    assert own not in got
    await own.aclose()

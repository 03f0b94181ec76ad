"""The account's lists: read once for all who may share them, and again for whom an order has changed them."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest

from pulumi_yspartner.partner import Account, account
from pulumi_yspartner.partner.account import FRESH
from pulumi_yspartner.partner.answers import ReadOrder
from pulumi_yspartner.settings import Settings

pytestmark = pytest.mark.anyio

HQ, BRANCH = "3651D3296882", "3651D3296883"
HOUR = 3600.0


def order(number: int, serial: str | None, *, status: str = "succeed", hours_old: float = 1.0) -> ReadOrder:
    return ReadOrder(f"OQ{number}", status, serial, time.time() - hours_old * HOUR, (), {})


class Portal:
    """Counts what is read of it."""

    def __init__(self, *listed: ReadOrder, pbx_of: dict[str, str] | None = None) -> None:
        self.listed = list(listed)
        self.pbx_of = pbx_of or {}
        self.lists = 0
        self.products_read = 0
        self.details: list[str] = []

    async def orders(self) -> list[ReadOrder]:
        self.lists += 1
        listed = list(self.listed)
        await anyio.lowlevel.checkpoint()
        return listed

    async def products(self) -> list[Any]:
        self.products_read += 1
        await anyio.lowlevel.checkpoint()
        return [{"productNo": HQ}, {"productNo": BRANCH}]

    async def order(self, order_no: str) -> ReadOrder:
        self.details.append(order_no)
        await anyio.lowlevel.checkpoint()
        found = next(each for each in self.listed if each.order_no == order_no)
        return ReadOrder(order_no, found.status, self.pbx_of.get(order_no), found.created, (), {"extensions": 5})

    async def contacts(self) -> list[Any]:
        raise NotImplementedError

    def account(self, **settings: Any) -> Account:
        return Account(self, Settings.model_validate(settings))  # type: ignore[arg-type]


async def numbers(of: Account, serial: str, **options: Any) -> list[str]:
    return [each.order_no for each in await of.orders_of(serial, now=time.time(), **options)]


async def test_everybody_shares_one_order_list() -> None:
    portal = Portal(order(1, HQ), order(2, BRANCH))
    shared = portal.account()
    found: dict[str, list[str]] = {}

    async def look(serial: str) -> None:
        found[serial] = await numbers(shared, serial, max_age=FRESH)

    async with anyio.create_task_group() as group:
        for serial in (HQ, BRANCH) * 10:
            group.start_soon(look, serial)
    assert found == {HQ: ["OQ1"], BRANCH: ["OQ2"]}
    assert portal.lists == 1


async def test_an_order_makes_the_lists_old_for_its_own_pbx_only() -> None:
    portal = Portal()
    shared = portal.account()
    await numbers(shared, HQ)
    await shared.products()
    shared.outdate(HQ)
    portal.listed.append(order(1, HQ))

    assert await numbers(shared, BRANCH, max_age=FRESH) == []
    await shared.products(FRESH, [BRANCH])
    assert (portal.lists, portal.products_read) == (1, 1)

    assert await numbers(shared, HQ) == ["OQ1"], "of whatever age is accepted: never from before its order"
    await shared.products(None, [BRANCH, HQ])
    assert (portal.lists, portal.products_read) == (2, 2)

    assert await numbers(shared, HQ, max_age=FRESH) == ["OQ1"]
    await shared.products(FRESH, [HQ])
    assert (portal.lists, portal.products_read) == (2, 2), "what was read since then is good for all"


async def test_a_list_that_was_being_read_when_the_order_was_sent_is_read_again_for_its_pbx() -> None:
    portal = Portal()
    shared = portal.account()
    found: list[list[str]] = []

    async def look() -> None:
        found.append(await numbers(shared, HQ, max_age=FRESH))

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await anyio.lowlevel.checkpoint()
        assert portal.lists == 1
        shared.outdate(HQ)
        portal.listed.append(order(1, HQ))
        group.start_soon(look)
    assert found == [[], ["OQ1"]]
    assert portal.lists == 2


async def test_an_order_of_an_unknown_pbx_is_told_by_its_details_once_for_all() -> None:
    portal = Portal(
        order(1, None, status="pending"),
        order(2, None),
        order(3, None, hours_old=48),
        order(4, None, status="cancelled", hours_old=48),
        order(5, None, status="cancelled"),
        pbx_of={"OQ1": HQ, "OQ2": BRANCH, "OQ4": HQ, "OQ5": HQ},
    )
    shared = portal.account()
    assert await numbers(shared, HQ) == ["OQ1", "OQ5"]
    assert await numbers(shared, BRANCH) == ["OQ2"]
    assert sorted(portal.details) == ["OQ1", "OQ2", "OQ5"], "old ones can't change anything any more"

    assert await numbers(shared, HQ, all_dead=True) == ["OQ1", "OQ4", "OQ5"], "but their references matter, if asked"
    assert await numbers(shared, HQ, known=["OQ3"]) == ["OQ1", "OQ5", "OQ3"], "and one that is known to be its own"
    assert sorted(portal.details) == ["OQ1", "OQ2", "OQ4", "OQ5"]


@pytest.mark.parametrize("stated", [True, False], ids=["the list states the PBX", "it does not"])
async def test_a_long_history_is_gone_through_once_and_not_for_every_pbx(
    monkeypatch: pytest.MonkeyPatch, stated: bool
) -> None:
    history = 1000
    portal = Portal(*(order(number, f"OLD{number}" if stated else None, hours_old=500) for number in range(history)))
    shared = portal.account()
    looks = 0
    is_old = account.is_old

    def counted(*arguments: Any) -> bool:
        nonlocal looks
        looks += 1
        return is_old(*arguments)

    monkeypatch.setattr(account, "is_old", counted)
    for number in range(50):
        assert await numbers(shared, f"3651D{number:07}") == []
    assert looks <= history
    assert portal.details == []
    assert portal.lists == 1

"""Killed after the portal took the order, and then something else is different too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from engine_stack import BRANCH, HQ, Stack, refused, succeeded
from killing import held, unlock

from pulumi_yspartner.sandbox import Dialect, Fault, Order

pytestmark = pytest.mark.deep  # each takes many commands

NO_ECHO = Dialect(po_number="nowhere")
WANT: dict[str, Any] = {"extensions": 60, "concurrent_calls": 20}


def killed_after_the_portal_took_it(stack: Stack) -> Order:
    """The order is placed and nobody has heard of it: engine and provider are gone, and so is the new state."""
    with held(stack, Fault("order.save", "hold_after")) as run:
        run.kill_both()
        run.ended()
    unlock(stack)
    assert stack.portal.count("order.save") >= stack.portal.purchases
    return stack.portal.orders[-1]


def recorded(stack: Stack, name: str = "hq") -> list[tuple[str, str]]:
    return [(each["order_no"], each["status"]) for each in stack.outputs(name)["orders"]]


def says(stack: Stack, status: str, order: Order | None, extensions: int = 60, calls: int = 20) -> None:
    """The state of the PBX is this."""
    assert stack.outputs()["status"] == status
    assert stack.outputs()["capacity"] == {"extensions": extensions, "concurrent_calls": calls}
    assert recorded(stack) == ([(order.order_no, order.status)] if order else [])
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


# --- the counts or the list lag; the order carries our reference ---


@dataclass(frozen=True)
class Lag:
    """What shows late, and the counts until then."""

    landing: Any = "instant"
    listing: Any = "instant"
    extensions: int = 60
    calls: int = 20


LAGS = {
    "counts land after an hour": Lag(landing=3600.0, extensions=50, calls=12),
    "concurrent calls land later": Lag(landing={"concurrent_calls": "manual"}, calls=12),
    "extensions land later": Lag(landing={"extensions": 3600.0}, extensions=50),
}


@pytest.mark.parametrize("lag", LAGS.values(), ids=LAGS.keys())
def test_counts_lag_and_the_order_is_adopted(stack: Stack, lag: Lag) -> None:
    stack.portal.behaviour.landing = lag.landing
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)

    succeeded(stack.up())
    says(stack, "ordered", order, lag.extensions, lag.calls)
    succeeded(stack.up("--expect-no-changes"))
    says(stack, "ordered", order, lag.extensions, lag.calls)

    stack.portal.clock.advance(hours=1)
    stack.portal.land(order.order_no)
    succeeded(stack.refresh())
    says(stack, "satisfied", order)


def test_only_the_order_list_lags(stack: Stack) -> None:
    stack.portal.behaviour.listing = "manual"
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)

    for arguments in ([], ["--expect-no-changes"]):
        succeeded(stack.up(*arguments))
        says(stack, "satisfied", None)
    stack.portal.reveal(order.order_no)
    succeeded(stack.up("--expect-no-changes"))
    says(stack, "satisfied", None)


# --- poNumber is not echoed ---


def test_not_echoed_and_counted_at_once(stack: Stack) -> None:
    stack.portal.dialect = NO_ECHO
    stack.declare(**WANT)
    killed_after_the_portal_took_it(stack)

    for arguments in ([], ["--expect-no-changes"]):
        succeeded(stack.up(*arguments))
        says(stack, "satisfied", None)


@pytest.mark.parametrize("landing", ["manual", {"concurrent_calls": "manual"}], ids=["both", "apart"])
def test_not_echoed_and_counts_lag(stack: Stack, landing: Any) -> None:
    stack.portal.dialect = NO_ECHO
    stack.portal.behaviour.landing = landing
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)

    for _ in range(2):
        refused(stack.up(), order.order_no, "settledOrders")
        assert stack.resources == []
        assert stack.portal.count("order.save") == stack.portal.purchases == 1

    stack.portal.land(order.order_no)
    succeeded(stack.up())
    says(stack, "satisfied", None)


# --- the want is raised in between ---


@pytest.mark.parametrize(
    ("echo", "landing"),
    [(True, "instant"), (True, {"concurrent_calls": "manual"}), (False, "manual"), (False, {"extensions": "manual"})],
    ids=["counted", "apart", "not echoed, lag", "not echoed, apart"],
)
def test_raised_in_between(stack: Stack, echo: bool, landing: Any) -> None:
    stack.portal.dialect = Dialect() if echo else NO_ECHO
    stack.portal.behaviour.landing = landing
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)

    stack.declare(**{**WANT, "extensions": 75})
    for _ in range(2):
        refused(stack.up(), order.order_no, "settledOrders")
        assert stack.portal.count("order.save") == stack.portal.purchases == 1

    # A person has looked at it: then the rest is bought, once.
    stack.portal.land(order.order_no)
    stack.portal.behaviour.landing = "instant"
    stack.settings(SETTLED_ORDERS=f'["{order.order_no}"]')
    succeeded(stack.up())
    succeeded(stack.up("--expect-no-changes"))
    assert [(each.extensions, each.concurrent_calls) for each in stack.portal.orders] == [(10, 8), (15, 0)]
    assert stack.outputs()["status"] == "satisfied"


def test_never_sent_and_raised_in_between(stack: Stack) -> None:
    stack.declare(**WANT)
    with held(stack, Fault("product.detail", "hold_before", skip=1)) as run:
        run.kill_both()
        run.ended()
    unlock(stack)
    assert stack.portal.purchases == 0

    stack.declare(**{**WANT, "extensions": 75})
    succeeded(stack.up())
    succeeded(stack.up("--expect-no-changes"))
    [order] = stack.portal.orders
    assert (order.extensions, order.concurrent_calls) == (25, 8)
    says(stack, "satisfied", order, extensions=75)


# --- the resource is renamed in between ---


@pytest.mark.parametrize("landing", ["instant", {"extensions": "manual"}], ids=["counted", "apart"])
def test_renamed_in_between(stack: Stack, landing: Any) -> None:
    stack.portal.behaviour.landing = landing
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)

    stack.declare("main", **WANT)
    succeeded(stack.up())
    succeeded(stack.up("--expect-no-changes"))
    assert recorded(stack, "main") == [(order.order_no, "succeed")]
    assert stack.outputs("main")["status"] == ("satisfied" if landing == "instant" else "ordered")
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


# --- the resource was there before ---


@pytest.mark.parametrize(
    ("landing", "name"),
    [("instant", "hq"), ("manual", "main")],
    ids=["counted", "renamed and lag"],
)
def test_a_raise_is_killed(stack: Stack, landing: str, name: str) -> None:
    stack.declare(extensions=55)
    succeeded(stack.up())
    stack.portal.behaviour.landing = landing
    stack.declare(extensions=60)
    order = killed_after_the_portal_took_it(stack)
    assert stack.portal.purchases == 2
    assert len(recorded(stack)) == 1

    stack.declare(name, extensions=60)
    succeeded(stack.up())
    succeeded(stack.up("--expect-no-changes"))
    assert stack.portal.count("order.save") == stack.portal.purchases == 2
    assert recorded(stack, name)[-1] == (order.order_no, "succeed")
    assert stack.outputs(name)["status"] == ("satisfied" if landing == "instant" else "ordered")


def test_a_raise_is_killed_and_not_echoed(stack: Stack) -> None:
    stack.declare(extensions=55)
    succeeded(stack.up())
    stack.portal.dialect = NO_ECHO
    stack.portal.behaviour.landing = "manual"
    stack.declare(extensions=60)
    order = killed_after_the_portal_took_it(stack)

    for declared in (60, 70):
        stack.declare(extensions=declared)
        refused(stack.up(), order.order_no)
        assert stack.portal.count("order.save") == stack.portal.purchases == 2


# --- what becomes of the order ---


def test_the_order_waits_for_payment(stack: Stack) -> None:
    stack.portal.behaviour.order_status = "pending"
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)

    for arguments in ([], ["--expect-no-changes"]):
        succeeded(stack.up(*arguments))
        says(stack, "awaiting_payment", order, extensions=50, calls=12)


def test_the_order_is_denied(stack: Stack) -> None:
    stack.portal.behaviour.order_status = "pending"
    stack.declare(**WANT)
    order = killed_after_the_portal_took_it(stack)
    stack.portal.set_status(order.order_no, "failed")

    for _ in range(2):
        refused(stack.up(), order.order_no, "reorder")
        assert stack.portal.count("order.save") == stack.portal.purchases == 1


def test_one_of_two_pbxs(stack: Stack) -> None:
    """A kill in the midst of a fleet: each PBX is bought for once."""
    stack.portal.add_pbx(BRANCH, extensions=50, concurrent_calls=12)
    declared: dict[str, Mapping[str, Any]] = {
        "hq": {"serial_number": HQ, **WANT},
        "branch": {"serial_number": BRANCH, **WANT},
    }
    stack.fleet(declared)
    with held(stack, Fault("order.save", "hold_after", serial_number=HQ)) as run:
        run.kill_both()
        run.ended()
    unlock(stack)

    for arguments in ([], ["--expect-no-changes"]):
        succeeded(stack.up(*arguments))
        assert sorted(order.serial_number for order in stack.portal.orders) == [HQ, BRANCH]
    assert stack.outputs("hq")["status"] == stack.outputs("branch")["status"] == "satisfied"

"""Whole lives of orders: what every later run does, what a refresh shows, and which way leads out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mini_engine import HQ, MiniEngine, Run
from test_faults import understandable

from pulumi_yspartner.model import OrderRecord
from pulumi_yspartner.sandbox import Dialect, Fault, Order, Portal, SandboxServer

DIALECTS = {
    "echo": Dialect(),
    "no_echo": Dialect(po_number="nowhere"),
    "terse": Dialect(
        po_number="details", product_no_in_list=False, quantities=False, create_time="s", newest_first=False
    ),
}


class Stack:
    def __init__(self, portal: Portal, url: str) -> None:
        self.portal = portal
        self.engine = MiniEngine(portal, url)

    def up(self, extensions: int = 60, *, options: Any = None, **declared: Any) -> Run:
        inputs = {"serial_number": HQ, "extensions": extensions, **declared}
        return understandable(self.engine.run({"hq": inputs}, **(options or {})))

    def done(self, run: Run, step: str, status: str, purchases: int, said: str = "") -> Run:
        assert run.ok, run.text
        assert run.steps == {"hq": step}, run.text
        assert self.status == status, run.text
        assert self.portal.purchases == purchases
        assert said in run.text, run.text
        return run

    def refused(self, run: Run, purchases: int, *said: str) -> None:
        assert not run.ok
        assert self.portal.purchases == purchases
        for text in ("othing was bought", *said):
            assert text in run.text, run.text

    def refreshed(self, status: str) -> None:
        run = understandable(self.engine.refresh())
        assert run.ok, run.text
        assert self.status == status

    @property
    def status(self) -> str:
        return self.engine["hq"].status

    @property
    def records(self) -> tuple[OrderRecord, ...]:
        return self.engine["hq"].orders

    @property
    def order(self) -> Order:
        return self.portal.orders[-1]


@pytest.fixture(params=list(DIALECTS))
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    portal = Portal(dialect=DIALECTS[request.param])
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    with SandboxServer(portal) as server:
        yield Stack(portal, server.url)


@pytest.mark.parametrize("status", ["pending", "confirming", "con...", "something new", "PENDING"])
def test_an_open_order_is_waited_for_however_long_and_then_paid(stack: Stack, status: str) -> None:
    stack.portal.behaviour.order_status = status
    stack.done(stack.up(), "create", "awaiting_payment", 1, "ordered: OQ")
    for hours in (0, 25, 300):
        stack.portal.clock.advance(hours=hours)
        stack.done(stack.up(), "same", "awaiting_payment", 1, "short: has 50 of 60 extensions")
        stack.refreshed("awaiting_payment")
    stack.refused(stack.up(70), 1, stack.order.order_no, status, "settledOrders")
    stack.refused(stack.up(reorder="impatient"), 1, stack.order.order_no)
    stack.portal.set_status(stack.order.order_no, "succeed")
    stack.done(stack.up(), "same", "awaiting_payment", 1)  # as of the last change or refresh
    stack.refreshed("satisfied")
    stack.portal.behaviour.order_status = "succeed"
    stack.done(stack.up(70), "update", "satisfied", 2)
    assert stack.portal.pbx(HQ).extensions == 70


@pytest.mark.parametrize("status", ["failed", "cancelled", "refunded", "invalid", "Cancelled"])
def test_an_order_that_came_to_nothing_is_ordered_again_only_when_asked(stack: Stack, status: str) -> None:
    stack.portal.behaviour.order_status = "pending"
    stack.up()
    stack.portal.set_status(stack.order.order_no, status)
    stack.portal.behaviour.order_status = "succeed"
    for hours in (0, 25):
        stack.portal.clock.advance(hours=hours)
        stack.done(stack.up(), "same", "awaiting_payment" if not hours else "short", 1, "short: has 50 of 60")
        stack.refreshed("short")
    stack.done(stack.up(reorder="again"), "update", "satisfied", 2, "ordered: OQ")
    stack.done(stack.up(reorder="again"), "same", "satisfied", 2)
    assert stack.portal.pbx(HQ).extensions == 60


def test_an_order_that_is_denied_at_once_is_said_loudly(stack: Stack) -> None:
    stack.portal.behaviour.order_status = "failed"
    stack.done(stack.up(), "create", "short", 1, "came to nothing")
    stack.done(stack.up(), "same", "short", 1, "reorder")


def test_a_new_resource_needs_reorder_after_a_denied_order() -> None:
    portal = Portal()
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    with SandboxServer(portal) as server:
        stack = Stack(portal, server.url)
        portal.behaviour.order_status = "failed"
        stack.up()
        portal.behaviour.order_status = "succeed"
        for lose in (lambda: stack.engine.forget(), stack.engine.destroy):
            if stack.engine.resources:
                lose()
            stack.refused(stack.up(), 1, "reorder", stack.order.order_no)
        stack.done(stack.up(reorder="again"), "create", "satisfied", 2)


@pytest.mark.parametrize("way_out", ["settledOrders", "cancel"])
def test_a_stuck_order_has_a_way_out(stack: Stack, way_out: str) -> None:
    stack.portal.behaviour.order_status = "pending"
    stack.up()
    stack.portal.behaviour.order_status = "succeed"
    number = stack.order.order_no
    settings = {}
    if way_out == "cancel":
        stack.portal.set_status(number, "cancelled")
    else:
        settings = {"SETTLED_ORDERS": f'["{number}"]'}
    stack.done(stack.up(70, options=settings), "update", "satisfied", 2)
    stack.done(stack.up(70), "same", "satisfied", 2)


def test_somebody_elses_order_blocks_until_it_is_settled(stack: Stack) -> None:
    other = stack.portal.place_elsewhere(HQ, extensions=3, status="pending")
    stack.refused(stack.up(), 0, other.order_no, "settledOrders")
    stack.refused(understandable(stack.engine.preview({"hq": {"serial_number": HQ, "extensions": 60}})), 0)
    stack.portal.set_status(other.order_no, "succeed")
    stack.refused(stack.up(), 0, other.order_no)  # nothing tells that the counts hold it
    stack.portal.clock.advance(hours=24.1)
    stack.done(stack.up(), "create", "satisfied", 1)
    assert stack.portal.pbx(HQ).extensions == 60


def test_lost_capacity_is_reported_and_bought_only_when_asked(stack: Stack) -> None:
    stack.up()
    stack.portal.set_counts(HQ, extensions=55)
    for _ in range(2):
        stack.done(stack.up(), "same", "satisfied", 1, "short: has 55 of 60 extensions")
    stack.refused(stack.up(reorder="lost 5"), 1, stack.order.order_no)  # its order may be on the way
    stack.portal.clock.advance(hours=25)
    stack.refreshed("short")
    stack.done(stack.up(), "same", "short", 1, "short: has 55 of 60 extensions")
    stack.done(stack.up(reorder="lost 5"), "update", "satisfied", 2)
    assert stack.portal.pbx(HQ).extensions == 60


def test_a_refunded_order_that_took_its_capacity_along(stack: Stack) -> None:
    stack.up()
    stack.portal.set_status(stack.order.order_no, "refunded")
    stack.portal.set_counts(HQ, extensions=50)
    stack.done(stack.up(), "same", "satisfied", 1, "short: has 50 of 60 extensions")
    stack.refreshed("short")
    assert stack.records[-1].status == "refunded"
    stack.done(stack.up(reorder="after all"), "update", "satisfied", 2)


def test_capacity_that_never_lands_stops_blocking_after_settle_hours(stack: Stack) -> None:
    stack.portal.behaviour.landing = "manual"
    stack.done(stack.up(), "create", "ordered", 1)
    stack.refused(stack.up(70), 1, stack.order.order_no)
    stack.done(stack.up(), "same", "ordered", 1, "short")
    stack.portal.clock.advance(hours=25)
    stack.refreshed("short")
    stack.portal.behaviour.landing = "instant"
    stack.done(stack.up(reorder="it never came"), "update", "satisfied", 2)
    assert stack.portal.pbx(HQ).extensions == 60


# --- an order that the list does not show yet ----------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"extensions": 70}, {"reorder": "now"}, {"concurrent_calls": 20}])
@pytest.mark.parametrize("status", ["succeed", "pending"])
def test_an_order_in_the_state_blocks_also_while_the_list_does_not_show_it(
    stack: Stack, status: str, change: dict[str, Any]
) -> None:
    """Rule 3: `update` decides exactly, by `orders` in the state; a lagging list must not make it forget them."""
    stack.portal.behaviour.order_status = status
    stack.portal.behaviour.landing = stack.portal.behaviour.listing = "manual"
    stack.up()
    first = stack.order
    stack.portal.behaviour.order_status = "succeed"

    run = stack.up(**change)

    assert stack.portal.purchases == 1, f"a second order while {first.order_no} is in flight"
    stack.refused(run, 1, first.order_no)


@pytest.mark.parametrize("status", ["succeed", "pending"])
def test_an_order_that_is_not_listed_yet_blocks_a_second_raise_after_quiet_runs(stack: Stack, status: str) -> None:
    stack.portal.behaviour.order_status = status
    stack.portal.behaviour.landing = stack.portal.behaviour.listing = "manual"
    stack.up()
    stack.up()
    stack.refreshed("ordered" if status == "succeed" else "awaiting_payment")
    stack.up(70)
    assert stack.portal.purchases == 1


# --- unconfirmed ---------------------------------------------------------------------------------------------------


@pytest.fixture
def lost(stack: Stack) -> Stack:
    """An order was taken, its answer was lost, and neither the list nor the counts show it."""
    stack.portal.behaviour.landing = stack.portal.behaviour.listing = "manual"
    stack.portal.faults.add(Fault("order.save", "cut_after"))
    stack.done(stack.up(), "create", "unconfirmed", 1, "UNCONFIRMED")
    stack.portal.behaviour.landing = stack.portal.behaviour.listing = "instant"
    return stack


@pytest.mark.parametrize("change", [{"extensions": 70}, {"extensions": 55}, {"reorder": "x"}, {"concurrent_calls": 20}])
def test_while_unconfirmed_nothing_is_ordered_whatever_the_want(lost: Stack, change: dict[str, Any]) -> None:
    run = lost.up(**change)
    assert lost.portal.purchases == 1
    assert lost.portal.count("order.save") == 1
    assert lost.status == "unconfirmed"
    if change != {"extensions": 55}:
        lost.refused(run, 1, "not known yet", "Billing > Orders")
    lost.refreshed("unconfirmed")


@pytest.mark.parametrize("settled_by", ["up", "refresh"])
@pytest.mark.parametrize("shows", ["listed", "landed", "both", "denied", "pending"])
def test_an_unconfirmed_order_is_settled_by_what_shows(lost: Stack, shows: str, settled_by: str) -> None:
    order = lost.order
    if shows in ("denied", "pending"):
        lost.portal.set_status(order.order_no, "failed" if shows == "denied" else "pending")
    if shows != "landed":
        lost.portal.reveal(order.order_no)
    if shows in ("landed", "both"):
        lost.portal.land(order.order_no)
    status = {"listed": "ordered", "denied": "short", "pending": "awaiting_payment"}.get(shows, "satisfied")
    if settled_by == "up":
        lost.done(lost.up(), "update", status, 1)
    else:
        lost.refreshed(status)
    [record] = lost.records
    assert record.order_no == (None if shows == "landed" else order.order_no)
    lost.done(lost.up(), "same", status, 1)


def test_with_no_trace_after_settle_hours_it_was_never_placed(stack: Stack) -> None:
    stack.portal.faults.add(Fault("order.save", "cut_before"))
    stack.done(stack.up(), "create", "unconfirmed", 0, "UNCONFIRMED")
    stack.portal.clock.advance(hours=23.5)
    stack.done(stack.up(), "update", "unconfirmed", 0, "unconfirmed")
    stack.portal.clock.advance(hours=1)
    stack.done(stack.up(), "update", "short", 0, "never placed")
    stack.done(stack.up(), "same", "short", 0, "never placed")
    stack.done(stack.up(reorder="now"), "update", "satisfied", 1)


def test_an_unreadable_portal_settles_nothing(lost: Stack) -> None:
    lost.portal.clock.advance(hours=25)
    for endpoint in ("order.list", "product.list", "any"):
        lost.portal.faults.add(Fault(endpoint, "status=503", times=None))
        run = lost.up()
        assert run.ok, run.text
        assert lost.status == "unconfirmed"
        lost.refreshed("unconfirmed")
        lost.portal.faults.clear()
    assert lost.portal.purchases == 1


def test_an_order_that_shows_after_it_was_given_up_is_recorded() -> None:
    portal = Portal()
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    with SandboxServer(portal) as server:
        stack = Stack(portal, server.url)
        portal.behaviour.landing = portal.behaviour.listing = "manual"
        portal.faults.add(Fault("order.save", "cut_after"))
        stack.up()
        portal.clock.advance(hours=25)
        stack.done(stack.up(), "update", "short", 1)
        portal.reveal(stack.order.order_no)
        portal.land(stack.order.order_no)
        stack.done(stack.up(po_number="PO-1"), "update", "satisfied", 1)
        [record] = stack.records
        assert record.order_no == stack.order.order_no


# --- what is no drift, and only up ----------------------------------------------------------------------------------


def test_a_portal_that_moves_is_no_drift(stack: Stack) -> None:
    stack.portal.behaviour.landing = "manual"
    stack.up()
    for happens in (
        lambda: stack.portal.land(stack.order.order_no),
        lambda: stack.portal.set_counts(HQ, extensions=90),
        lambda: stack.portal.set_counts(HQ, extensions=10, concurrent_calls=1),
        lambda: stack.portal.place_elsewhere(HQ, extensions=5, status="pending"),
        lambda: stack.portal.set_status(stack.portal.orders[0].order_no, "refunded"),
        lambda: stack.portal.clock.advance(hours=100),
        lambda: stack.portal.faults.add(Fault("any", "status=503", times=None)),
    ):
        happens()
        run = stack.up()
        assert run.ok, run.text
        assert run.steps == {"hq": "same"}
        assert set(run.checked["hq"]) == {"serial_number", "extensions"}
    assert stack.portal.purchases == 1


def test_a_declared_count_is_never_lowered_below_what_the_pbx_has(stack: Stack) -> None:
    stack.up()
    stack.refused(stack.up(55), 1, "60 extensions", "given")
    assert stack.engine["hq"].inputs["extensions"] == 60
    stack.done(stack.up(60), "same", "satisfied", 1)


@pytest.mark.parametrize("landing", ["instant", "manual"])
def test_a_lowered_and_raised_floor_does_not_buy_again_what_is_in_flight(stack: Stack, landing: Any) -> None:
    stack.portal.behaviour.landing = "manual"
    stack.up(60)
    assert stack.up(50).ok
    stack.up(60)
    assert stack.portal.purchases == 1
    stack.portal.land(stack.order.order_no)
    assert stack.up(60).ok
    assert stack.portal.purchases == 1
    assert stack.portal.pbx(HQ).extensions == 60


def test_another_serial_number_replaces_and_buys_for_the_new_one(stack: Stack) -> None:
    stack.portal.add_pbx("3651D3296883", extensions=50, concurrent_calls=12)
    stack.up()
    run = understandable(stack.engine.run({"hq": {"serial_number": "3651d3296883", "extensions": 60}}))
    assert run.steps == {"hq": "replace"}
    assert stack.portal.purchases == 2
    assert "keeps its capacity" in run.text


def test_adopting_buys_nothing(stack: Stack) -> None:
    stack.done(stack.up(50, concurrent_calls=12), "create", "satisfied", 0)
    stack.done(stack.up(40, concurrent_calls=12), "update", "satisfied", 0) if False else None
    stack.engine.destroy()
    stack.done(stack.up(20), "create", "satisfied", 0)
    stack.refreshed("satisfied")


def test_the_count_that_is_not_raised_is_not_bought(stack: Stack) -> None:
    stack.portal.behaviour.order_status = "failed"
    stack.up(60, concurrent_calls=12)
    stack.portal.behaviour.order_status = "succeed"
    stack.done(stack.up(60, concurrent_calls=14), "update", "short", 2)
    assert stack.order.extensions == 0
    assert stack.order.concurrent_calls == 2

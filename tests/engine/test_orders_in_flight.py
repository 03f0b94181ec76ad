"""Orders that are not done at once: pending, denied, somebody else's, or with a lost answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from engine_stack import HQ, Stack, refused, succeeded

from pulumi_yspartner.sandbox import Fault


@pytest.mark.deep
def test_a_pending_order_is_waited_for(stack: Stack) -> None:
    stack.portal.behaviour.order_status = "pending"
    stack.declare(extensions=60)
    succeeded(stack.up())
    [order] = stack.portal.orders
    assert stack.outputs()["status"] == "awaiting_payment"

    unchanged = succeeded(stack.preview("--expect-no-changes"))
    assert "short: has 50 of 60 extensions" in unchanged.rows["hq"]
    assert order.order_no in unchanged.rows["hq"]
    stack.declare(extensions=70)
    refused(stack.up(), order.order_no, "pending", "settledOrders")
    assert stack.portal.purchases == 1

    stack.portal.behaviour.order_status = "succeed"
    stack.portal.set_status(order.order_no, "succeed")
    succeeded(stack.refresh())
    assert stack.outputs()["status"] == "satisfied"
    assert "buy 10 extensions (60 -> 70)" in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())
    assert stack.portal.pbx(HQ).extensions == 70
    assert stack.portal.purchases == 2


@pytest.mark.deep
def test_capacity_that_lands_late_is_not_bought_twice(stack: Stack) -> None:
    stack.portal.behaviour.landing = "manual"
    stack.declare(extensions=60)
    succeeded(stack.up())
    [order] = stack.portal.orders
    assert stack.outputs()["status"] == "ordered"

    succeeded(stack.up("--expect-no-changes"))
    succeeded(stack.refresh("--expect-no-changes"))
    stack.declare(extensions=60, reorder="impatient")
    refused(stack.up(), order.order_no)
    assert stack.portal.purchases == 1

    stack.portal.land(order.order_no)
    succeeded(stack.up())
    assert stack.outputs()["status"] == "satisfied"
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_denied_order_is_not_placed_again_without_reorder(stack: Stack) -> None:
    stack.portal.behaviour.order_status = "failed"
    stack.declare(extensions=60)
    stack.up()
    [order] = stack.portal.orders
    stack.portal.behaviour.order_status = "succeed"

    up = succeeded(stack.up())
    assert "short: has 50 of 60 extensions" in up.rows["hq"]
    assert stack.portal.purchases == 1

    # A forced replace looks like a new resource, so it must not order again either.
    refused(stack.up("--replace", stack.resource()["urn"]), order.order_no, "reorder")
    assert stack.portal.purchases == 1

    stack.declare(extensions=60, reorder="denied by mistake")
    succeeded(stack.up())
    assert stack.portal.purchases == 2
    assert stack.portal.pbx(HQ).extensions == 60


@pytest.mark.deep
def test_an_order_by_somebody_else_blocks(stack: Stack) -> None:
    order = stack.portal.place_elsewhere(HQ, extensions=10, status="pending")
    stack.declare(extensions=60)

    for run in (stack.preview(), stack.up()):
        refused(run, order.order_no, "pending", "settledOrders")
    assert stack.portal.count("order.save") == stack.portal.purchases == 0

    stack.settings(SETTLED_ORDERS=f'["{order.order_no}"]')
    succeeded(stack.up())
    assert stack.portal.purchases == 1


def test_an_order_whose_answer_was_lost_is_found_and_not_repeated(stack: Stack) -> None:
    stack.portal.faults.add(Fault("order.save", "cut_after"))
    stack.declare(extensions=60)

    succeeded(stack.up())

    [order] = stack.portal.orders
    assert [each["order_no"] for each in stack.outputs()["orders"]] == [order.order_no]
    succeeded(stack.up("--expect-no-changes"))
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
def test_an_order_without_a_trace_is_unconfirmed_until_it_shows(stack: Stack) -> None:
    stack.settings(TIMEOUT="2")
    stack.portal.behaviour.listing = "manual"
    stack.portal.behaviour.landing = "manual"
    stack.portal.faults.add(Fault("order.save", "cut_after"))
    stack.declare(extensions=60)
    assert "UNCONFIRMED" in succeeded(stack.up()).rows["hq"]
    assert stack.outputs()["status"] == "unconfirmed"

    stack.declare(extensions=70, reorder="anything")
    refused(stack.up(), "not known yet")
    assert stack.portal.count("order.save") == stack.portal.purchases == 1

    [order] = stack.portal.orders
    stack.portal.reveal(order.order_no)
    stack.portal.land(order.order_no)
    stack.declare(extensions=60)
    succeeded(stack.up())
    assert stack.outputs()["status"] == "satisfied"
    assert [each["order_no"] for each in stack.outputs()["orders"]] == [order.order_no]
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
def test_an_order_that_the_portal_refuses_buys_nothing(stack: Stack) -> None:
    stack.portal.faults.add(Fault("order.save", "status=400"))
    stack.declare(extensions=60)

    refused(stack.up(), "the portal refused the order", HQ)
    assert stack.resources == []
    assert stack.portal.purchases == 0
    succeeded(stack.up())
    assert stack.portal.purchases == 1


def test_a_pbx_that_moves_between_the_program_and_the_order_is_not_bought_for(stack: Stack) -> None:
    by_provider = stack.portal.faults.add(Fault("product.detail", "hold_before", skip=1))
    stack.declare(extensions=60)
    with ThreadPoolExecutor(1) as pool:
        up = pool.submit(stack.up)
        try:
            assert by_provider.reached.wait(60)
            stack.portal.set_counts(HQ, extensions=55)
        finally:
            by_provider.release()

    refused(up.result(), "extensions moved from 50 to 55", "preview")
    assert stack.portal.count("order.save") == stack.portal.purchases == 0

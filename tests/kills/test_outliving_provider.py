"""A provider outlives a killed engine and finishes its work. It must not order any more."""

from __future__ import annotations

import time

import pytest
from engine_stack import BRANCH, HQ, Stack, succeeded
from killing import held, is_locked, unlock, wait_until

from pulumi_yspartner.sandbox import Fault

READS = {
    "before the counts": Fault("product.detail", "hold_before", skip=1),
    "before the orders": Fault("order.list", "hold_before", skip=1),
    "with counts and orders read": Fault("purchase_info", "hold_before", skip=1),
}


@pytest.mark.parametrize(
    "held_at",
    [pytest.param(name, marks=[] if name == "with counts and orders read" else pytest.mark.deep) for name in READS],
)
def test_it_does_not_order_when_the_next_run_has(stack: Stack, held_at: str) -> None:
    fault = READS[held_at]
    stack.declare(extensions=60)
    with held(stack, Fault(fault.endpoint, fault.kind, skip=fault.skip)) as run:
        run.kill_engine()
        unlock(stack)
        succeeded(stack.up())
        assert stack.portal.purchases == 1
        [outliving] = run.providers

        stack.portal.faults.clear()
        run.idle()
        assert run.providers == [outliving]  # it is there, and has decided not to

    assert stack.portal.count("order.save") == stack.portal.purchases == 1
    succeeded(stack.up("--expect-no-changes"))
    assert stack.portal.pbx(HQ).extensions == 60


@pytest.mark.deep
def test_it_does_not_order_after_a_renewal_of_its_token(stack: Stack) -> None:
    """The engine dies while the provider, about to send, renews its token."""
    stack.portal.behaviour.token_life = 4.0  # renewed after 2 s
    stack.declare(extensions=60)
    with held(stack, Fault("purchase_info", "hold_before", skip=1)) as run:
        wait_until(lambda: stack.portal.in_flight == 1, "only that read under way")
        time.sleep(2.5)
        renewal = Fault("token", "hold_before")
        read = stack.portal.faults
        read.release()
        read.add(renewal)
        wait_until(renewal.reached.is_set, "renewing the token")
        run.kill_engine()
        stack.portal.faults.clear()
        run.idle()

    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
def test_it_does_not_order_after_a_wait_for_a_connection(stack: Stack) -> None:
    """The engine dies while the provider, about to send, waits for one of `maxConnections`."""
    stack.portal.add_pbx(BRANCH, extensions=50, concurrent_calls=12)
    stack.settings(MAX_CONNECTIONS="1")
    stack.fleet({"hq": {"serial_number": HQ, "extensions": 60}, "branch": {"serial_number": BRANCH, "extensions": 60}})
    # The reads for both PBXs take turns; the last one of all is held, and the other PBX's order waits behind it.
    with held(stack, Fault("product.detail", "hold_before", skip=3)) as run:
        time.sleep(1)
        assert stack.portal.count("order.save") == 0
        run.kill_engine()
        stack.portal.faults.clear()
        run.idle()

    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
def test_a_run_whose_lock_was_taken_away_does_not_order_again(stack: Stack) -> None:
    """`pulumi cancel` while the engine lives: two engines on one stack. What was read before is read anew."""
    stack.declare(extensions=60)
    with held(stack, Fault("product.detail", "hold_before", skip=1)) as run:
        assert is_locked(stack)
        unlock(stack)
        succeeded(stack.up())
        stack.portal.faults.clear()
        assert "extensions moved from 50 to 60" in run.ended()

    assert stack.portal.count("order.save") == stack.portal.purchases == 1
    succeeded(stack.up())  # the first run wrote its own state last
    succeeded(stack.up("--expect-no-changes"))
    assert [each["order_no"] for each in stack.outputs()["orders"]] == [stack.portal.orders[0].order_no]
    assert stack.portal.count("order.save") == stack.portal.purchases == 1

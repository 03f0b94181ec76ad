"""Killed at each step of an order, then `pulumi up` twice: the PBX is bought for once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from engine_stack import HQ, Stack, succeeded
from killing import LOCKED, Run, held, is_locked, tell, unlock

from pulumi_yspartner.sandbox import Fault


def kill_before_state(run: Run) -> None:
    """The provider has answered, and the engine dies before it has read that: nothing of it is written."""
    run.engine.send_signal(signal.SIGSTOP)
    run.stack.portal.faults.clear()
    run.idle()
    time.sleep(0.3)
    run.kill_engine()


def kill_both_before_state(run: Run) -> None:
    [provider] = run.providers
    kill_before_state(run)
    os.kill(provider, signal.SIGKILL)


@dataclass(frozen=True)
class Point:
    """A request of the provider that is held, what is killed then, and how many orders the portal has taken once
    everything has come to its end."""

    endpoint: str
    kind: str
    skip: int
    kill: Callable[[Run], None]
    purchases: int
    finishes: bool = False
    """Whether the interrupted command still writes the order into the state."""

    @property
    def fault(self) -> Fault:
        return Fault(self.endpoint, self.kind, skip=self.skip)


# The program reads everything once before the provider does: skip=1 is the provider's first request.
BEFORE_THE_READS = ("product.detail", "hold_before", 1)
BEFORE_THE_LAST_READ = ("purchase_info", "hold_before", 1)
AS_IT_IS_SENT = ("order.save", "hold_before", 0)
TAKEN = ("order.save", "hold_after", 0)
ANSWERED = ("product.detail", "hold_before", 2)

POINTS = {
    "before-the-reads, provider": Point(*BEFORE_THE_READS, Run.kill_provider, 0),
    "before-the-reads, engine": Point(*BEFORE_THE_READS, Run.kill_engine, 0),
    "before-the-reads, both": Point(*BEFORE_THE_READS, Run.kill_both, 0),
    "before-the-reads, SIGINT to the engine": Point(*BEFORE_THE_READS, Run.interrupt, 1, finishes=True),
    "before-the-reads, SIGINT twice": Point(*BEFORE_THE_READS, Run.interrupt_twice, 0),
    "before-the-reads, SIGINT to the provider": Point(*BEFORE_THE_READS, Run.interrupt_provider, 0),
    "before-the-last-read, engine": Point(*BEFORE_THE_LAST_READ, Run.kill_engine, 0),
    "as-it-is-sent, provider": Point(*AS_IT_IS_SENT, Run.kill_provider, 0),
    "as-it-is-sent, engine": Point(*AS_IT_IS_SENT, Run.kill_engine, 1),  # it is on its way: nobody can hold it back
    "as-it-is-sent, both": Point(*AS_IT_IS_SENT, Run.kill_both, 0),
    "as-it-is-sent, SIGINT twice": Point(*AS_IT_IS_SENT, Run.interrupt_twice, 0),
    "taken, provider": Point(*TAKEN, Run.kill_provider, 1),
    "taken, engine": Point(*TAKEN, Run.kill_engine, 1),
    "taken, both": Point(*TAKEN, Run.kill_both, 1),
    "taken, SIGINT to the engine": Point(*TAKEN, Run.interrupt, 1, finishes=True),
    "taken, SIGINT twice": Point(*TAKEN, Run.interrupt_twice, 1),
    "answered, provider": Point(*ANSWERED, Run.kill_provider, 1),
    "answered, engine": Point(*ANSWERED, Run.kill_engine, 1),
    "answered, SIGINT twice": Point(*ANSWERED, Run.interrupt_twice, 1),
    "before-the-state-is-written, engine": Point(*ANSWERED, kill_before_state, 1),
    "before-the-state-is-written, both": Point(*ANSWERED, kill_both_before_state, 1),
}


QUICK = ("before-the-reads, engine", "taken, both")
"""One that is not sent, one that is taken; the others take as long and are `deep`."""


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, id=name, marks=[] if name in QUICK else pytest.mark.deep) for name, point in POINTS.items()],
)
def test_killed_and_run_again_twice(stack: Stack, point: Point) -> None:
    portal = stack.portal
    stack.declare(extensions=60, concurrent_calls=20)

    with held(stack, point.fault) as run:
        point.kill(run)
        portal.faults.clear()  # whoever is still there gets the answer
        result = run.ended()
        run.idle()
    assert result.code != 0
    assert portal.purchases == point.purchases
    assert len(stack.resources) == point.finishes
    unlock(stack)

    first = succeeded(stack.up(*["--expect-no-changes"] * point.finishes))
    assert ("ordered: OQ" in first) == (point.purchases == 0)
    assert portal.purchases == 1
    succeeded(stack.up("--expect-no-changes"))

    assert portal.count("order.save") == 1 + (point.endpoint == "order.save" and point.purchases == 0)
    assert portal.purchases == 1
    [order] = portal.orders
    assert (order.extensions, order.concurrent_calls) == (10, 8)
    outputs = stack.outputs()
    assert outputs["capacity"] == {"extensions": 60, "concurrent_calls": 20}
    assert outputs["status"] == "satisfied"
    assert [(each["order_no"], each["status"]) for each in outputs["orders"]] == [(order.order_no, "succeed")]


@pytest.mark.deep
def test_a_killed_engine_leaves_a_lock_that_says_so(stack: Stack) -> None:
    stack.declare(extensions=60)
    with held(stack, Fault(*TAKEN[:2])) as run:
        run.kill_both()
        run.ended()
    assert is_locked(stack)

    told = stack.up()
    assert told.code != 0
    assert LOCKED in told
    assert "pulumi cancel" in told

    unlock(stack)
    succeeded(stack.up())
    assert stack.portal.pbx(HQ).extensions == 60
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
def test_sigint_twice_and_an_answer_while_the_engine_ends(stack: Stack) -> None:
    """A window: an engine that was told to end still listens for a moment, so an order may follow the second Ctrl-C.
    Promised is that it is found."""
    stack.declare(extensions=60)
    with held(stack, Fault("product.detail", "hold_before", skip=1)) as run:
        run.interrupt()
        run.engine.send_signal(signal.SIGINT)
        asked = time.monotonic()
        stack.portal.faults.clear()
        result = run.ended()
        took = time.monotonic() - asked
    tell(f"the engine ended {took:.1f} s after the second SIGINT; orders after it: {stack.portal.purchases}")
    assert result.code != 0
    assert stack.portal.purchases in (0, 1)
    unlock(stack)

    succeeded(stack.up())
    assert stack.portal.purchases == 1
    succeeded(stack.up("--expect-no-changes"))
    assert stack.portal.purchases == 1
    assert [each["order_no"] for each in stack.outputs()["orders"]] == [stack.portal.orders[0].order_no]

"""Two who order for one PBX: on one stack, from two stacks, from a stack and by hand in the portal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_stack import HQ, Stack, refused, succeeded
from killing import LOCKED, held, tell

from pulumi_yspartner.ordering import READS_HOLD_FOR
from pulumi_yspartner.sandbox import Fault, Portal

PLAN = "plan.json"


@pytest.fixture
def other(stack: Stack, pulumi_cli: Path, template: Path, tmp_path: Path) -> Stack:
    """A stack of somebody else, on the same account."""
    return Stack.create(tmp_path / "other", pulumi_cli, template, stack.portal, stack.url)


@pytest.mark.parametrize(
    "fault", [pytest.param("product.detail:hold_before@2", marks=pytest.mark.deep), "order.save:hold_after"]
)
def test_two_updates_of_one_stack(stack: Stack, fault: str) -> None:
    stack.declare(extensions=60)
    with held(stack, Fault.parse(fault)) as run:
        sent = stack.portal.count("order.save")
        second = stack.up()
        assert second.code != 0
        assert LOCKED in second
        assert stack.portal.count("order.save") == sent
        stack.portal.faults.clear()
        succeeded(run.ended())

    succeeded(stack.up("--expect-no-changes"))
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
@pytest.mark.parametrize(
    ("landing", "wants"),
    [("instant", 70), ("manual", 70), ("manual", 60)],
    ids=["counted", "lag", "lag, the same want"],
)
def test_two_stacks_while_one_has_an_order_in_flight(stack: Stack, other: Stack, landing: Any, wants: int) -> None:
    stack.portal.behaviour.landing = landing
    stack.declare(extensions=60)
    other.declare(extensions=wants)
    with held(stack, Fault("order.save", "hold_after")) as run:
        [order] = stack.portal.orders
        for _ in range(2):
            second = other.up()
            if wants == 60:  # the same declaration: it is satisfied by that order, or adopts it
                succeeded(second)
                assert "ordered: OQ" not in second
            else:
                refused(second, order.order_no)
            assert stack.portal.purchases == 1
        stack.portal.faults.clear()
        succeeded(run.ended())

    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
def test_two_stacks_when_the_first_orders_after_the_seconds_program_has_read(stack: Stack, other: Stack) -> None:
    stack.declare(extensions=70)
    other.declare(extensions=60)
    with held(stack, Fault("product.detail", "hold_before", skip=1)) as run:
        succeeded(other.up())
        stack.portal.faults.clear()
        refused(run.ended(), "extensions moved from 50 to 60")
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
@pytest.mark.parametrize("wants", [70, 60], ids=["another want", "the same want"])
def test_two_stacks_when_the_first_orders_before_the_second_reads_the_orders(
    stack: Stack, other: Stack, wants: int
) -> None:
    """As above, with counts that lag: only the order list tells."""
    stack.portal.behaviour.landing = "manual"
    stack.declare(extensions=wants)
    other.declare(extensions=60)
    with held(stack, Fault("order.list", "hold_before", skip=1)) as run:
        succeeded(other.up())
        [order] = stack.portal.orders
        stack.portal.faults.clear()
        result = run.ended()
    if wants == 60:
        succeeded(result)
        assert [each["order_no"] for each in stack.outputs()["orders"]] == [order.order_no]
    else:
        refused(result, order.order_no)
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


@pytest.mark.deep
def test_reads_that_are_too_old_do_not_order(stack: Stack) -> None:
    """The upper end of the window between the last read and the order."""
    stack.declare(extensions=60)
    with held(stack, Fault("purchase_info", "hold_before", skip=1)) as run:
        time.sleep(READS_HOLD_FOR + 0.5)
        stack.portal.faults.clear()
        refused(run.ended(), "may have moved")
    assert stack.portal.count("order.save") == stack.portal.purchases == 0
    succeeded(stack.up())
    assert stack.portal.purchases == 1


# --- a second buyer in the portal ---


@pytest.mark.deep
@pytest.mark.parametrize(
    ("landing", "status"),
    [("manual", "succeed"), ("manual", "pending")],
    ids=["lag", "pending"],
)
def test_a_second_buyer_between_review_and_order(stack: Stack, landing: Any, status: str) -> None:
    stack.declare(extensions=60)
    stack.settings(PURCHASES=None)
    succeeded(stack.preview("--save-plan", PLAN))
    stack.settings(PURCHASES="allow")
    stack.portal.behaviour.landing = landing
    stack.portal.place_elsewhere(HQ, extensions=10, status=status)

    for _ in range(2):
        applied = stack.up("--plan", PLAN)
        assert applied.code != 0
        assert "Traceback" not in applied
        assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
@pytest.mark.parametrize("status", ["pending", "succeed"])
def test_a_second_buyer_between_the_program_and_the_provider(stack: Stack, status: str) -> None:
    stack.portal.behaviour.landing = "manual"
    stack.declare(extensions=60)
    stack.settings(PURCHASES=None)
    succeeded(stack.preview("--save-plan", PLAN))
    stack.settings(PURCHASES="allow")
    stack.portal.reset_requests()
    with held(stack, Fault("order.list", "hold_before", skip=1), "--plan", PLAN) as run:
        order = stack.portal.place_elsewhere(HQ, extensions=10, status=status)
        stack.portal.faults.clear()
        refused(run.ended(), order.order_no, status, "settledOrders")
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


# --- the window that stays ---


class Watch:
    """When requests came in, and when orders were taken."""

    def __init__(self, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.came: list[tuple[str, float]] = []
        serving = portal.serving

        @contextmanager
        def watched(endpoint: str) -> Iterator[None]:
            self.came.append((endpoint, time.monotonic()))
            with serving(endpoint):
                yield

        monkeypatch.setattr(portal, "serving", watched)
        portal.on_order = lambda _order: self.came.append(("taken", time.monotonic()))

    def windows(self) -> list[float]:
        """Per order, the seconds from the oldest of its last reads (counts, orders) to its being taken."""
        found = []
        for index, (what, when) in enumerate(self.came):
            if what == "taken":
                before = self.came[:index]
                last = [max(t for each, t in before if each == name) for name in ("product.detail", "order.list")]
                found.append(when - min(last))
        return found


@pytest.mark.deep
@pytest.mark.parametrize("latency", [0.0, 0.1])
def test_the_window_between_the_last_read_and_the_order(
    stack: Stack, latency: float, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    """What another buyer does in it is not seen: the API has no condition that an order could carry."""
    stack.portal.behaviour.latency = latency
    stack.declare(extensions=60)
    watch = Watch(stack.portal, monkeypatch)
    succeeded(stack.up())
    [window] = watch.windows()
    record_property("window", window)
    tell(f"latency {latency} s: {window:.2f} s from the last reads to the order")
    assert 0 < window < 4 * latency + 5
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_what_two_stacks_do_in_that_window(stack: Stack, other: Stack) -> None:
    """Both have read, neither has ordered: nothing that the API offers tells them apart. It shows afterwards."""
    stack.declare(extensions=60)
    other.declare(extensions=60)
    with held(stack, Fault("purchase_info", "hold_before", skip=1)) as run:
        succeeded(other.up())
        stack.portal.faults.clear()
        succeeded(run.ended())
    tell(f"orders: {stack.portal.purchases}")
    assert stack.portal.purchases in (1, 2)

    for each in (stack, other):
        succeeded(each.refresh())
        succeeded(each.up("--expect-no-changes"))
        assert each.outputs()["capacity"]["extensions"] == stack.portal.pbx(HQ).extensions
    assert stack.portal.purchases in (1, 2)

"""Which counts buy: new and raised ones only, each for itself. What was lost is said, never bought back by itself."""

from __future__ import annotations

import pytest
from engine_stack import HQ, Stack, refused, succeeded


def test_raising_one_count_buys_only_that_one_though_the_other_is_short(stack: Stack) -> None:
    stack.declare(extensions=50, concurrent_calls=12)
    succeeded(stack.up())
    stack.portal.set_counts(HQ, concurrent_calls=10)
    stack.declare(extensions=60, concurrent_calls=12)

    up = succeeded(stack.up())

    [order] = stack.portal.orders
    assert (order.extensions, order.concurrent_calls) == (10, 0)
    assert stack.portal.purchases == 1
    assert stack.outputs()["status"] != "satisfied"
    assert "ordered: " in up.rows["hq"]


@pytest.mark.deep
def test_lost_capacity_is_said_on_each_run_and_bought_only_by_reorder(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.portal.set_counts(HQ, extensions=40)

    for _ in range(2):
        unchanged = succeeded(stack.preview("--expect-no-changes"))
        assert "short: has 40 of 50 extensions" in unchanged.rows["hq"]
        assert "reorder" in unchanged.rows["hq"]
    up = succeeded(stack.up("--refresh"))
    assert "short: has 40 of 50 extensions" in up.rows["hq"]
    assert stack.portal.count("order.save") == stack.portal.purchases == 0

    stack.declare(extensions=50, reorder="lost in June")
    assert "buy 10 extensions (40 -> 50)" in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())
    assert stack.portal.purchases == 1
    stack.portal.set_counts(HQ, extensions=45)
    succeeded(stack.up("--expect-no-changes"))
    assert stack.portal.purchases == 1


def test_lowering_a_short_count_buys_nothing(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.portal.set_counts(HQ, extensions=40)
    stack.declare(extensions=45)

    up = succeeded(stack.up())

    assert stack.portal.count("order.save") == stack.portal.purchases == 0
    assert "short: has 40 of 45 extensions" in up.rows["hq"]
    assert stack.outputs()["extensions"] == 45
    succeeded(stack.preview("--expect-no-changes"))


@pytest.mark.deep
def test_lowering_a_count_below_what_the_pbx_has_is_refused(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.declare(extensions=40)

    for run in (stack.preview(), stack.up()):
        refused(run, "extensions is lowered to 40", "has 50 extensions", "given back")
    assert stack.outputs()["extensions"] == 50
    assert stack.portal.count("order.save") == stack.portal.purchases == 0

    stack.declare(extensions=50)
    succeeded(stack.preview("--expect-no-changes"))


@pytest.mark.deep
def test_more_than_declared_is_satisfied(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.portal.set_counts(HQ, extensions=70)
    succeeded(stack.preview("--expect-no-changes"))

    stack.declare(extensions=60)  # raised, and still below what it has
    up = succeeded(stack.up())

    assert "buy" not in up.rows["hq"].replace("nothing to buy", "")
    assert stack.outputs()["status"] == "satisfied"
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
def test_a_count_that_is_no_longer_declared_is_left_alone(stack: Stack) -> None:
    stack.declare(extensions=50, concurrent_calls=12)
    succeeded(stack.up())
    stack.portal.set_counts(HQ, concurrent_calls=5)
    stack.declare(extensions=50)

    succeeded(stack.up())

    assert "concurrent_calls" not in stack.resource()["inputs"]
    assert stack.outputs()["status"] == "satisfied"
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
def test_refresh_notices_lost_capacity_and_buys_nothing(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.portal.set_counts(HQ, extensions=40)

    succeeded(stack.refresh())

    assert stack.outputs()["capacity"]["extensions"] == 40
    assert stack.outputs()["status"] == "short"
    assert stack.resource()["inputs"]["extensions"] == 50
    succeeded(stack.up())
    assert stack.portal.count("order.save") == stack.portal.purchases == 0

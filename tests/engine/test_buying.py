"""The main job: what is declared is shown, bought once, and then left alone."""

from __future__ import annotations

import pytest
from engine_stack import BRANCH, HQ, Stack, refused, succeeded


def test_preview_says_what_would_be_bought_and_buys_nothing(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.settings(PURCHASES=None)
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 250, "concurrent_calls": 60},
            "branch": {"serial_number": BRANCH, "extensions": 100},
        }
    )

    preview = succeeded(stack.preview())

    assert preview.rows["hq"].startswith("create")
    assert "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)" in preview.rows["hq"]
    assert HQ in preview.rows["hq"]
    assert "buy" not in preview.rows["branch"].replace("nothing to buy", "")
    assert "1 of 2 PBXs would buy: 200 extensions, 48 concurrent calls" in preview.rows["fleet-dev"]
    assert "up will refuse: purchases are off" in preview.rows["fleet-dev"]
    assert stack.portal.purchases == 0


def test_both_counts_are_bought_in_one_order_and_then_left_alone(stack: Stack) -> None:
    stack.declare(extensions=250, concurrent_calls=60)

    up = succeeded(stack.up())

    [order] = stack.portal.orders
    assert (order.extensions, order.concurrent_calls) == (200, 48)
    assert f"ordered: {order.order_no}, succeed" in up.rows["hq"]
    assert stack.portal.purchases == 1

    stack.portal.reset_requests()
    unchanged = succeeded(stack.preview("--expect-no-changes"))
    assert "buy" not in unchanged
    assert unchanged.rows.get("hq", "") == ""
    succeeded(stack.up("--expect-no-changes"))
    succeeded(stack.refresh("--expect-no-changes"))
    succeeded(stack.preview("--expect-no-changes"))
    destroy = succeeded(stack.destroy())
    assert "stays billed" in destroy
    assert stack.portal.count("order.save") == 0
    assert stack.portal.purchases == 1
    assert stack.resources == []


def test_destroy_makes_no_request_at_all(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.portal.reset_requests()

    destroy = succeeded(stack.destroy())

    assert "50 extensions" in destroy
    assert stack.portal.requests.total() == 0
    assert stack.portal.purchases == 0


def test_the_order_is_the_one_of_the_vendors_tutorial(stack: Stack) -> None:
    stack.declare(extensions=250)

    succeeded(stack.up())

    [order] = stack.portal.orders
    assert order.body is not None
    body = dict(order.body)
    assert body.pop("poNumber").startswith("YS-")
    assert body == {
        "operationType": "purchase_service",
        "productId": 12,
        "productNo": "3651D3296882",
        "billingId": 3197218168379846218,
        "serviceList": [
            {
                "connectionPlanId": 3049040650094403584,
                "serviceType": "service",
                "serviceId": 3049060579827040256,
                "quantity": 200,
                "purchaseType": "purchase",
                "billingModel": "recurring",
                "billingCycle": "annually",
            }
        ],
    }
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_the_users_purchase_order_number_comes_before_our_reference(stack: Stack) -> None:
    stack.declare(extensions=51, po_number="PO 2024-7")

    succeeded(stack.up())

    [order] = stack.portal.orders
    assert order.po_number is not None
    assert order.po_number.startswith("PO 2024-7 YS-")
    assert stack.portal.purchases == 1


def test_raising_a_count_buys_the_difference(stack: Stack) -> None:
    stack.declare(extensions=60, concurrent_calls=12)
    succeeded(stack.up())
    stack.declare(extensions=75, concurrent_calls=12)

    preview = succeeded(stack.preview())
    assert preview.rows["hq"].startswith("update")
    assert "buy 15 extensions (60 -> 75);" in preview.rows["hq"]
    assert stack.portal.purchases == 1

    succeeded(stack.up())
    assert [order.extensions for order in stack.portal.orders] == [10, 15]
    assert stack.portal.pbx(HQ).extensions == 75
    assert stack.portal.purchases == 2

    succeeded(stack.preview("--expect-no-changes"))
    assert len(stack.outputs()["orders"]) == 2


@pytest.mark.deep
def test_a_plain_up_with_its_own_preview_buys_once(stack: Stack) -> None:
    stack.declare(extensions=250)

    succeeded(stack.run("up", "--yes"))

    assert stack.portal.purchases == 1
    assert stack.portal.pbx(HQ).extensions == 250


def test_adopting_a_pbx_that_has_the_capacity_or_more_buys_nothing(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.settings(PURCHASES=None)  # adopting needs no permission to spend
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 50, "concurrent_calls": 12},
            "branch": {"serial_number": BRANCH, "extensions": 20},
        }
    )

    preview = succeeded(stack.preview())
    assert "nothing to buy: has 50 extensions (50 declared)" in preview.rows["hq"]
    assert "nothing to buy: has 100 extensions (20 declared)" in preview.rows["branch"]
    assert "would buy" not in preview

    succeeded(stack.up())
    assert stack.outputs("hq")["status"] == stack.outputs("branch")["status"] == "satisfied"
    assert stack.outputs("branch")["capacity"]["extensions"] == 100
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
def test_capacity_is_exported_as_whole_numbers(stack: Stack) -> None:
    stack.declare(extensions=250, concurrent_calls=60)
    succeeded(stack.up())

    shown = succeeded(stack.run("stack output", "--json"))

    assert '"extensions": 250' in shown
    assert '"concurrent_calls": 60' in shown
    assert '"status": "satisfied"' in shown


def test_purchases_off_shows_the_purchase_and_refuses_the_update(stack: Stack) -> None:
    stack.settings(PURCHASES=None)
    stack.declare(extensions=250)

    preview = succeeded(stack.preview(), "up will refuse: purchases are off")
    assert "buy 200 extensions (50 -> 250)" in preview.rows["hq"]

    refused(stack.up(), "purchases are off", "YSPARTNER_PURCHASES", HQ)
    assert stack.resources == []
    assert stack.portal.count("order.save") == stack.portal.purchases == 0

    # The refused update used nothing up: allowed, the same declaration buys.
    stack.settings(PURCHASES="allow")
    succeeded(stack.up())
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_refused_raise_is_not_used_up(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.declare(extensions=60)
    stack.settings(PURCHASES="deny")
    refused(stack.up(), "purchases are off")
    assert stack.portal.purchases == 0

    stack.settings(PURCHASES="allow")
    assert "buy 10 extensions (50 -> 60)" in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())
    assert stack.portal.purchases == 1

"""Prices on the real engine: shown in preview, held against the limit on money, and never in the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from engine_stack import BRANCH, DEPOT, HQ, Result, Stack, refused, succeeded

from pulumi_yspartner.sandbox import Dialect, Fault

PLAN = "plan.json"


def save_plan(stack: Stack) -> Result:
    """Preview as a job without permission to spend does."""
    stack.settings(PURCHASES=None)
    preview = succeeded(stack.preview("--save-plan", PLAN))
    stack.settings(PURCHASES="allow")
    return preview


def prices(stack: Stack, extension: str) -> None:
    stack.portal.behaviour.prices = {"extensions": Decimal(extension), "concurrent_calls": Decimal("12.50")}


def test_the_preview_shows_each_price_and_their_sum(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.add_pbx(DEPOT, extensions=100, concurrent_calls=25)
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 250, "concurrent_calls": 60},
            "branch": {"serial_number": BRANCH, "extensions": 101},
            "depot": {"serial_number": DEPOT, "extensions": 100},
        }
    )

    preview = succeeded(stack.preview())

    bought = "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)"
    assert f"{bought}; price 1850.00 USD; {HQ}" in preview.rows["hq"]
    assert f"buy 1 extension (100 -> 101); price 6.25 USD; {BRANCH}" in preview.rows["branch"]
    assert "price" not in preview.rows["depot"]
    total = "2 of 3 PBXs would buy: 201 extensions, 48 concurrent calls; price 1856.25 USD"
    assert total in preview.rows["fleet-dev"]
    assert "unknown" not in preview.rows["fleet-dev"]
    assert stack.portal.count("price") == 2
    assert stack.portal.purchases == 0


def test_an_unchanged_fleet_asks_for_no_price(stack: Stack) -> None:
    stack.declare(extensions=250)
    succeeded(stack.up())
    assert stack.portal.purchases == 1
    assert stack.portal.count("price") == 1, "without a limit on money, the program's line is all that a price is for"

    stack.portal.reset_requests()
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.count("price") == 0


def test_a_price_that_is_not_known_for_some_is_said(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.faults.add(Fault("price", "status=403", times=None, serial_number=BRANCH))
    stack.fleet({"hq": {"serial_number": HQ, "extensions": 51}, "branch": {"serial_number": BRANCH, "extensions": 101}})

    preview = succeeded(stack.preview())

    assert f"; price 6.25 USD; {HQ}" in preview.rows["hq"]
    assert f"; price unknown; {BRANCH}" in preview.rows["branch"]
    assert "2 of 2 PBXs would buy: 2 extensions; price 6.25 USD and 1 unknown" in preview
    assert "why a price is unknown: the portal refused the request (POST /pricing/" in preview
    assert "warning" not in preview
    assert "error" not in preview


@pytest.mark.parametrize(
    "what",
    [
        "status=404",
        *(pytest.param(each, marks=pytest.mark.deep) for each in ("status=403", "garbage", "status=500")),
        "timeout_before",
        pytest.param("no price in the answer", marks=pytest.mark.deep),
    ],
)
def test_without_a_price_the_purchase_works_all_the_same(stack: Stack, what: str) -> None:
    if what == "no price in the answer":
        stack.portal.dialect = Dialect(rewrite=lambda endpoint, result: None if endpoint == "price" else result)
    else:
        stack.portal.faults.add(Fault("price", what, times=None))
    stack.settings(TIMEOUT="2")
    stack.declare(extensions=250)

    preview = save_plan(stack)
    assert f"buy 200 extensions (50 -> 250); price unknown; {HQ}" in preview.rows["hq"]
    assert "would buy: 200 extensions; price unknown" in preview

    up = succeeded(stack.up("--plan", PLAN))
    assert "ordered: OQ" in up.rows["hq"]
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_limit_on_money_lets_pass_what_is_within_it(stack: Stack) -> None:
    stack.settings(LIMITS='{"amount": "1250.00 USD"}')
    stack.declare(extensions=250)

    assert "price 1250.00 USD" in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())

    assert stack.portal.purchases == 1


@pytest.mark.parametrize("limit", ["1249.99 USD", pytest.param("9999.00 EUR", marks=pytest.mark.deep)])
def test_a_limit_on_money_refuses_what_is_not_within_it(stack: Stack, limit: str) -> None:
    stack.settings(LIMITS=f'{{"amount": "{limit}"}}')
    stack.declare(extensions=250)

    said = f"the price of 1250.00 USD is not within the limit of {limit} per order (yspartner:limits)"
    refused(stack.preview(), said)
    refused(stack.up(), said)

    assert stack.portal.count("order.save") == stack.portal.purchases == 0
    assert stack.resources == []


def test_an_unknown_price_is_not_within_a_limit_on_money(stack: Stack) -> None:
    stack.portal.faults.add(Fault("price", "status=404", times=None))
    stack.settings(LIMITS='{"amount": "1250.00 USD"}')
    stack.declare(extensions=250)

    for result in (stack.preview(), stack.up()):
        refused(
            result,
            "the price is unknown and so not within the limit of 1250.00 USD per order (yspartner:limits): "
            "the portal refused the request (POST /pricing/",
        )
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


def test_a_saved_plan_is_not_applied_at_a_price_above_the_limit(stack: Stack) -> None:
    stack.settings(LIMITS='{"amount": "1300.00 USD"}')
    stack.declare(extensions=250)
    assert "price 1250.00 USD" in save_plan(stack).rows["hq"]
    prices(stack, "6.51")

    result = stack.up("--plan", PLAN)

    assert result.code != 0
    assert "violates plan" in result
    assert "the price of 1302.00 USD is not within the limit of 1300.00 USD per order" in result
    assert "Traceback" not in result
    assert stack.portal.count("order.save") == stack.portal.purchases == 0
    assert stack.resources == []


def test_a_saved_plan_stays_good_when_the_price_moves_within_the_limit(stack: Stack) -> None:
    stack.settings(LIMITS='{"amount": "1300.00 USD"}')
    stack.declare(extensions=250)
    assert "price 1250.00 USD" in save_plan(stack).rows["hq"]
    prices(stack, "6.50")

    succeeded(stack.up("--plan", PLAN))

    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_saved_plan_stays_good_when_the_price_moves_and_nothing_limits_it(stack: Stack) -> None:
    stack.declare(extensions=250)
    save_plan(stack)
    prices(stack, "99.00")

    succeeded(stack.up("--plan", PLAN))

    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_setting_says_where_the_price_stands(stack: Stack) -> None:
    def elsewhere(endpoint: str, result: Any) -> Any:
        return {"bill": {"dueNow": result["totalPrice"]}} if endpoint == "price" else result

    stack.portal.dialect = Dialect(rewrite=elsewhere)
    stack.config(priceFields={"amount": "bill.dueNow", "currency": "'USD'"}, limits={"amount": "1250.00 USD"})
    stack.declare(extensions=250)

    assert "price 1250.00 USD" in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())

    assert stack.portal.purchases == 1

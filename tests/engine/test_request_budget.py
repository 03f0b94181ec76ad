"""How many requests each command makes, counted by the sandbox on the real engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine_stack import Stack, succeeded

from pulumi_yspartner.sandbox import DIALECTS

FLEET = 12
SERIALS = [f"3651D{index:07}" for index in range(FLEET)]
OLD_ORDERS = 1000
ORDER_PAGES = OLD_ORDERS // 100


@pytest.fixture
def fleet(stack: Stack) -> Stack:
    """An account of PBXs with 50 extensions and 12 concurrent calls, among others that nobody declares."""
    for index in range(3 * FLEET):
        stack.portal.add_pbx(f"3651D{index:07}", 50, 12)
    return stack


def declare(stack: Stack, extensions: int, concurrent_calls: int = 12) -> None:
    stack.program(f"""
        for serial in {SERIALS!r}:
            PbxCapacity(f"pbx-{{serial}}", serial, {extensions}, {concurrent_calls})
    """)


def asked(stack: Stack) -> dict[str, int]:
    """The requests since the last time, by endpoint."""
    requests = dict(stack.portal.requests)
    stack.portal.reset_requests()
    return requests


ACCOUNT_ONCE = {"token": 1, "product.list": 1}
TO_BUY = {"contacts": 1, "order.list": 1, "product.detail": FLEET, "purchase_info": FLEET}


def test_each_pbx_is_read_once_in_a_preview(fleet: Stack) -> None:
    declare(fleet, 50)
    succeeded(fleet.preview(), f"{FLEET + 1} to create")
    assert asked(fleet) == {**ACCOUNT_ONCE, "product.detail": FLEET}


def test_counts_in_the_product_list_need_no_request_per_pbx(fleet: Stack) -> None:
    fleet.portal.dialect = DIALECTS["counts-in-list"]
    declare(fleet, 50)
    succeeded(fleet.preview(), f"{FLEET + 1} to create")
    assert asked(fleet) == ACCOUNT_ONCE


def test_a_purchase_each_reads_the_account_once_and_each_pbx_a_few_times(fleet: Stack) -> None:
    fleet.portal.seed_history(OLD_ORDERS)
    declare(fleet, 60)
    succeeded(fleet.preview(), f"{FLEET} of {FLEET} PBXs would buy: {FLEET * 10} extensions")
    preview = asked(fleet)
    assert preview.pop("price", 0) <= FLEET
    assert preview == {**ACCOUNT_ONCE, **TO_BUY, "order.list": ORDER_PAGES}

    succeeded(fleet.up(), f"{FLEET + 1} created")
    up = asked(fleet)
    assert up.pop("price", 0) <= 2 * FLEET
    # Once in the program and once in the provider, and there again only when what it read is no longer fresh.
    assert up.pop("order.list") <= 4 * (ORDER_PAGES + 1)
    assert up == {
        "token": 2,
        "product.list": 2,
        "contacts": 2,
        "product.detail": FLEET + 2 * FLEET,  # before the order and after it
        "purchase_info": FLEET + FLEET,
        "order.save": FLEET,
    }
    assert fleet.portal.purchases == FLEET

    succeeded(fleet.preview("--expect-no-changes"))
    assert asked(fleet) == {**ACCOUNT_ONCE, "product.detail": FLEET}
    succeeded(fleet.refresh("--expect-no-changes"))
    refresh = asked(fleet)
    assert FLEET <= refresh.pop("product.detail") <= 2 * FLEET, "at most as many are read ahead as are asked for"
    assert refresh == ACCOUNT_ONCE


def test_too_many_requests_slow_a_run_down_and_change_nothing(fleet: Stack) -> None:
    declare(fleet, 60)
    calm = succeeded(fleet.preview("--json"))
    for endpoint in ("token", "product.list", "product.detail", "purchase_info", "contacts", "order.list"):
        fleet.portal.faults.add(f"{endpoint}:status=429@2/5x*")
    fleet.portal.faults.add("product.detail:retry_after=1")

    assert purchases_in(fleet.preview("--json").output) == purchases_in(calm.output)
    assert fleet.portal.purchases == 0
    succeeded(fleet.up(), f"ordered for {FLEET} of {FLEET} PBXs: {FLEET * 10} extensions")
    assert fleet.portal.purchases == FLEET


def purchases_in(preview: str) -> dict[str, Any]:
    steps = json.loads(preview[preview.index("{") :])["steps"]
    return {step["urn"]: step["newState"]["inputs"].get("purchase") for step in steps if "inputs" in step["newState"]}

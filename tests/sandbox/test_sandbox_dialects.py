"""Each dialect, over real HTTP: a client that reads tolerantly buys under all that allow it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_calls import (
    CONCURRENT_CALLS,
    CONTACT,
    CONTACTS,
    EXTENSIONS,
    ORDER,
    ORDERS,
    PLAN,
    PRICE,
    PRODUCT,
    PRODUCTS,
    PURCHASE_INFO,
    SERIAL,
    Api,
    item,
)

from pulumi_yspartner.sandbox import DIALECTS, Dialect, Portal


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def having(value: Any, name: str) -> list[dict[str, Any]]:
    return [found for found in objects(value) if name in found]


def no_floats(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(no_floats(v) for v in (value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float)


@pytest.mark.parametrize("name", DIALECTS)
def test_buying_under(api: Api, portal: Portal, name: str) -> None:
    d = portal.dialect = DIALECTS[name]
    portal.place_elsewhere(SERIAL, extensions=1, status="cancelled", age_hours=100)

    listed = api.result(PRODUCTS, productId=12)
    assert [p["productNo"] for p in having(listed, "productNo")] == [SERIAL]
    details = api.result(PRODUCT, productId=12, productNo=SERIAL)
    for place, answer in (("list", listed), ("details", details)):
        counts = having(answer, d.extensions_name)
        assert bool(counts) == (d.counts in (place, "both"))
        for found in counts:
            assert int(found[d.extensions_name]) == 50
            assert int(found[d.concurrent_calls_name]) == 12

    info = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)
    plans = having(info, "planId")
    assert len(plans) == (1 if d.current_plan == "only" else 2)
    assert str(PLAN) in {str(plan["planId"]) for plan in plans}
    services = {str(service["serviceId"]) for service in having(info, "serviceId")}
    assert {str(EXTENSIONS), str(CONCURRENT_CALLS)} <= services

    contact = having(api.result(CONTACTS), "billingContactId")
    assert [int(c["billingContactId"]) for c in contact] == [CONTACT]

    both = [item(quantity=10), item(serviceId=CONCURRENT_CALLS, quantity=3)]
    order_no = api.order(serviceList=both, poNumber="YS-123").json()["result"]["orderNo"]
    assert (portal.purchases, portal.pbx(SERIAL).extensions) == (1, 60)
    orders = api.result(ORDERS)
    rows = orders if d.page == "list" else orders["results"]
    assert [row["orderStatus"] for row in rows] == (
        ["succeed", "cancelled"] if d.newest_first else ["cancelled", "succeed"]
    )
    row = next(row for row in rows if row["orderNo"] == order_no)
    assert ("productNo" in row) == d.product_no_in_list
    assert ("YS-123" in row.values()) == (d.po_number in ("list", "both"))
    details = api.result(ORDER + order_no)
    assert having(details, "productNo")[0]["productNo"] == SERIAL
    assert ("YS-123" in str(details)) == (d.po_number in ("details", "both"))
    quantities = [found["quantity"] for found in having(details, "quantity")]
    assert quantities == ([10, 3] if d.quantities else [])
    for answer in (listed, details, info, contact, orders):
        assert no_floats(answer)


@pytest.mark.parametrize("name", DIALECTS)
def test_errors_under(api: Api, portal: Portal, name: str) -> None:
    portal.dialect = DIALECTS[name]
    in_envelope_only = portal.dialect.errors == "envelope"
    portal.faults.add("contacts:status=503")
    for answer, status in (
        (api.get(CONTACTS), 503),
        (api.order(productId=13), 400),
        (api.get(ORDER + "OQ1"), 404),
        (api.get("/nowhere"), 404),
    ):
        assert answer.status_code == (200 if in_envelope_only else status)
        assert answer.json()["status"] == status
        assert answer.json()["code"] != "success"


@pytest.mark.parametrize("name", DIALECTS)
def test_price_under(api: Api, portal: Portal, name: str) -> None:
    d = portal.dialect = DIALECTS[name]
    asked = [{"serviceType": "service", "pricingId": EXTENSIONS + 17, "quantity": 200}]
    body = {"operationType": "purchase_service", "productId": 12, "productNo": SERIAL, "serviceList": asked}
    answer = api.post(PRICE, json=body)
    if d.price == "absent":
        assert answer.json()["status"] == 404
    else:
        [stated] = having(answer.json()["result"], d.price_name)
        assert stated[d.price_name] == (1250.0 if d.price == "number" else "1250.00")
        assert stated[d.currency_name] == "USD"
        assert stated.get("originalPrice") == ("2500.00" if d.price == "several" else None)
    info = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)
    pricing = {"specific": "pricingServiceId", "plain": "pricingId", "absent": "pricingNothing"}[d.pricing_ids]
    ids = {str(found[pricing]) for found in having(info, pricing)}
    assert (str(EXTENSIONS + 17) in ids) == (d.pricing_ids != "absent")


def test_names_of_dialects_differ_in_shape() -> None:
    assert 8 <= len(DIALECTS) <= 12
    assert len(set(DIALECTS.values())) == len(DIALECTS)
    assert DIALECTS["default"] == Dialect()


def test_ids_as_text_or_number(api: Api, portal: Portal) -> None:
    portal.dialect = Dialect(ids="text", contact_ids="number")
    info = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)
    assert info["planList"][0]["planId"] == str(PLAN)
    assert info["serviceList"][0]["serviceId"] == str(EXTENSIONS)
    assert api.result(CONTACTS)[0]["billingContactId"] == CONTACT


def test_services_under_their_plans(api: Api, portal: Portal) -> None:
    portal.dialect = DIALECTS["nested"]
    plans = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)["product"]["offer"]["plans"]
    assert [plan["isCurrent"] for plan in plans] == [True, False]
    names = [{service["name"] for service in plan["addOns"]} for plan in plans]
    assert "Extension Expansion" in names[0] & names[1]
    assert "Disaster Recovery" in names[1] - names[0]


def test_current_plan_by_id(api: Api, portal: Portal) -> None:
    portal.dialect = Dialect(current_plan="id", current_plan_name="currentPlanId")
    info = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)
    assert (len(info["planList"]), info["currentPlanId"]) == (2, PLAN)


def test_counts_deep_down_as_text(api: Api, portal: Portal) -> None:
    portal.dialect = Dialect(counts_as="text", counts_under=("license", "capacity"))
    assert api.details()["license"]["capacity"] == {"extensionCapacity": "50", "concurrentCallCapacity": "12"}


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 1000), ("us", 1_000_000)])
def test_times(api: Api, portal: Portal, unit: Any, per_second: int) -> None:
    portal.dialect = Dialect(create_time=unit)
    portal.place_elsewhere(SERIAL, extensions=1, age_hours=10)
    created = api.result(ORDERS)["results"][0]["createTime"]
    assert abs(portal.clock.now() - 36000 - created / per_second) < 5


def test_times_otherwise(api: Api, portal: Portal) -> None:
    portal.place_elsewhere(SERIAL, extensions=1)
    portal.dialect = Dialect(create_time="text")
    assert api.result(ORDERS)["results"][0]["createTime"].endswith("Z")
    portal.dialect = Dialect(create_time="absent")
    assert "createTime" not in api.result(ORDERS)["results"][0]


def test_contacts_as_object_only_when_there_is_one(api: Api, portal: Portal) -> None:
    portal.dialect = Dialect(contacts="object")
    assert isinstance(api.result(CONTACTS), dict)
    portal.add_contact(3197218168379846219, "Another Ltd")
    assert len(api.result(CONTACTS)) == 2


def test_pages_are_capped(api: Api, portal: Portal) -> None:
    portal.dialect = Dialect(max_page_size=10)
    portal.seed_history(25)
    page = api.result(ORDERS, pageSize=200)
    assert (page["pageSize"], page["totalPage"], len(page["results"])) == (10, 3, 10)
    portal.dialect = dataclasses.replace(portal.dialect, page="list")
    assert [len(api.result(ORDERS, pageNo=n, pageSize=200)) for n in (1, 2, 3, 4)] == [10, 10, 5, 0]


def test_any_other_shape(api: Api, portal: Portal) -> None:
    def twice(endpoint: str, result: Any) -> Any:
        return {**result, "spare": {"extensionCapacity": 51}} if endpoint == "product.detail" else result

    portal.dialect = Dialect(rewrite=twice)
    assert [found["extensionCapacity"] for found in having(api.details(), "extensionCapacity")] == [50, 51]

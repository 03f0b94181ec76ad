"""What the sandbox takes as an order, and what becomes of one."""

from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_calls import (
    CONCURRENT_CALLS,
    CONTACT,
    EXTENSIONS,
    ORDER,
    ORDERS,
    PLAN,
    SAVE,
    SERIAL,
    Api,
    item,
    order_body,
)

from pulumi_yspartner.sandbox import ULTIMATE, Behaviour, Portal
from pulumi_yspartner.sandbox.portal import UnknownError
from pulumi_yspartner.sandbox.validation import Invalid, check_order

HOT_STANDBY = 3049060645711233024

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "billing id as text": ({"billingId": str(CONTACT)}, "billingId"),
    "billing id as float": ({"billingId": float(CONTACT)}, "billingId"),
    "unknown billing id": ({"billingId": CONTACT + 1}, "billingId"),
    "product id as text": ({"productId": "12"}, "productId"),
    "product id as float": ({"productId": 12.0}, "productId"),
    "product id as boolean": ({"productId": True}, "productId"),
    "another product": ({"productId": 13}, "productId"),
    "unknown PBX": ({"productNo": "3651D0000000"}, "productNo"),
    "PBX in lower case": ({"productNo": SERIAL.lower()}, "productNo"),
    "no PBX": ({"productNo": None}, "productNo"),
    "another operation": ({"operationType": "purchase_plan"}, "operationType"),
    "poNumber as number": ({"poNumber": 7}, "poNumber"),
    "unknown field": ({"customReferenceNo": "x"}, "customReferenceNo"),
    "no services": ({"serviceList": []}, "serviceList"),
    "services as object": ({"serviceList": item()}, "serviceList"),
    "service as text": ({"serviceList": ["x"]}, "serviceList[0]"),
    "one service twice": ({"serviceList": [item(), item()]}, "serviceList"),
    "plan as text": ({"serviceList": [item(connectionPlanId=str(PLAN))]}, "serviceList[0].connectionPlanId"),
    "another plan": (
        {"serviceList": [item(connectionPlanId=ULTIMATE.plan_id)]},
        "serviceList[0].connectionPlanId",
    ),
    "rounded plan": (
        {"serviceList": [item(connectionPlanId=int(float(PLAN)) + 512)]},
        "serviceList[0].connectionPlanId",
    ),
    "service id as text": ({"serviceList": [item(serviceId=str(EXTENSIONS))]}, "serviceList[0].serviceId"),
    "unknown service": ({"serviceList": [item(serviceId=1)]}, "serviceList[0].serviceId"),
    "not an expansion": ({"serviceList": [item(serviceId=HOT_STANDBY)]}, "serviceList[0].serviceId"),
    "pricing id": ({"serviceList": [item(serviceId=EXTENSIONS + 17)]}, "serviceList[0].serviceId"),
    "nothing": ({"serviceList": [item(quantity=0)]}, "serviceList[0].quantity"),
    "negative": ({"serviceList": [item(quantity=-1)]}, "serviceList[0].quantity"),
    "quantity as text": ({"serviceList": [item(quantity="200")]}, "serviceList[0].quantity"),
    "quantity as float": ({"serviceList": [item(quantity=200.0)]}, "serviceList[0].quantity"),
    "second is wrong": (
        {"serviceList": [item(), item(serviceId=CONCURRENT_CALLS, quantity=0)]},
        "serviceList[1].quantity",
    ),
    "service type": ({"serviceList": [item(serviceType="plan")]}, "serviceList[0].serviceType"),
    "purchase type": ({"serviceList": [item(purchaseType="renew")]}, "serviceList[0].purchaseType"),
    "billing model": ({"serviceList": [item(billingModel="once")]}, "serviceList[0].billingModel"),
    "billing cycle": ({"serviceList": [item(billingCycle="monthly")]}, "serviceList[0].billingCycle"),
    "unknown field in a service": ({"serviceList": [item(multiCycle=1)]}, "serviceList[0].multiCycle"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(api: Api, portal: Portal, case: str) -> None:
    changes, field = REFUSED[case]
    answer = api.order(**changes)
    envelope = answer.json()
    assert (answer.status_code, envelope["status"]) == (400, 400)
    assert (envelope["code"], envelope["result"]["field"]) == ("parameter_validation_failed", field)
    assert (portal.purchases, portal.orders) == (0, [])


@pytest.mark.parametrize("field", [*order_body(), *(f"serviceList[0].{name}" for name in item())])
def test_every_field_is_required(api: Api, portal: Portal, field: str) -> None:
    body = order_body()
    name = field.rpartition(".")[2]
    del (body["serviceList"][0] if "." in field else body)[name]
    answer = api.post(SAVE, json=body)
    assert (answer.status_code, answer.json()["result"]["field"]) == (400, field)
    assert portal.purchases == 0


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"{}", "text/plain"),
        (b"{}", "application/x-www-form-urlencoded"),
    ],
)
def test_not_json(api: Api, portal: Portal, content: bytes, media_type: str) -> None:
    answer = api.post(SAVE, content=content, headers={"content-type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_validation_failed")
    assert portal.purchases == 0


def test_po_number_is_optional(api: Api, portal: Portal) -> None:
    assert api.order(poNumber="PO 7 YS-abc").status_code == 200
    assert portal.orders[0].po_number == "PO 7 YS-abc"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=50)
@given(st.sampled_from([*order_body(), *(f"item.{name}" for name in item())]), JSON)
def test_no_other_value_passes(field: str, value: Any) -> None:
    portal = Portal()
    portal.add_pbx(SERIAL, 50, 12)
    good = order_body()
    bad = copy.deepcopy(good)
    target = bad["serviceList"][0] if field.startswith("item.") else bad
    target[field.removeprefix("item.")] = value
    if field == "item.quantity" and type(value) is int and value > 0:
        assert check_order(portal, bad) == bad
        return
    with pytest.raises(Invalid):
        check_order(portal, bad)
    assert check_order(portal, good) == good


# Landing, listing, statuses


def counts(portal: Portal) -> tuple[int, int]:
    pbx = portal.pbx(SERIAL)
    return pbx.extensions, pbx.concurrent_calls


BOTH = [item(), item(serviceId=CONCURRENT_CALLS, quantity=48)]


def test_pending_until_paid(api: Api, portal: Portal) -> None:
    portal.behaviour.order_status = "pending"
    result = api.order(serviceList=BOTH).json()["result"]
    assert (result["orderStatus"], counts(portal), portal.purchases) == ("pending", (50, 12), 1)
    portal.set_status(result["orderNo"], "succeed")
    assert counts(portal) == (250, 60)
    assert api.result(ORDER + result["orderNo"])["orderInformation"]["orderStatus"] == "succeed"
    portal.set_status(result["orderNo"], "succeed")
    assert counts(portal) == (250, 60)


@pytest.mark.parametrize("status", ["failed", "cancelled", "invalid", "confirming"])
def test_denied(api: Api, portal: Portal, status: str) -> None:
    portal.behaviour.order_status = "pending"
    order_no = api.order().json()["result"]["orderNo"]
    portal.set_status(order_no, status)
    assert counts(portal) == (50, 12)
    assert api.result(ORDERS)["results"][0]["orderStatus"] == status


def test_lands_by_hand_each_count_for_itself(api: Api, portal: Portal) -> None:
    portal.behaviour.landing = "manual"
    order_no = api.order(serviceList=BOTH).json()["result"]["orderNo"]
    assert counts(portal) == (50, 12)
    portal.land(order_no, concurrent_calls=False)
    assert counts(portal) == (250, 12)
    portal.land(order_no)
    portal.land(order_no)
    assert counts(portal) == (250, 60)


def test_lands_late_each_count_for_itself(api: Api, portal: Portal) -> None:
    portal.behaviour.landing = {"extensions": 60, "concurrent_calls": 3600}
    api.order(serviceList=BOTH)
    assert counts(portal) == (50, 12)
    portal.clock.advance(seconds=61)
    assert counts(portal) == (250, 12)
    portal.behaviour.landing = "manual"  # for later orders only
    portal.clock.advance(hours=1)
    assert counts(portal) == (250, 60)


def test_landing_counts_from_when_it_succeeded(api: Api, portal: Portal) -> None:
    portal.behaviour = Behaviour(order_status="pending", landing=60)
    order_no = api.order().json()["result"]["orderNo"]
    portal.clock.advance(hours=5)
    portal.set_status(order_no, "succeed")
    assert counts(portal) == (50, 12)
    portal.clock.advance(minutes=2)
    assert counts(portal) == (250, 12)


@pytest.mark.parametrize("how", ["reveal", "wait"])
def test_listed_late(api: Api, portal: Portal, how: str) -> None:
    portal.behaviour.listing = "manual" if how == "reveal" else 60
    order_no = api.order().json()["result"]["orderNo"]
    assert api.result(ORDERS)["total"] == 0
    assert api.get(ORDER + order_no).status_code == 404
    assert portal.purchases == 1
    if how == "reveal":
        portal.reveal(order_no)
    else:
        portal.clock.advance(minutes=2)
    assert api.get(ORDER + order_no).status_code == 200
    assert api.result(ORDERS)["total"] == 1


def test_second_buyer(api: Api, portal: Portal) -> None:
    order = portal.place_elsewhere(SERIAL, extensions=10, po_number="theirs", age_hours=30)
    assert (portal.purchases, portal.orders, counts(portal)) == (0, [order], (60, 12))
    mine = api.order().json()["result"]["orderNo"]
    portal.place_elsewhere(SERIAL, concurrent_calls=3, status="pending")
    assert [o.via for o in portal.orders] == ["portal", "api", "portal"]
    assert (portal.purchases, counts(portal)) == (1, (260, 12))
    rows = api.result(ORDERS)["results"]
    assert [row["orderStatus"] for row in rows] == ["pending", "succeed", "succeed"]
    assert rows[1]["orderNo"] == mine
    assert portal.clock.now() * 1000 - rows[2]["createTime"] > 29 * 3600_000


def test_history_is_apart_and_cheap(api: Api, portal: Portal) -> None:
    portal.seed_history(5000)
    assert (portal.purchases, portal.orders) == (0, [])
    page = api.result(ORDERS, pageSize=500, pageNo=10)
    assert (page["total"], len(page["results"]), page["totalPage"]) == (5000, 500, 10)
    assert {row["productNo"] for row in page["results"]}.isdisjoint({SERIAL})
    assert {row["orderStatus"] for row in page["results"]} >= {"succeed", "cancelled"}
    assert api.get(ORDER + page["results"][0]["orderNo"]).status_code == 200


def test_counts_can_be_set(portal: Portal) -> None:
    portal.set_counts(SERIAL, concurrent_calls=3)
    assert counts(portal) == (50, 3)
    portal.set_counts(SERIAL, extensions=7)
    assert counts(portal) == (7, 3)


def test_what_is_not_there(portal: Portal) -> None:
    with pytest.raises(UnknownError, match="no PBX UNKNOWN"):
        portal.place_elsewhere("UNKNOWN", extensions=1)
    with pytest.raises(UnknownError, match="no order OQ1"):
        portal.set_status("OQ1", "succeed")
    with pytest.raises(UnknownError, match="no plan"):
        portal.add_pbx("3651D3296883", 1, 1, plan="Gold Plan")
    with pytest.raises(UnknownError, match="no service"):
        portal.service(1)


def test_services_bound_to_a_plan(api: Api, portal: Portal) -> None:
    portal.services = [s for s in portal.services if s.name != "Extension Expansion"] + [
        type(portal.services[0])(1, "Extension Expansion", 11, "extensions", plan_id=PLAN),
        type(portal.services[0])(2, "Extension Expansion", 12, "extensions", plan_id=ULTIMATE.plan_id),
    ]
    assert api.order(serviceList=[item(serviceId=2)]).status_code == 400
    assert api.order(serviceList=[item(serviceId=1)]).status_code == 200
    assert counts(portal) == (250, 12)


def test_listener_hears_of_purchases_only(api: Api, portal: Portal) -> None:
    heard: list[str] = []
    portal.on_order = lambda order: heard.append(order.order_no)
    portal.place_elsewhere(SERIAL, extensions=1)
    assert heard == []
    answer: httpx.Response = api.order()
    assert heard == [answer.json()["result"]["orderNo"]]

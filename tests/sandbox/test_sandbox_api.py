"""The documented endpoints as a client sees them, under the default dialect."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
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
    SAVE,
    SERIAL,
    TOKEN,
    Api,
    item,
    order_body,
)

from pulumi_yspartner.sandbox import PBX_CLIENT_ID, PBX_CLIENT_SECRET, ULTIMATE, Behaviour, Portal, SandboxServer


def test_envelope(api: Api) -> None:
    first, second = api.get(CONTACTS).json(), api.get(CONTACTS).json()
    assert list(first) == ["code", "detailMessage", "requestId", "result", "status"]
    assert (first["code"], first["detailMessage"], first["status"]) == ("success", "", 200)
    assert re.fullmatch("[0-9a-f]{32}", first["requestId"])
    assert first["requestId"] != second["requestId"]


def test_unknown_address_has_an_envelope(api: Api) -> None:
    answer = api.get("/pricing/openapi/purchase/v1/purchase/plan_info/1")
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (404, 404, "not_found")
    assert api.get(SAVE).status_code == 405


# Tokens


def test_token(api: Api) -> None:
    result = api.grant(grant_type="pp_credentials", client_id="sandbox", client_secret="sandbox-secret").json()[
        "result"
    ]
    assert set(result) == {"expiresIn", "refreshToken", "token", "tokenHead"}
    assert result["expiresIn"] == "1800"


def test_token_from_multipart(api: Api) -> None:
    fields = {"grant_type": "pp_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    answer = api.post(TOKEN, files={name: (None, value) for name, value in fields.items()})
    assert answer.json()["code"] == "success"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "pp_credentials", "client_id": "sandbox", "client_secret": "wrong"}, 401),
        ({"grant_type": "pp_credentials", "client_id": "wrong", "client_secret": "sandbox-secret"}, 401),
        ({"grant_type": "pp_credentials", "client_id": "sandbox"}, 400),
        ({"grant_type": "client_credentials"}, 400),
        ({"grant_type": "refresh_token"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, 401),
        ({}, 400),
    ],
)
def test_token_refused(api: Api, form: dict[str, str], status: int) -> None:
    assert api.post(TOKEN, data=form or {"x": "y"}).status_code == status


def test_token_not_from_json(api: Api) -> None:
    answer = api.post(TOKEN, json={"grant_type": "pp_credentials"})
    assert (answer.status_code, answer.json()["result"]["field"]) == (400, "Content-Type")


def test_refresh_token_works_once(api: Api) -> None:
    first = api.grant(grant_type="pp_credentials", client_id="sandbox", client_secret="sandbox-secret")
    old = first.json()["result"]["refreshToken"]
    second = api.grant(grant_type="refresh_token", refresh_token=old)
    api.headers["Authorization"] = f"Bearer {second.json()['result']['token']}"
    assert api.get(CONTACTS).status_code == 200
    assert api.grant(grant_type="refresh_token", refresh_token=old).status_code == 401
    new = second.json()["result"]["refreshToken"]
    assert api.grant(grant_type="refresh_token", refresh_token=new).status_code == 200


def test_tokens_expire_by_the_portals_clock(api: Api, portal: Portal) -> None:
    assert api.get(CONTACTS).status_code == 200
    portal.clock.advance(minutes=31)
    answer = api.get(CONTACTS)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    refresh = api.grant(grant_type="pp_credentials", client_id="sandbox", client_secret="sandbox-secret")
    portal.clock.advance(hours=16 * 24)
    old = refresh.json()["result"]["refreshToken"]
    assert api.grant(grant_type="refresh_token", refresh_token=old).status_code == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer made-up", "Basic abc"])
def test_every_call_needs_a_token(api: Api, header: str | None) -> None:
    del api.headers["Authorization"]
    headers = {} if header is None else {"Authorization": header}
    for path in (PRODUCTS, PRODUCT, PURCHASE_INFO, CONTACTS, ORDERS, ORDER + "1"):
        assert api.get(path, headers=headers).status_code == 401
    assert api.post(SAVE, json=order_body(), headers=headers).status_code == 401
    assert api.post(PRICE, json={}, headers=headers).status_code == 401


def test_every_call_needs_a_user_agent(api: Api) -> None:
    answer = api.get(CONTACTS, headers={"User-Agent": ""})
    assert (answer.status_code, answer.json()["result"]["field"]) == (400, "User-Agent")


# Reading


def test_products(api: Api, portal: Portal) -> None:
    portal.add_pbx("3651D3296883", extensions=20, concurrent_calls=5)
    page = api.result(PRODUCTS, productId=12)
    assert [product["productNo"] for product in page["results"]] == [SERIAL, "3651D3296883"]
    assert {name: page[name] for name in ("count", "pageNo", "pageSize", "total", "totalPage")} == {
        "count": 2,
        "pageNo": 1,
        "pageSize": 25,
        "total": 2,
        "totalPage": 1,
    }
    assert api.result(PRODUCTS, productId=13)["results"] == []
    assert api.get(PRODUCTS).status_code == 400


def test_product_details(api: Api) -> None:
    details = api.details()
    assert (details["extensionCapacity"], details["concurrentCallCapacity"]) == (50, 12)
    assert details["currentPlan"] == ""
    assert api.get(PRODUCT, params={"productId": 12, "productNo": "UNKNOWN"}).status_code == 404
    assert api.get(PRODUCT, params={"productId": 12}).status_code == 400
    assert api.get(PRODUCT, params={"productNo": SERIAL}).status_code == 400
    assert api.get(PRODUCT, params={"productId": "12.0", "productNo": SERIAL}).status_code == 400


def test_purchase_info(api: Api, portal: Portal) -> None:
    info = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)
    assert [plan["planId"] for plan in info["planList"]] == [PLAN]
    named = {service["serviceName"]: service["serviceId"] for service in info["serviceList"]}
    assert named["Extension Expansion"] == EXTENSIONS
    assert named["Concurrent Call Expansion"] == CONCURRENT_CALLS
    assert "Hot Standby" in named
    assert "Disaster Recovery" not in named
    portal.add_pbx("3651D3296883", 1, 1, plan="Ultimate Plan")
    info = api.result(PURCHASE_INFO, productId=12, productNo="3651D3296883")
    assert info["planList"][0]["planId"] == ULTIMATE.plan_id
    assert "Disaster Recovery" in {service["serviceName"] for service in info["serviceList"]}
    assert len(api.result(PURCHASE_INFO, productId=12)["planList"]) == 2
    assert api.get(PURCHASE_INFO, params={"productId": 12, "productNo": "UNKNOWN"}).status_code == 404


def test_contacts(api: Api, portal: Portal) -> None:
    assert [c["billingContactId"] for c in api.result(CONTACTS)] == [str(CONTACT)]
    portal.add_contact(3197218168379846219, "Another Ltd")
    assert [c["company"] for c in api.result(CONTACTS)] == ["Example Partner Ltd", "Another Ltd"]


def test_price(api: Api) -> None:
    services = api.result(PURCHASE_INFO, productId=12, productNo=SERIAL)["serviceList"]
    body = {
        "operationType": "purchase_service",
        "productId": 12,
        "productNo": SERIAL,
        "serviceList": [
            {"serviceType": "service", "pricingId": service["pricingServiceId"], "quantity": 10}
            for service in services[:2]
        ],
    }
    assert api.post(PRICE, json=body).json()["result"] == {"currencyCode": "USD", "totalPrice": "187.50"}


@pytest.mark.parametrize(
    ("changes", "item", "field"),
    [
        ({"billingId": CONTACT}, {}, "billingId"),
        ({"operationType": None}, {}, "operationType"),
        ({"operationType": "purchase_plan"}, {}, "operationType"),
        ({"productId": "12"}, {}, "productId"),
        ({"productId": 13}, {}, "productId"),
        ({"productNo": "UNKNOWN"}, {}, "productNo"),
        ({"serviceList": []}, {}, "serviceList"),
        ({}, {"serviceType": "plan"}, "serviceList[0].serviceType"),
        ({}, {"pricingId": EXTENSIONS}, "serviceList[0].pricingId"),
        ({}, {"pricingId": str(EXTENSIONS + 17)}, "serviceList[0].pricingId"),
        ({}, {"quantity": 0}, "serviceList[0].quantity"),
        ({}, {"quantity": None}, "serviceList[0].quantity"),
        ({}, {"billingCycle": "monthly"}, "serviceList[0].billingCycle"),
        ({}, {"serviceId": EXTENSIONS}, "serviceList[0].serviceId"),
    ],
)
def test_a_price_request_that_is_not_as_documented_is_refused(
    api: Api, changes: dict[str, Any], item: dict[str, Any], field: str
) -> None:
    asked = {"serviceType": "service", "pricingId": EXTENSIONS + 17, "quantity": 10, **item}
    body = {
        "operationType": "purchase_service",
        "productId": 12,
        "productNo": SERIAL,
        "serviceList": [{name: value for name, value in asked.items() if value is not None}],
        **changes,
    }
    answer = api.post(PRICE, json={name: value for name, value in body.items() if value is not None})
    assert answer.status_code == 400
    assert answer.json()["result"]["field"] == field


def test_prices_change_from_one_request_to_the_next(api: Api, portal: Portal) -> None:
    body = {
        "operationType": "purchase_service",
        "productId": 12,
        "serviceList": [{"serviceType": "service", "pricingId": EXTENSIONS + 17, "quantity": 2}],
    }
    assert api.post(PRICE, json=body).json()["result"]["totalPrice"] == "12.50"
    portal.behaviour.prices = {"extensions": Decimal(7), "concurrent_calls": Decimal(9)}
    assert api.post(PRICE, json=body).json()["result"]["totalPrice"] == "14.00"


# Ordering


def test_order_as_in_the_tutorial(api: Api, portal: Portal) -> None:
    answer = api.order()
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert set(result) == {"instanceId", "orderNo", "orderStatus", "productNo", "transactionNo"}
    assert (result["instanceId"], result["orderStatus"], result["productNo"]) == ("1088407", "succeed", SERIAL)
    assert re.fullmatch(r"OQ\d{19}", result["orderNo"])
    assert re.fullmatch(r"QO\d{19}", result["transactionNo"])
    assert portal.purchases == 1
    assert [order.body for order in portal.orders] == [order_body()]
    assert api.details()["extensionCapacity"] == 250


def test_one_order_for_both_counts(api: Api, portal: Portal) -> None:
    both = [item(), item(serviceId=CONCURRENT_CALLS, quantity=48)]
    order_no = api.order(serviceList=both, poNumber="YS-0123").json()["result"]["orderNo"]
    assert (portal.purchases, portal.pbx(SERIAL).extensions, portal.pbx(SERIAL).concurrent_calls) == (1, 250, 60)
    details = api.result(ORDER + order_no)
    assert details["basicInformation"] == {
        "productId": "12",
        "productName": "P-Series Software Edition",
        "productNo": SERIAL,
    }
    assert details["orderInformation"]["poNumber"] == "YS-0123"
    assert [line["quantity"] for line in details["orderSummary"]["serviceList"]] == [200, 48]
    listed = api.result(ORDERS)["results"][0]
    assert (listed["orderNo"], listed["productNo"], listed["poNumber"]) == (order_no, SERIAL, "YS-0123")
    assert api.result(ORDER + listed["id"]) == details


def test_purchase_counter_under_load(api: Api, portal: Portal) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.order(serviceList=[item(quantity=1)]), range(40)))
    numbers = {answer.json()["result"]["orderNo"] for answer in answers}
    assert (len(numbers), portal.purchases, portal.pbx(SERIAL).extensions) == (40, 40, 90)


def test_order_list_pages(api: Api, portal: Portal) -> None:
    portal.seed_history(60)
    portal.place_elsewhere(SERIAL, extensions=5, age_hours=3)
    newest = api.order().json()["result"]["orderNo"]
    pages = [api.result(ORDERS, pageNo=n, pageSize=25) for n in (1, 2, 3, 4)]
    assert [len(page["results"]) for page in pages] == [25, 25, 12, 0]
    assert {page["total"] for page in pages} == {62}
    assert {page["totalPage"] for page in pages} == {3}
    rows = [row for page in pages for row in page["results"]]
    assert rows[0]["orderNo"] == newest
    assert len({row["orderNo"] for row in rows}) == 62
    times = [row["createTime"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert api.get(ORDERS, params={"pageNo": 0}).status_code == 400
    assert portal.purchases == 1


def test_unknown_order(api: Api) -> None:
    answer = api.get(ORDER + "OQ1")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# The PBX's own API


def test_pbx_capacity(api: Api, server: SandboxServer, portal: Portal) -> None:
    base = server.pbx_url(SERIAL) + "/openapi/v1.0"
    login = {"username": PBX_CLIENT_ID, "password": PBX_CLIENT_SECRET}
    token = api.post(f"{base}/get_token", json=login).json()["access_token"]
    answer = api.get(f"{base}/system/capacity", params={"access_token": token}).json()
    assert (answer["errcode"], answer["errmsg"]) == (0, "SUCCESS")
    assert (answer["data"]["extension_capacity"], answer["data"]["cc_capacity"]) == (50, 12)
    portal.add_pbx("3651D3296883", 1, 1)
    other = server.pbx_url("3651D3296883") + "/openapi/v1.0/system/capacity"
    assert api.get(other, params={"access_token": token}).json()["errmsg"] == "FAILURE"
    assert api.get(f"{base}/system/capacity").json()["errmsg"] == "FAILURE"
    wrong = login | {"password": "wrong"}
    assert api.post(f"{base}/get_token", json=wrong).json()["errmsg"] == "FAILURE"


# The server


def test_counts_requests_and_those_in_flight(api: Api, portal: Portal) -> None:
    portal.reset_requests()
    portal.behaviour.latency = 0.1
    started = time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda _: api.get(CONTACTS), range(30)))
    assert time.monotonic() - started < 1
    assert portal.count("contacts") == 30
    assert portal.count("order.save") == 0
    assert 5 < portal.max_in_flight <= 30
    portal.reset_requests()
    assert (portal.count("contacts"), portal.max_in_flight) == (0, 0)


def test_hundreds_of_requests_at_once(portal: Portal) -> None:
    portal.behaviour.latency = 0.1
    request = f"GET {CONTACTS} HTTP/1.1\r\nHost: sandbox\r\nUser-Agent: test\r\n\r\n".encode()

    async def client(port: int) -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = []
        for _ in range(2):  # on one connection
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            answers.append(head.partition(b"\r\n")[0])
        writer.close()
        await writer.wait_closed()
        return answers

    async def clients(port: int) -> list[list[bytes]]:
        return await asyncio.gather(*(client(port) for _ in range(200)))

    with SandboxServer(portal) as server:
        started = time.monotonic()
        answers = asyncio.run(clients(server.port))
        assert time.monotonic() - started < 4  # one after the other it would be 40
    assert answers == [[b"HTTP/1.1 401 Unauthorized"] * 2] * 200
    assert portal.max_in_flight > 50


def test_answers_at_once(api: Api) -> None:
    started = time.monotonic()
    for _ in range(20):
        api.get(CONTACTS)
    assert time.monotonic() - started < 0.5  # 0.8 with Nagle's algorithm


def test_starts_and_stops_quickly(portal: Portal) -> None:
    before = threading.active_count()
    started = time.monotonic()
    for _ in range(10):
        with SandboxServer(portal) as server, httpx.Client(base_url=server.url, verify=False) as client:
            assert client.get("/_sandbox/purchases").json()["purchases"] == 0
    assert time.monotonic() - started < 1
    assert threading.active_count() == before


def test_stops_while_a_request_is_slow(portal: Portal) -> None:
    portal.behaviour.latency = 30
    server = SandboxServer(portal)
    server.start()
    with Api(base_url=server.url) as api, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.get, CONTACTS)
        while not portal.in_flight:
            time.sleep(0.005)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 0.5
        with pytest.raises(httpx.TransportError):
            answer.result(5)
    assert portal.in_flight == 0


def test_port_in_use_is_an_error_of_start(server: SandboxServer) -> None:
    with pytest.raises(OSError, match="in use"):
        SandboxServer(Portal(), port=server.port).start()


def test_same_port_again(portal: Portal) -> None:
    with SandboxServer(portal) as server:
        port = server.port
        httpx.get(server.url + "/_sandbox/purchases")
    with SandboxServer(portal, port=port) as server:
        assert httpx.get(server.url + "/_sandbox/purchases").status_code == 200


# Control from another process


def test_control(server: SandboxServer, api: Api, portal: Portal) -> None:
    portal.behaviour = Behaviour(order_status="pending", landing="manual", listing="manual")
    order_no = api.order().json()["result"]["orderNo"]
    del api.headers["Authorization"]
    purchases = api.get("/_sandbox/purchases").json()
    assert purchases["purchases"] == 1
    assert purchases["orders"][0] | {"body": None} == {
        "order_no": order_no,
        "serial_number": SERIAL,
        "extensions": 200,
        "concurrent_calls": 0,
        "status": "pending",
        "via": "api",
        "body": None,
    }
    assert purchases["orders"][0]["body"] == order_body()
    paid = api.post(f"/_sandbox/orders/{order_no}", json={"status": "succeed"}).json()
    assert (paid["status"], portal.pbx(SERIAL).extensions) == ("succeed", 50)
    api.post(f"/_sandbox/orders/{order_no}", json={"land": True, "reveal": True})
    assert portal.pbx(SERIAL).extensions == 250
    assert len(portal.listed_orders()) == 1
    assert api.post(f"/_sandbox/pbxs/{SERIAL}", json={"concurrent_calls": 99}).json() == {
        "extensions": 250,
        "concurrent_calls": 99,
    }
    before = portal.clock.now()
    api.post("/_sandbox/clock", json={"advance_hours": 25})
    assert portal.clock.now() - before >= 25 * 3600
    assert api.post("/_sandbox/faults", json={"add": "contacts:status=503"}).status_code == 200
    assert api.get(CONTACTS).status_code == 503
    assert api.post("/_sandbox/faults", json={"clear": True}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("pbxs/UNKNOWN", {"extensions": 1}, 404),
        (f"pbxs/{SERIAL}", {"extensions": -1}, 400),
        (f"pbxs/{SERIAL}", {"extensions": "1"}, 400),
        (f"pbxs/{SERIAL}", [], 400),
        ("orders/OQ1", {"land": True}, 404),
        ("clock", {}, 400),
        ("faults", {"add": "nonsense"}, 400),
    ],
)
def test_control_refuses(api: Api, path: str, body: object, status: int) -> None:
    answer = api.post(f"/_sandbox/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]

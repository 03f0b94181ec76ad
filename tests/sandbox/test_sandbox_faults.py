"""Every fault, over real HTTP: what the client sees, and whether an order was taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sandbox_calls import CONTACTS, ORDER, ORDERS, PRODUCT, SAVE, SERIAL, TOKEN, Api, order_body

from pulumi_yspartner.sandbox import ENDPOINTS, KINDS, Fault, Portal, SandboxServer
from pulumi_yspartner.sandbox.faults import BEFORE, ORDER_ONLY

Answer = httpx.Response | Exception


def status(http: int, envelope: int | None = None) -> Callable[[Answer], bool]:
    def right(answer: Answer) -> bool:
        if not isinstance(answer, httpx.Response) or answer.status_code != http:
            return False
        return envelope is None or answer.json()["status"] == envelope

    return right


def cut(answer: Answer) -> bool:
    return isinstance(answer, httpx.RemoteProtocolError) and "without sending" in str(answer)


def silence(answer: Answer) -> bool:
    return isinstance(answer, httpx.ReadTimeout)


def web_page(answer: Answer) -> bool:
    return isinstance(answer, httpx.Response) and answer.headers["content-type"].startswith("text/html")


def json_where(check: Callable[[Any], bool]) -> Callable[[Answer], bool]:
    return lambda answer: isinstance(answer, httpx.Response) and answer.status_code == 200 and check(answer.json())


SEEN: dict[str, Callable[[Answer], bool]] = {
    "status=503": status(503, 503),
    "status=422": status(422, 422),
    "timeout_before": silence,
    "cut_before": cut,
    "html_before": web_page,
    "gateway_before": lambda answer: web_page(answer) and status(502)(answer),
    "not_success_before": json_where(lambda e: e["status"] == 200 and e["code"] != "success"),
    "redirect": lambda a: status(307)(a) and isinstance(a, httpx.Response) and SAVE in a.headers["location"],
    "retry_after=7": lambda a: status(429, 429)(a) and getattr(a, "headers", {})["retry-after"] == "7",
    "expired_token": status(401, 401),
    "status_after=500": status(500, 500),
    "status_after=400": status(400, 400),
    "timeout_after": silence,
    "cut_after": cut,
    "truncated": lambda a: isinstance(a, httpx.RemoteProtocolError) and "complete message body" in str(a),
    "html": web_page,
    "gateway_after": lambda answer: web_page(answer) and status(502)(answer),
    "not_success": json_where(lambda e: e["status"] == 200 and e["code"] != "success"),
    "garbage": json_where(lambda e: isinstance(e, list)),
    "empty": lambda a: isinstance(a, httpx.Response) and (a.status_code, a.content) == (200, b""),
    "no_order_number": json_where(lambda e: e["code"] == "success" and "orderNo" not in e["result"]),
    "unknown_status": json_where(lambda e: e["result"]["orderStatus"] == "consigned"),
    "unknown_status=confirming": json_where(lambda e: e["result"]["orderStatus"] == "confirming"),
}


def test_every_kind_is_tried() -> None:
    assert {kind.partition("=")[0] for kind in SEEN} | {"hold_before", "hold_after"} == set(KINDS)


def attempt(api: Api, **options: Any) -> Answer:
    try:
        return api.post(SAVE, json=order_body(), **options)
    except httpx.HTTPError as error:
        return error


@pytest.mark.parametrize("kind", SEEN)
def test_fault(api: Api, portal: Portal, kind: str) -> None:
    fault = portal.faults.add(Fault("order.save", kind))
    answer = attempt(api, timeout=0.15 if "timeout" in kind else 5)
    assert SEEN[kind](answer), answer
    taken = 0 if fault.before else 1
    assert (portal.purchases, fault.hits, fault.reached.is_set()) == (taken, 1, True)
    # It struck once; what comes next is answered.
    if kind == "expired_token":
        assert attempt(api).status_code == 401  # type: ignore[union-attr]
        api.sign_in()
    assert status(200, 200)(attempt(api))
    assert portal.purchases == taken + 1


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("kind", ["status=503", "cut_after"])
def test_any_endpoint_can_fail(api: Api, portal: Portal, endpoint: str, kind: str) -> None:
    calls: dict[str, tuple[str, str]] = {
        "token": ("POST", TOKEN),
        "product.list": ("GET", "/product/openapi/instance_product/v1/client/instance_product_list"),
        "product.detail": ("GET", f"{PRODUCT}?productId=12&productNo={SERIAL}"),
        "purchase_info": ("GET", "/pricing/openapi/purchase/v1/purchase_product_info"),
        "contacts": ("GET", CONTACTS),
        "price": ("POST", "/pricing/openapi/purchase/v1/pricing/calculate"),
        "order.save": ("POST", SAVE),
        "order.list": ("GET", ORDERS),
        "order.get": ("GET", ORDER + "OQ1"),
        "pbx.token": ("POST", f"/pbx/{SERIAL}/openapi/v1.0/get_token"),
        "pbx.capacity": ("GET", f"/pbx/{SERIAL}/openapi/v1.0/system/capacity"),
    }
    portal.faults.add(Fault(endpoint, kind))
    portal.reset_requests()
    if kind == "cut_after":
        with pytest.raises(httpx.RemoteProtocolError):
            api.request(*calls[endpoint])
    else:
        assert api.request(*calls[endpoint]).status_code == 503
    assert dict(portal.requests) == {endpoint: 1}
    assert api.get("/_sandbox/purchases").status_code == 200


def test_a_redirect_that_is_followed_buys(api: Api, portal: Portal) -> None:
    portal.faults.add(Fault("order.save", "redirect"))
    assert status(200)(attempt(api, follow_redirects=True))
    assert portal.purchases == 1
    assert portal.count("order.save") == 2


def test_expired_token_ends_the_token(api: Api, portal: Portal) -> None:
    portal.faults.add(Fault("any", "expired_token"))
    assert api.get(CONTACTS).status_code == 401
    assert api.get(ORDERS).status_code == 401
    api.sign_in()
    assert api.get(ORDERS).status_code == 200


def test_times_and_skip(api: Api, portal: Portal) -> None:
    portal.faults.add(Fault("contacts", "status=503", times=2, skip=1))
    assert [api.get(CONTACTS).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    portal.faults.add(Fault("contacts", "status=500", times=None))
    assert [api.get(CONTACTS).status_code for _ in range(3)] == [500, 500, 500]
    portal.faults.clear()
    assert api.get(CONTACTS).status_code == 200


def test_one_after_the_other(api: Api, portal: Portal) -> None:
    portal.faults.add("contacts:status=503")
    portal.faults.add("any:status=500")
    assert [api.get(CONTACTS).status_code for _ in range(3)] == [503, 500, 200]


def test_only_one_pbx(api: Api, portal: Portal) -> None:
    portal.add_pbx("3651D3296883", 1, 1)
    for endpoint in ("product.detail", "order.save", "order.get"):
        portal.faults.add(Fault(endpoint, "status=503", serial_number="3651D3296883", times=None))
    order_no = api.order().json()["result"]["orderNo"]
    assert api.order(productNo="3651D3296883").status_code == 503
    assert api.get(PRODUCT, params={"productId": 12, "productNo": SERIAL}).status_code == 200
    assert api.get(PRODUCT, params={"productId": 12, "productNo": "3651D3296883"}).status_code == 503
    assert api.get(ORDER + order_no).status_code == 200
    other = portal.place_elsewhere("3651D3296883", extensions=1)
    assert api.get(ORDER + other.order_no).status_code == 503
    assert portal.purchases == 1


def test_a_refused_order_is_not_taken_by_a_fault_after(api: Api, portal: Portal) -> None:
    portal.faults.add("order.save:status_after=500")
    assert api.order(productId=13).status_code == 500
    assert portal.purchases == 0


# Held requests


def test_hold_before_then_released(api: Api, portal: Portal) -> None:
    fault = portal.faults.add(Fault("order.save", "hold_before"))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(attempt, api)
        assert fault.reached.wait(5)
        time.sleep(0.05)
        assert (portal.purchases, answer.done(), portal.in_flight) == (0, False, 1)
        fault.release()
        assert status(200, 200)(answer.result(5))
    assert portal.purchases == 1


def test_hold_after_then_released(api: Api, portal: Portal) -> None:
    fault = portal.faults.add(Fault("order.save", "hold_after"))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(attempt, api)
        assert fault.reached.wait(5)
        deadline = time.monotonic() + 5
        while not portal.purchases and time.monotonic() < deadline:
            time.sleep(0.005)
        assert (portal.purchases, answer.done()) == (1, False)
        fault.release()
        assert status(200, 200)(answer.result(5))
    assert portal.purchases == 1


@pytest.mark.parametrize(("kind", "purchases"), [("hold_before", 0), ("hold_after", 1)])
@pytest.mark.parametrize("release", ["at once", "later", "never"])
def test_client_goes_away_while_held(
    server: SandboxServer, api: Api, portal: Portal, kind: str, purchases: int, release: str
) -> None:
    fault = portal.faults.add(Fault("order.save", kind))
    assert silence(attempt(api, timeout=0.1))  # httpx closes the connection
    if release == "later":
        time.sleep(0.1)
    if release != "never":
        fault.release()
    deadline = time.monotonic() + 2
    while portal.in_flight and time.monotonic() < deadline:
        time.sleep(0.005)
    assert portal.in_flight == 0
    server.stop()
    assert portal.purchases == purchases


def test_held_requests_do_not_hold_up_the_end(portal: Portal) -> None:
    faults = [portal.faults.add(Fault("contacts", kind)) for kind in ("hold_before", "hold_after", "timeout_after")]
    with SandboxServer(portal) as server, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(httpx.get, server.url + CONTACTS, timeout=5) for _ in faults]
        for fault in faults:
            assert fault.reached.wait(5)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 0.5
        for answer in answers:
            with pytest.raises(httpx.TransportError):
                answer.result(5)


def test_clearing_lets_go(api: Api, portal: Portal) -> None:
    fault = portal.faults.add(Fault("contacts", "hold_before"))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.get, CONTACTS)
        assert fault.reached.wait(5)
        portal.faults.clear()
        assert answer.result(5).status_code == 200


def test_released_in_advance(api: Api, portal: Portal) -> None:
    portal.faults.add(Fault("contacts", "hold_before"))
    portal.faults.release()
    assert api.get(CONTACTS).status_code == 200


# As text


@pytest.mark.parametrize(
    ("spec", "endpoint", "kind", "value", "skip", "times"),
    [
        ("order.save:cut_after", "order.save", "cut_after", "", 0, 1),
        ("order.save:status=503@2", "order.save", "status", "503", 1, 1),
        ("product.list:cut_before@2x3", "product.list", "cut_before", "", 1, 3),
        ("any:retry_after=2x*", "any", "retry_after", "2", 0, None),
        ("order.save:unknown_status=expired", "order.save", "unknown_status", "expired", 0, 1),
        ("order.save:statusx2", "order.save", "status", "500", 0, 2),
    ],
)
def test_parse(spec: str, endpoint: str, kind: str, value: str, skip: int, times: int | None) -> None:
    fault = Fault.parse(spec)
    assert (fault.endpoint, fault.kind, fault.value) == (endpoint, kind, value)
    assert (fault.skip, fault.times) == (skip, times)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_parses(kind: str) -> None:
    fault = Fault.parse(f"order.save:{kind}@3x2")
    assert (fault.kind, fault.skip, fault.times) == (kind, 2, 2)
    assert fault.before == (kind in BEFORE)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("order.save", "isn't of the form"),
        ("order.save:", "isn't of the form"),
        ("order.save:status=503@0", "isn't of the form"),
        ("order.save:nonsense", "there are: .*cut_after"),
        ("order.sale:cut_after", "there are: .*order.save"),
        ("order.save:cut_after=3", "takes no value"),
        ("order.save:status=abc", "needs an HTTP status"),
        ("order.save:retry_after=soon", "whole seconds"),
        *((f"contacts:{kind}", "only for order.save") for kind in ORDER_ONLY),
    ],
)
def test_bad_text(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault.parse(spec)


def test_threads_may_add_faults_while_it_serves(api: Api, portal: Portal) -> None:
    def add() -> None:
        for _ in range(20):
            portal.faults.add("contacts:status=503")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: api.get(CONTACTS).status_code, range(100)))
    assert (statuses.count(503), statuses.count(200)) == (80, 20)

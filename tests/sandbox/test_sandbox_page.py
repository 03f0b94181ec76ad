"""The page of the sandbox, as plain HTTP: what it shows, what its forms do, and who may use it."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from sandbox_calls import SERIAL, Api

from pulumi_yspartner.sandbox import Order, Portal, SandboxServer
from pulumi_yspartner.sandbox.page import FOLDER, MOST


@pytest.fixture
def order(portal: Portal, api: Api) -> Order:
    """A pending order of 200 extensions."""
    portal.behaviour.order_status = "pending"
    api.order(poNumber="PO <7> YS-ABC")
    return portal.orders[0]


def card(text: str, order: Order) -> str:
    """What the page says of one order, without tags."""
    [_, after] = text.split(f'<li id="{order.order_no}">')
    inside = re.split(r'<li id="|</ol>', after)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inside)).split())


def test_it_shows_the_pbxs_and_that_nothing_was_ordered(api: Api, portal: Portal) -> None:
    portal.add_pbx("3651D3296883", extensions=100, concurrent_calls=25)
    text = api.get("/").text
    rows = re.findall(r"<code>(\w+)</code></th><td[^>]*>(\d+)</td><td[^>]*>(\d+)</td>", text)
    assert rows == [(SERIAL, "50", "12"), ("3651D3296883", "100", "25")]
    assert "No order yet" in text


def test_an_open_order_says_what_it_would_lead_to(api: Api, order: Order) -> None:
    text = card(api.get("/").text, order)
    assert text.startswith(f"{order.order_no} pending 200 extensions: 50 → 250 once it is paid PBX {SERIAL}")
    assert "poNumber PO <7> YS-ABC" in text
    assert "through the API" in text
    assert f"Pay order {order.order_no} Cancel order {order.order_no}" in text


def test_what_others_wrote_is_escaped(api: Api, order: Order) -> None:
    text = api.get("/").text
    assert "PO &lt;7&gt; YS-ABC" in text
    assert "PO <7>" not in text


def test_paying_raises_the_counts(api: Api, order: Order, portal: Portal) -> None:
    answer = api.post(f"/orders/{order.order_no}/pay")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/#{order.order_no}")
    assert (order.status, portal.pbx(SERIAL).extensions) == ("succeed", 250)
    text = card(api.get("/").text, order)
    assert "200 extensions: 50 → 250 PBX" in text
    assert "Pay" not in text


def test_paid_capacity_that_is_slow_to_land_is_said_to_be_uncounted(api: Api, order: Order, portal: Portal) -> None:
    order.landing = {"extensions": "manual", "concurrent_calls": "instant"}
    api.post(f"/orders/{order.order_no}/pay")
    assert "200 extensions: 50 → 250 once it is counted" in card(api.get("/").text, order)


def test_cancelling_is_the_end_of_an_order(api: Api, order: Order, portal: Portal) -> None:
    assert api.post(f"/orders/{order.order_no}/cancel").status_code == 303
    assert (order.status, portal.pbx(SERIAL).extensions) == ("cancelled", 50)
    assert "200 extensions: 50 as before" in card(api.get("/").text, order)


@pytest.mark.parametrize("action", ["pay", "cancel"])
@pytest.mark.parametrize("status", ["succeed", "cancelled", "failed", "invalid", "refunded"])
def test_an_order_that_waits_for_nobody_is_left_alone(
    api: Api, order: Order, portal: Portal, status: str, action: str
) -> None:
    portal.set_status(order.order_no, status)
    have = portal.pbx(SERIAL).extensions
    answer = api.post(f"/orders/{order.order_no}/{action}")
    assert answer.status_code == 409
    assert f'role="alert">order {order.order_no} is {status} already' in answer.text
    assert (order.status, portal.pbx(SERIAL).extensions) == (status, have)


def test_an_unknown_order_is_said_to_be_unknown(api: Api) -> None:
    answer = api.post("/orders/<b>/pay")
    assert answer.status_code == 404
    assert "no order &lt;b&gt; in the sandbox" in answer.text


def test_nothing_is_changed_by_following_a_link(api: Api, order: Order) -> None:
    assert api.get(f"/orders/{order.order_no}/pay").status_code == 405
    assert order.status == "pending"


def test_the_newest_order_comes_first_and_old_ones_are_counted(api: Api, portal: Portal) -> None:
    for hours in range(MOST + 3):
        portal.place_elsewhere(SERIAL, extensions=1, age_hours=hours)
    text = api.get("/").text
    assert re.findall(r'<li id="(\w+)">', text) == [each.order_no for each in portal.orders[:2:-1]]
    assert "3 older orders are not shown" in text


def test_an_order_that_is_not_listed_yet_says_so(api: Api, order: Order) -> None:
    assert "not in the order list yet" not in card(api.get("/").text, order)
    order.listed = False
    assert "not in the order list yet" in card(api.get("/").text, order)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"host": "elsewhere.example"},
        {"host": "elsewhere.example:80", "origin": "http://elsewhere.example:80"},
        {"host": "["},
    ],
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/orders/{order_no}/pay", {}),
        ("/orders/{order_no}/cancel", {}),
        ("/_sandbox/orders/{order_no}", {"json": {"status": "succeed"}}),
    ],
)
def test_a_page_of_another_site_can_change_nothing(
    api: Api, order: Order, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = api.post(path.format(order_no=order.order_no), headers=headers, **body)
    assert answer.status_code == 403
    assert order.status == "pending"


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js"])
def test_a_name_of_another_site_that_points_here_shows_nothing(api: Api, path: str) -> None:
    assert api.get(path).status_code == 200
    assert api.get(path, headers={"host": "elsewhere.example"}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_every_name_of_this_machine_is_its_own(server: SandboxServer, order: Order, host: str) -> None:
    own = f"{host}:{server.port}"
    headers = {"host": own, "origin": f"http://{own}"}
    answer = httpx.post(f"{server.url}/orders/{order.order_no}/pay", headers=headers, verify=False)
    assert (answer.status_code, order.status) == (303, "succeed")


def test_nothing_may_be_loaded_from_elsewhere(api: Api, order: Order) -> None:
    answer = api.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert set(re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)) == {
        "data:,",
        "/page.css",
        "/page.js",
        "/",
        f"/orders/{order.order_no}/pay",
        f"/orders/{order.order_no}/cancel",
    }
    assert "://" not in "".join(file.read_text() for file in FOLDER.iterdir())

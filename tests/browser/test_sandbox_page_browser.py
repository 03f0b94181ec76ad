"""The page of the sandbox in a real browser: by hand, without a script, on a phone, and for those who can't see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from pulumi_yspartner.sandbox import Behaviour, Portal, SandboxServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

HQ = "3651D3296882"


@pytest.fixture
def portal() -> Portal:
    portal = Portal(behaviour=Behaviour(order_status="pending"))
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    return portal


@pytest.fixture
def url(portal: Portal) -> Iterator[str]:
    with SandboxServer(portal) as server:
        yield f"{server.url}/"


def test_an_order_is_paid_and_another_cancelled_without_a_script(
    new_page: Callable[..., Page], portal: Portal, url: str
) -> None:
    paid = portal.place_elsewhere(HQ, extensions=200, status="pending")
    cancelled = portal.place_elsewhere(HQ, concurrent_calls=48, status="pending")
    page = new_page(java_script_enabled=False)
    page.goto(url)

    page.get_by_role("button", name=f"Pay order {paid.order_no}").click()
    assert page.get_by_role("row", name=HQ).inner_text().split() == [HQ, "250", "12"]
    assert "200 extensions: 50 → 250" in page.locator(f"#{paid.order_no}").inner_text()

    page.get_by_role("button", name=f"Cancel order {cancelled.order_no}").click()
    assert "cancelled" in page.locator(f"#{cancelled.order_no}").inner_text()
    assert page.get_by_role("row", name=HQ).inner_text().split() == [HQ, "250", "12"]
    assert page.get_by_role("button").count() == 0
    assert (paid.status, cancelled.status) == ("succeed", "cancelled")


def test_a_new_order_appears_by_itself_and_the_focus_stays(
    new_page: Callable[..., Page], portal: Portal, url: str
) -> None:
    first = portal.place_elsewhere(HQ, extensions=10, status="pending")
    page = new_page()
    page.goto(url)
    page.locator(f"#pay-{first.order_no}").focus()

    second = portal.place_elsewhere(HQ, extensions=20, status="pending")

    page.locator(f"#{second.order_no}").wait_for()
    assert page.evaluate("document.activeElement.id") == f"pay-{first.order_no}"
    page.keyboard.press("Enter")
    page.locator(f"#{first.order_no} .succeed").wait_for()
    assert (first.status, second.status) == ("succeed", "pending")


def test_it_says_when_the_sandbox_has_ended(new_page: Callable[..., Page], portal: Portal) -> None:
    page = new_page()
    with SandboxServer(portal) as server:
        page.goto(f"{server.url}/")
    page.get_by_text("The sandbox does not answer").wait_for()


def test_a_page_of_another_site_can_not_pay(new_page: Callable[..., Page], portal: Portal, url: str) -> None:
    order = portal.place_elsewhere(HQ, extensions=10, status="pending")
    page = new_page()
    page.set_content(f"<form method=post action='{url}orders/{order.order_no}/pay'><button>Win</button></form>")
    with page.expect_response("**/pay") as answer:
        page.get_by_role("button").click()
    assert answer.value.status == 403
    assert order.status == "pending"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_is_accessible_and_fits_the_screen(
    new_page: Callable[..., Page], portal: Portal, url: str, scheme: str, width: int
) -> None:
    for status in ("succeed", "failed", "pending"):
        portal.place_elsewhere(
            HQ, extensions=1, concurrent_calls=1, status=status, po_number="PO 2024-7 YS-K3JQ6ZTQ4BXA"
        )
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    assert complaints == []
    # The tool's own script is evaluated past the page's content security policy, so it comes last.
    result = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert result.violations_count == 0, result.generate_report()

"""The whole life of an order by hand: Pulumi orders, a person pays or cancels on the page of the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from engine_stack import HQ, Stack, succeeded

if TYPE_CHECKING:
    from playwright.sync_api import Page


def press(page: Page, stack: Stack, button: str) -> None:
    page.goto(f"{stack.url}/")
    [order] = [order for order in stack.portal.orders if order.is_open]
    page.get_by_role("button", name=f"{button} {order.order_no}").click()
    page.locator(f"#{order.order_no} .open").wait_for(state="detached")


def test_an_order_is_paid_on_the_page(stack: Stack, new_page: Callable[..., Page]) -> None:
    stack.portal.behaviour.order_status = "pending"
    stack.declare(extensions=250)
    succeeded(stack.up())
    assert stack.outputs()["status"] == "awaiting_payment"

    press(new_page(), stack, "Pay order")

    succeeded(stack.refresh())
    assert stack.outputs()["status"] == "satisfied"
    assert stack.outputs()["capacity"]["extensions"] == 250
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_an_order_is_cancelled_on_the_page_and_placed_again_only_when_asked(
    stack: Stack, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    stack.portal.behaviour.order_status = "pending"
    stack.declare(extensions=250)
    succeeded(stack.up())
    press(page, stack, "Cancel order")

    up = succeeded(stack.up())
    assert "short: has 50 of 250 extensions" in up.rows["hq"]
    succeeded(stack.refresh())
    assert stack.outputs()["status"] == "short"
    assert stack.portal.purchases == 1

    stack.declare(extensions=250, reorder="cancelled by mistake")
    succeeded(stack.up())
    press(page, stack, "Pay order")
    succeeded(stack.refresh())
    assert stack.outputs()["status"] == "satisfied"
    assert (stack.portal.purchases, stack.portal.pbx(HQ).extensions) == (2, 250)

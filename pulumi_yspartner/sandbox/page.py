"""The page at `/`: PBXs, orders, and what a person does in the real portal: pay or cancel a pending order.

Plain forms that work without a script; the script only keeps the page fresh.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..wording import amount
from .portal import COUNTS, SUCCEED, Count, Order, Portal, UnknownError
from .same_machine import stranger

Endpoint = Callable[[Request], Awaitable[Response]]

MOST = 200
"""Orders that the page shows, the newest ones."""

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
}

FOLDER = Path(__file__).parent / "templates"


def page_routes(portal: Portal) -> list[Route]:
    """The routes of the page of `portal`."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(_html(portal), headers=HEADERS)

    def act(action: Callable[[str], None]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            order_no = request.path_params["order_no"]
            try:
                action(order_no)
            except (UnknownError, ValueError) as error:  # gone, a second click, or a second person
                status = 404 if isinstance(error, UnknownError) else 409
                return HTMLResponse(_html(portal, str(error)), status, headers=HEADERS)
            return RedirectResponse(f"/#{order_no}", 303)

        return endpoint

    def file(name: str) -> Endpoint:
        async def endpoint(_request: Request) -> Response:
            return FileResponse(FOLDER / name, headers=HEADERS)

        return endpoint

    return [
        Route("/", _guarded(page), methods=["GET"]),
        Route("/page.css", _guarded(file("page.css")), methods=["GET"]),
        Route("/page.js", _guarded(file("page.js")), methods=["GET"]),
        Route("/orders/{order_no}/pay", _guarded(act(portal.pay)), methods=["POST"]),
        Route("/orders/{order_no}/cancel", _guarded(act(portal.cancel)), methods=["POST"]),
    ]


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        problem = stranger(request)
        return PlainTextResponse(f"{problem}\n", 403) if problem else await endpoint(request)

    return guarded


def _html(portal: Portal, problem: str = "") -> str:
    with portal.lock:
        pbxs = portal.all_pbxs()  # lets land what is due by now
        orders = portal.orders[::-1]
        return _template().render(
            problem=problem,
            pbxs=pbxs,
            orders=[_shown(order) for order in orders[:MOST]],
            older=max(0, len(orders) - MOST),
        )


@functools.cache
def _template() -> Template:
    loader = FileSystemLoader(FOLDER)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("page.html")


@dataclass(frozen=True)
class ShownOrder:
    """An order as people see it."""

    order: Order
    time: datetime
    lines: tuple[str, ...]
    """One for each count that is bought: `200 extensions: 50 -> 250`."""
    kind: str
    """How the status is coloured: `open`, `succeed` or `dead`."""


def _shown(order: Order) -> ShownOrder:
    kind = "open" if order.is_open else "succeed" if order.status.casefold() == SUCCEED else "dead"
    return ShownOrder(
        order=order,
        time=datetime.fromtimestamp(order.created, UTC),
        lines=tuple(_line(order, count, kind) for count in COUNTS if order.quantity(count)),
        kind=kind,
    )


def _line(order: Order, count: Count, kind: str) -> str:
    quantity = order.quantity(count)
    bought = amount(count, quantity)
    before = order.before[count]
    if count in order.after:
        return f"{bought}: {before} \N{RIGHTWARDS ARROW} {order.after[count]}"
    when = {"open": "once it is paid", "succeed": "once it is counted", "dead": ""}[kind]
    if not when:
        return f"{bought}: {before} as before"
    return f"{bought}: {before} \N{RIGHTWARDS ARROW} {before + quantity} {when}"

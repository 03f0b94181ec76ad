"""Endpoints under `/_sandbox/`, to control a sandbox from another process of this machine, without a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .portal import Order, Portal, UnknownError
from .same_machine import stranger

Control = Callable[[Request, dict[str, Any]], Any]


def control_routes(portal: Portal) -> list[Route]:
    """The routes that control `portal`."""

    def purchases(_request: Request, _body: dict[str, Any]) -> Any:
        return {"purchases": portal.purchases, "orders": [_describe(order) for order in portal.orders]}

    def pbx(request: Request, body: dict[str, Any]) -> Any:
        known = portal.pbx(request.path_params["serial_number"])
        portal.set_counts(known.serial_number, _count(body, "extensions"), _count(body, "concurrent_calls"))
        return {"extensions": known.extensions, "concurrent_calls": known.concurrent_calls}

    def order(request: Request, body: dict[str, Any]) -> Any:
        order_no = portal.order(request.path_params["order_no"]).order_no
        if isinstance(body.get("status"), str):
            portal.set_status(order_no, body["status"])
        if body.get("land") is True:
            portal.land(order_no)
        if body.get("reveal") is True:
            portal.reveal(order_no)
        return _describe(portal.order(order_no))

    def clock(_request: Request, body: dict[str, Any]) -> Any:
        hours = body.get("advance_hours")
        if isinstance(hours, bool) or not isinstance(hours, int | float):
            raise ValueError("advance_hours must be a number")
        portal.clock.advance(hours=hours)
        return {"now": portal.clock.now()}

    def faults(_request: Request, body: dict[str, Any]) -> Any:
        if body.get("clear") is True:
            portal.faults.clear()
        if body.get("release") is True:
            portal.faults.release()
        if "add" in body:
            portal.faults.add(str(body["add"]))
        return {}

    def served(control: Control) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            problem = stranger(request)
            if problem:
                return JSONResponse({"error": problem}, 403)
            try:
                body = await request.json() if request.method == "POST" else {}
                if not isinstance(body, dict):
                    raise ValueError("the body must be a JSON object")
                return JSONResponse(control(request, body))
            except UnknownError as error:
                return JSONResponse({"error": str(error)}, 404)
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)

        return endpoint

    return [
        Route("/_sandbox/purchases", served(purchases), methods=["GET"]),
        Route("/_sandbox/pbxs/{serial_number}", served(pbx), methods=["POST"]),
        Route("/_sandbox/orders/{order_no}", served(order), methods=["POST"]),
        Route("/_sandbox/clock", served(clock), methods=["POST"]),
        Route("/_sandbox/faults", served(faults), methods=["POST"]),
    ]


def _describe(order: Order) -> dict[str, Any]:
    return {
        "order_no": order.order_no,
        "serial_number": order.serial_number,
        "extensions": order.extensions,
        "concurrent_calls": order.concurrent_calls,
        "status": order.status,
        "via": order.via,
        "body": order.body,
    }


def _count(body: dict[str, Any], name: str) -> int | None:
    count = body.get(name)
    if count is not None and (type(count) is not int or count < 0):
        raise ValueError(f"{name} must be a whole number")
    return count

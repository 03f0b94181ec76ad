"""The Open API of each PBX, as far as it tells the capacity: under `/pbx/{serial number}` of the sandbox.

Paths and field names are SEEN in the vendor's documentation of the PBX.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from .endpoint import Call, Endpoint, Handler, Refusal
from .faults import Fault
from .portal import Portal
from .validation import Invalid

PBX_CLIENT_ID = "pbx"
PBX_CLIENT_SECRET = "pbx-secret"  # noqa: S105 (it guards nothing)


def pbx_token(portal: Portal, call: Call, _fault: Fault | None) -> dict[str, Any]:
    """Get an access token with the PBX's own client id and secret."""
    portal.pbx(call.path["serial_number"])
    try:
        body = json.loads(call.body)
    except ValueError:
        raise Invalid("body", "isn't JSON") from None
    if body != {"username": PBX_CLIENT_ID, "password": PBX_CLIENT_SECRET}:
        raise Refusal(401, "10004", "wrong client id or client secret")
    access, refresh = portal.issue_tokens(call.path["serial_number"])
    return {
        "access_token": access,
        "access_token_expire_time": int(portal.behaviour.token_life),
        "refresh_token": refresh,
        "refresh_token_expire_time": 86400,
    }


def pbx_capacity(portal: Portal, call: Call, _fault: Fault | None) -> dict[str, Any]:
    """Query the PBX's capacity: totals as licensed now."""
    serial_number = call.path["serial_number"]
    if not portal.token_holds(call.query.get("access_token", ""), serial_number):
        raise Refusal(401, "10004", "the access token is missing, unknown or expired")
    pbx = portal.pbx(serial_number)
    capacity = {
        "extension_capacity": pbx.extensions,
        "extension_used": min(10, pbx.extensions),
        "cc_capacity": pbx.concurrent_calls,
        "cc_used": 0,
    }
    return {"data": capacity}


class PbxEndpoint(Endpoint):
    """An endpoint of a PBX: its own envelope, errors under HTTP 200."""

    def _authorise(self, call: Call) -> None:
        """The handlers do it: the token is in the query."""

    def _success(self, result: Any) -> JSONResponse:
        return JSONResponse({"errcode": 0, "errmsg": "SUCCESS", **result})

    def _refuse(self, refusal: Refusal) -> JSONResponse:
        code = int(refusal.code) if refusal.code.isdigit() else 10001
        http_status = refusal.status if refusal.status >= 429 else 200
        return JSONResponse({"errcode": code, "errmsg": "FAILURE"}, http_status, headers=refusal.headers)

    @staticmethod
    def _not_success() -> JSONResponse:
        return JSONResponse({"errcode": 10002, "errmsg": "FAILURE"})

    def _serial_number(self, call: Call) -> str | None:
        return call.path["serial_number"]


def pbx_routes(portal: Portal) -> list[Route]:
    """The routes of all PBXs of `portal`."""
    endpoints: tuple[tuple[str, str, str, Handler], ...] = (
        ("pbx.token", "POST", "get_token", pbx_token),
        ("pbx.capacity", "GET", "system/capacity", pbx_capacity),
    )
    return [
        Route(
            f"/pbx/{{serial_number}}/openapi/v1.0/{path}",
            PbxEndpoint(portal, name, handler),
            methods=[method],
            name=name,
        )
        for name, method, path, handler in endpoints
    ]

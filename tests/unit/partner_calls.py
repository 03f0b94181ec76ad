"""A stubbed portal for the client's unit tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import respx

BASE = "https://portal.example"
SECRET = "s3cret-of-the-client"
TOKEN = "/auth/openapi/v1/oauth/token"
ORDER = "/order/openapi/order/v1/save"
REQUEST_ID = "7087df0ef28fdf6d83d464d7b0f314c1"


def envelope(result: Any = None, **changes: Any) -> dict[str, Any]:
    whole = {"code": "success", "detailMessage": "", "requestId": REQUEST_ID, "result": result, "status": 200}
    return whole | changes


def success(result: Any = None) -> httpx.Response:
    return httpx.Response(200, json=envelope(result))


def failure(status: int, code: str = "some_error", **headers: str) -> httpx.Response:
    body = envelope(None, status=status, code=code, detailMessage=f"details with {SECRET}")
    return httpx.Response(status, json=body, headers=headers)


class TokenEndpoint:
    """Hands out numbered tokens; remembers the forms that it got."""

    def __init__(self, life: str = "1800", refresh: bool = True) -> None:
        self.forms: list[dict[str, str]] = []
        self.life = life
        self.refresh = refresh
        self.refuse: Callable[[dict[str, str]], httpx.Response | Exception | None] = lambda _form: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert "Authorization" not in request.headers
        form = dict(httpx.QueryParams(request.content.decode()))
        self.forms.append(form)
        instead = self.refuse(form)
        if isinstance(instead, Exception):
            raise instead
        if instead is not None:
            return instead
        number = len(self.forms)
        details = {"token": f"token-{number}", "expiresIn": self.life, "tokenHead": "Bearer "}
        if self.refresh:
            details["refreshToken"] = f"refresh-{number}"
        return success(details)

    @property
    def grants(self) -> list[str]:
        return [form["grant_type"] for form in self.forms]


def portal(router: respx.MockRouter, **options: Any) -> TokenEndpoint:
    tokens = TokenEndpoint(**options)
    router.post(TOKEN).mock(side_effect=tokens)
    return tokens


def sent(route: respx.Route) -> list[Any]:
    return [json.loads(call.request.content) for call in route.calls]

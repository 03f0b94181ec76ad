"""From a request to an answer, past the faults."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from . import dialect as shape
from .faults import Fault
from .portal import Portal, UnknownError
from .validation import Invalid

Json = Any


@dataclass(frozen=True)
class Call:
    """A request, read whole."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def token(self) -> str:
        """The bearer token, or nothing."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme == "Bearer" else ""


class Refusal(Exception):
    """An error envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        result: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.result = result
        self.headers = headers


Handler = Callable[[Portal, Call, Fault | None], Json]


class Endpoint:
    """One documented endpoint as an ASGI application."""

    def __init__(self, portal: Portal, name: str, handler: Handler) -> None:
        self.portal = portal
        self.name = name
        self.handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        with self.portal.serving(self.name):
            try:
                body = await request.body()
            except ClientDisconnect:
                return
            call = Call(request.path_params, request.query_params, request.headers, body)
            response = await self._respond(request, call)
            await response(scope, receive, send)

    async def _respond(self, request: Request, call: Call) -> Response:
        if self.portal.behaviour.latency > 0:
            await asyncio.sleep(self.portal.behaviour.latency)
        fault = self.portal.faults.take(self.name, self._serial_number(call))
        if fault is not None and fault.before:
            instead = await self._strike_before(fault, request, call)
            if instead is not None:
                return instead
        response = self._answer(call, fault)
        if fault is not None and not fault.before:
            return await self._strike_after(fault, request, response)
        return response

    def _answer(self, call: Call, fault: Fault | None) -> JSONResponse:
        portal = self.portal
        with portal.lock:
            try:
                if not call.headers.get("user-agent", "").strip():
                    raise Invalid("User-Agent", "required")
                self._authorise(call)
                result = self.handler(portal, call, fault)
            except Invalid as error:
                details = {"field": error.field, "tag": error.tag}
                return self._refuse(Refusal(400, "parameter_validation_failed", f"{error.field}: {error.tag}", details))
            except UnknownError as error:
                return self._refuse(Refusal(404, "not_found", str(error)))
            except Refusal as refusal:
                return self._refuse(refusal)
            if portal.dialect.rewrite is not None:
                result = portal.dialect.rewrite(self.name, result)
            return self._success(result)

    def _authorise(self, call: Call) -> None:
        if self.name != "token" and not self.portal.token_holds(call.token):
            raise Refusal(401, "unauthorized", "the access token is missing, unknown or expired")

    def _success(self, result: Json) -> JSONResponse:
        return JSONResponse(shape.render_success(result, new_request_id()))

    def _refuse(self, refusal: Refusal) -> JSONResponse:
        status, envelope = shape.render_error(
            self.portal.dialect,
            refusal.status,
            refusal.code,
            refusal.message,
            refusal.result,
            new_request_id(),
        )
        return JSONResponse(envelope, status, headers=refusal.headers)

    async def _strike_before(self, fault: Fault, request: Request, call: Call) -> Response | None:
        match fault.kind:
            case "hold_before":
                return None if await _held(fault, request) else Cut()
            case "timeout_before":
                return Hang()
            case "cut_before":
                return Cut()
            case "html_before":
                return _web_page("Please sign in")
            case "gateway_before":
                return _web_page("Bad gateway", 502)
            case "not_success_before":
                return self._not_success()
            case "redirect":
                return Response(status_code=307, headers={"location": str(request.url.include_query_params(again=1))})
            case "expired_token":
                self.portal.expire_token(call.token or call.query.get("access_token", ""))
                return self._refuse(Refusal(401, "unauthorized", "the access token has expired"))
            case "retry_after":
                slow_down = Refusal(429, "too_many_requests", "slow down", None, {"retry-after": fault.value})
                return self._refuse(slow_down)
            case _:
                return self._error_status(fault)

    async def _strike_after(self, fault: Fault, request: Request, response: JSONResponse) -> Response:
        match fault.kind:
            case "hold_after":
                return response if await _held(fault, request) else Cut()
            case "timeout_after":
                return Hang()
            case "cut_after":
                return Cut()
            case "truncated":
                return Truncated(response)
            case "html":
                return _web_page("Please sign in")
            case "gateway_after":
                return _web_page("Bad gateway", 502)
            case "not_success":
                return self._not_success()
            case "garbage":
                return JSONResponse([["unexpected"], 7, None])
            case "empty":
                return Response(b"", media_type="application/json")
            case "status_after":
                return self._error_status(fault)
            case _:  # the kinds that the handler itself sees to
                return response

    def _error_status(self, fault: Fault) -> Response:
        return self._refuse(Refusal(int(fault.value), "sandbox_fault", f"a fault with status {fault.value}"))

    @staticmethod
    def _not_success() -> Response:
        envelope = {**shape.render_success(None, new_request_id()), "code": "system_busy"}
        return JSONResponse({**envelope, "detailMessage": "try again later"})

    def _serial_number(self, call: Call) -> str | None:
        """The PBX that a request is about, where it says so."""
        if "productNo" in call.query:
            return call.query["productNo"]
        if "id" in call.path:
            try:
                return self.portal.order(call.path["id"]).serial_number
            except UnknownError:
                return None
        if call.media_type == "application/json":
            try:
                body = json.loads(call.body)
            except ValueError:
                return None
            serial_number = body.get("productNo") if isinstance(body, dict) else None
            return serial_number if isinstance(serial_number, str) else None
        return None


class Cut(Response):
    """Closes the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Close it."""
        scope["state"]["connection"].abort()
        await _gone(receive)


class Hang(Response):
    """Never answers: waits until the client goes away, or the server stops."""

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait."""
        await _gone(receive)


class Truncated(Response):
    """Sends the head and half of the body of another response, then closes the connection."""

    def __init__(self, whole: Response) -> None:
        super().__init__()
        self.whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to send, and close."""
        start = {"type": "http.response.start", "status": 200, "headers": self.whole.raw_headers}
        await send(start)
        body = bytes(self.whole.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        scope["state"]["connection"].close()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _held(fault: Fault, request: Request) -> bool:
    """Wait for the release; False when the client went away."""
    while not fault.released:
        if await request.is_disconnected():
            return False
        await asyncio.sleep(0.005)
    # A client that was killed just before the release: let the loop hear of it first.
    await asyncio.sleep(0.02)
    return not await request.is_disconnected()


def _web_page(text: str, status: int = 200) -> Response:
    return Response(f"<!doctype html><title>{text}</title><h1>{text}</h1>", status, media_type="text/html")


def new_request_id() -> str:
    """32 hex digits."""
    return secrets.token_hex(16)

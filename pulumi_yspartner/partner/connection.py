"""Authenticated exchanges with the Partner API: token, bound on connections, repeated reads, one try for an order."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import httpx

from ..errors import NotSentError, PartnerError, RequestRefusedError, UnreadableAnswerError
from ..settings import Settings
from . import envelope
from .http import exchange, http_client, public_authorities, repeated
from .pacing import Lanes, Pace

TOKEN_PATH = "/auth/openapi/v1/oauth/token"  # noqa: S105 - a path

_HEADER_TEXT = re.compile("[!-~]+")
"""What may stand in a header after `Bearer`."""

RENEW_BEFORE = 60.0
"""Seconds of remaining life at which a token is renewed (at most half its life)."""


class Connection:
    """Authenticated exchanges with the Partner API; use `open_connection`."""

    def __init__(self, settings: Settings, lanes: Lanes, tls: ssl.SSLContext) -> None:
        self._settings = settings
        self._lanes = lanes
        self._pace = Pace()
        self._tls = tls
        self._tokens = _Tokens(self._exchange, settings)

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The `result` of a GET; repeated where that may help."""
        return await self._read("GET", path, params=query)

    async def post_read(self, path: str, body: Mapping[str, Any]) -> Any:
        """The `result` of a POST that changes nothing; repeated where that may help."""
        return await self._read("POST", path, json=body)

    async def post_once(self, path: str, body: Mapping[str, Any], last_check: Callable[[], Awaitable[None]]) -> Any:
        """The `result` of a POST that must never be sent twice.

        `last_check` runs when nothing is left to wait for, and raises to call it off.

        On a fresh connection, so that "could not connect" proves that nothing was sent; without redirects and without
        any repetition, also not for a token that turns out to have ended.
        """
        try:
            token = await self._tokens.current()
        except RequestRefusedError:
            raise
        except PartnerError as error:
            raise NotSentError(f"no access token was to be had: {error}", method="POST", path=path) from None
        async with client_of(self._settings, self._tls) as client:
            return await self._exchange("POST", path, client=client, token=token, last_check=last_check, json=body)

    async def _read(self, method: str, path: str, **request: Any) -> Any:
        return await repeated(lambda: self._authorised(method, path, **request), paced=True)

    async def _authorised(self, method: str, path: str, **request: Any) -> Any:
        token = await self._tokens.current()
        try:
            return await self._exchange(method, path, token=token, **request)
        except RequestRefusedError as error:
            if error.status != 401:
                raise
        # The portal ended the token early. Whoever sees it first renews it for all.
        self._tokens.discard(token)
        return await self._exchange(method, path, token=await self._tokens.current(), **request)

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        client: httpx.AsyncClient | None = None,
        last_check: Callable[[], Awaitable[None]] | None = None,
        **request: Any,
    ) -> Any:
        # SEEN (request-structure.html): User-Agent is compulsory, and the token goes in as Bearer.
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._lanes.room(client) as lane:
            await self._pace.turn(method, path)
            try:
                answer = await exchange(
                    lane, method, path, within=self._settings.timeout, last_check=last_check, headers=headers, **request
                )
                result = envelope.result(method, path, answer.status, answer.body, retry_after=answer.retry_after)
            except PartnerError as error:
                self._pace.hear(error)
                raise
            self._pace.hear(None)
        return result


@asynccontextmanager
async def open_connection(
    settings: Settings, hear: Callable[[httpx.Response], Awaitable[None]] | None = None
) -> AsyncIterator[Connection]:
    """A connection that is closed at the end of the block. Raises `SettingsError` without credentials.

    `hear` is told of every answer but that to an order.
    """
    settings.credentials()
    tls = public_authorities()

    def new_client() -> httpx.AsyncClient:
        client = client_of(settings, tls)
        client.event_hooks = {"response": [hear] if hear else []}
        return client

    async with Lanes(settings.max_connections, new_client) as lanes:
        yield Connection(settings, lanes, tls)


def client_of(settings: Settings, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """An HTTP client for the portal that the settings name, for one request at a time."""
    return http_client(settings.base_url, tls, timeout=settings.timeout, connections=1)


class _Tokens:
    """The access token, renewed once however many requests need it.

    SEEN (authorization-rules.html): access tokens live 30 minutes, refresh tokens 15 days and rotate; the call is
    form-encoded; `expiresIn` is text.
    """

    def __init__(self, exchange: Any, settings: Settings) -> None:
        self._exchange = exchange
        self._settings = settings
        self._lock = anyio.Lock()
        self._token: str | None = None
        self._refresh_token: str | None = None
        self._renew_at = 0.0

    async def current(self) -> str:
        async with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                await self._renew()
            return cast("str", self._token)

    def discard(self, token: str) -> None:
        if token == self._token:
            self._token = None

    async def _renew(self) -> None:
        if self._refresh_token is not None:
            form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
            self._refresh_token = None  # it is used up, whatever the answer
            try:
                self._take(await self._exchange("POST", TOKEN_PATH, data=form))
            except PartnerError:
                pass  # the credentials below decide
            else:
                return
        client_id, client_secret = self._settings.credentials()
        form = {"grant_type": "pp_credentials", "client_id": client_id, "client_secret": client_secret}
        try:
            self._take(await self._exchange("POST", TOKEN_PATH, data=form))
        except RequestRefusedError as error:
            raise RequestRefusedError(
                "the portal did not accept the credentials in yspartner:clientId and yspartner:clientSecret",
                method="POST",
                path=TOKEN_PATH,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
            ) from None

    def _take(self, details: Any) -> None:
        token = details.get("token") if isinstance(details, dict) else None
        if not isinstance(token, str) or not _HEADER_TEXT.fullmatch(token):
            raise UnreadableAnswerError("the answer holds no token", method="POST", path=TOKEN_PATH)
        refresh_token = details.get("refreshToken")
        try:
            life = max(0.0, float(details.get("expiresIn")))
        except (TypeError, ValueError, OverflowError):
            life = 1800.0
        self._token = token
        self._refresh_token = refresh_token if isinstance(refresh_token, str) and refresh_token else None
        self._renew_at = time.monotonic() + life - min(RENEW_BEFORE, life / 2)

"""One exchange with the Partner API: token, limit on connections, retries of reads, one try for an order."""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from ..errors import (
    NoAnswerError,
    NotSentError,
    PartnerError,
    RequestRefusedError,
    UnreadableAnswerError,
)
from ..settings import Settings, is_loopback
from . import envelope

TOKEN_PATH = "/auth/openapi/v1/oauth/token"  # noqa: S105 - a path

ATTEMPTS = 4
"""Tries of a read, the first included."""
LONGEST_RETRY_AFTER = 60.0
"""Seconds of `Retry-After` that are waited out; a portal that asks for more is not asked again in this run."""
RENEW_BEFORE = 60.0
"""Seconds of remaining life at which a token is renewed (at most half its life)."""
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer; more is no answer of this API."""

_USER_AGENT = f"pulumi-yspartner/{version('pulumi_yspartner')}"


class Connection:
    """Authenticated exchanges with the Partner API; use `open_connection`."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, tls: ssl.SSLContext) -> None:
        self._settings = settings
        self._client = client
        self._tls = tls
        # Bounded outside the HTTP client: its pool slows down with many requests queued inside it.
        self._limiter = anyio.CapacityLimiter(settings.max_connections)
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
        async with _http_client(self._settings, self._tls) as client:
            return await self._exchange("POST", path, client=client, token=token, last_check=last_check, json=body)

    async def _read(self, method: str, path: str, **request: Any) -> Any:
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=retry_if_exception(_worth_repeating),
            sleep=anyio.sleep,
            reraise=True,
        ):
            with attempt:
                return await self._authorised(method, path, **request)
        raise AssertionError("unreachable")  # pragma: no cover

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
        async with self._limiter:
            if last_check is not None:
                await last_check()
            try:
                # httpx bounds each step; this bounds the whole, so that an answer can't trickle in for ever.
                with anyio.fail_after(self._settings.timeout):
                    status, retry_after, body = await _answer(
                        client or self._client, method, path, headers=headers, **request
                    )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
                host = urlsplit(self._settings.base_url).netloc
                raise NotSentError(f"no connection to {host} could be made", method=method, path=path) from None
            except (httpx.TimeoutException, TimeoutError):
                what = f"no answer within {self._settings.timeout:g} s"
                raise NoAnswerError(what, method=method, path=path) from None
            except (httpx.DecodingError, _TooLargeError):
                raise UnreadableAnswerError("the portal's answer is not text", method=method, path=path) from None
            except httpx.HTTPError:
                what = "the connection was cut before the answer was complete"
                raise NoAnswerError(what, method=method, path=path) from None
        return envelope.result(method, path, status, body, retry_after=_retry_after(retry_after))


class _TooLargeError(Exception):
    pass


async def _answer(client: httpx.AsyncClient, method: str, path: str, **request: Any) -> tuple[int, str | None, bytes]:
    """An answer's status, `Retry-After` and body."""
    body = bytearray()
    async with client.stream(method, path, **request) as answer:
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LARGEST_ANSWER:
                raise _TooLargeError
        return answer.status_code, answer.headers.get("Retry-After"), bytes(body)


@asynccontextmanager
async def open_connection(settings: Settings) -> AsyncIterator[Connection]:
    """A connection that is closed at the end of the block. Raises `SettingsError` without credentials."""
    settings.credentials()
    tls = httpx.create_ssl_context()
    async with _http_client(settings, tls) as client:
        yield Connection(settings, client, tls)


def _http_client(settings: Settings, tls: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=tls,
        base_url=settings.base_url,
        headers={"User-Agent": _USER_AGENT, "Accept": "application/json"},
        # Shorter to connect: what times out there was certainly not sent.
        timeout=httpx.Timeout(settings.timeout, connect=settings.timeout / 2),
        limits=httpx.Limits(max_connections=settings.max_connections, keepalive_expiry=30),
        follow_redirects=False,
        # A proxy of the environment is for the real portal, not for a sandbox on this machine.
        trust_env=not is_loopback(urlsplit(settings.base_url).hostname or ""),
    )


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
        if not isinstance(token, str) or not token:
            raise UnreadableAnswerError("the answer holds no token", method="POST", path=TOKEN_PATH)
        refresh_token = details.get("refreshToken")
        try:
            life = max(0.0, float(details.get("expiresIn")))
        except (TypeError, ValueError):
            life = 1800.0
        self._token = token
        self._refresh_token = refresh_token if isinstance(refresh_token, str) and refresh_token else None
        self._renew_at = time.monotonic() + life - min(RENEW_BEFORE, life / 2)


def _worth_repeating(error: BaseException) -> bool:
    if not isinstance(error, PartnerError) or not error.transient:
        return False
    return error.retry_after is None or error.retry_after <= LONGEST_RETRY_AFTER


_backoff = wait_random_exponential(multiplier=0.5, max=8)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after if isinstance(error, PartnerError) else None
    return _backoff(state) if asked_for is None else asked_for


def _retry_after(header: str | None) -> float | None:
    """Seconds of a `Retry-After` header, which is a number or a date."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return seconds if 0 <= seconds < float("inf") else 0.0 if seconds < 0 else None

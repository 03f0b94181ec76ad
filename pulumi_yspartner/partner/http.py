"""HTTP: a client, one exchange with every failure as an error of our own, and when to try again."""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from ..errors import NoAnswerError, NotSentError, PartnerError, UnreadableAnswerError
from ..settings import is_loopback

ATTEMPTS = 4
"""Tries of a read, the first included."""
LONGEST_RETRY_AFTER = 60.0
"""Seconds of `Retry-After` that are waited out; who asks for more is not asked again in this run."""
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer; more is no answer of these APIs."""

_USER_AGENT = f"pulumi-yspartner/{version('pulumi_yspartner')}"

_T = TypeVar("_T")


def http_client(base_url: str, tls: ssl.SSLContext, *, timeout: float, connections: int) -> httpx.AsyncClient:
    """A client for one host; `timeout` is in seconds per step of an exchange."""
    return httpx.AsyncClient(
        verify=tls,
        base_url=base_url,
        headers={"User-Agent": _USER_AGENT, "Accept": "application/json"},
        # Shorter to connect: what times out there was certainly not sent.
        timeout=httpx.Timeout(timeout, connect=timeout / 2),
        limits=httpx.Limits(max_connections=connections, keepalive_expiry=30),
        follow_redirects=False,
        # A proxy of the environment is for real hosts, not for a sandbox on this machine.
        trust_env=not is_loopback(urlsplit(base_url).hostname or ""),
    )


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    retry_after: float | None
    """Seconds, from the header `Retry-After`."""
    body: bytes


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    within: float,
    last_check: Callable[[], Awaitable[None]] | None = None,
    **request: Any,
) -> Answer:
    """One request and its answer, within so many seconds in all.

    `last_check` runs twice, before connecting and when the connection is made, and raises to call the request off.

    Raises `NotSentError` only when it certainly never left this machine, `NoAnswerError` when it may have been carried
    out, and `UnreadableAnswerError` for an answer that is too large or can't be decoded.
    """
    body = bytearray()
    if last_check is not None:
        await last_check()

        async def trace(event: str, _: Any) -> None:
            if event.endswith("send_request_headers.started"):
                await last_check()

        request["extensions"] = {"trace": trace}
    try:
        # httpx bounds each step; this bounds the whole, so that an answer can't trickle in for ever.
        with anyio.fail_after(within):
            async with client.stream(method, path, **request) as answer:
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise _TooLargeError
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        what = f"no connection to {client.base_url.netloc.decode()} could be made"
        raise NotSentError(what, method=method, path=path) from error
    except (httpx.TimeoutException, TimeoutError):
        raise NoAnswerError(f"no answer within {within:g} s", method=method, path=path) from None
    except (httpx.DecodingError, _TooLargeError):
        raise UnreadableAnswerError("the answer is not text", method=method, path=path) from None
    except httpx.HTTPError:
        what = "the connection was cut before the answer was complete"
        raise NoAnswerError(what, method=method, path=path) from None
    return Answer(answer.status_code, retry_after_seconds(answer.headers.get("Retry-After")), bytes(body))


class _TooLargeError(Exception):
    pass


async def repeated(read: Callable[[], Awaitable[_T]]) -> _T:
    """The result of a read, tried again where that may help. Never for an order."""
    async for attempt in AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=_pause,
        retry=retry_if_exception(_worth_repeating),
        sleep=anyio.sleep,
        reraise=True,
    ):
        with attempt:
            return await read()
    raise AssertionError("unreachable")  # pragma: no cover


def _worth_repeating(error: BaseException) -> bool:
    if not isinstance(error, PartnerError) or not error.transient:
        return False
    return error.retry_after is None or error.retry_after <= LONGEST_RETRY_AFTER


_backoff = wait_random_exponential(multiplier=0.5, max=8)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after if isinstance(error, PartnerError) else None
    return _backoff(state) if asked_for is None else asked_for


def retry_after_seconds(header: str | None) -> float | None:
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

"""HTTP: a client, one exchange with every failure as an error of our own, and when to try again."""

from __future__ import annotations

import email.utils
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from ..errors import NoAnswerError, NotSentError, PartnerError, SettingsError, UnreadableAnswerError
from ..settings import is_loopback
from .pacing import LONGEST_PAUSE, is_too_many

ATTEMPTS = 4
"""Tries of a read, the first included."""
ATTEMPTS_WHEN_TOO_MANY = 10
"""The same, where an answer said "too many requests" only: that is no sign of a fault."""
LONGEST_OWN_PAUSE = 8.0
"""Seconds between two tries at most, where nobody asked for more."""
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer; more is no answer of these APIs."""

_T = TypeVar("_T")


def http_client(base_url: str, tls: ssl.SSLContext, *, timeout: float, connections: int) -> httpx.AsyncClient:
    """A client for one host; `timeout` is in seconds per step of an exchange. Raises `SettingsError` for a proxy of the
    environment that can't be used."""
    # A proxy of the environment is for real hosts, not for a sandbox on this machine.
    by_proxy = not is_loopback(urlsplit(base_url).hostname or "")
    try:
        return httpx.AsyncClient(
            verify=tls,
            base_url=base_url,
            headers={"User-Agent": _user_agent(), "Accept": "application/json"},
            # Shorter to connect: what times out there was certainly not sent.
            timeout=httpx.Timeout(timeout, connect=timeout / 2),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=30),
            follow_redirects=False,
            trust_env=by_proxy,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        if not by_proxy:
            raise
        raise SettingsError(
            "the environment names a proxy that can't be used (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY): it must be a URL "
            "such as http://host:3128"
        ) from None


def public_authorities() -> ssl.SSLContext:
    """Trust in the public authorities, or in those of the environment; raises `SettingsError` where it names none."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise SettingsError(
            f"the certificates that SSL_CERT_FILE names can't be read: {error.strerror or 'no certificates (PEM)'}"
        ) from None


@cache
def _user_agent() -> str:
    from importlib.metadata import version  # it takes long to import, and few who import this make requests

    return f"pulumi-yspartner/{version('pulumi_yspartner')}"


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
    connecting = False  # known of an order only; False where nobody can tell
    if last_check is not None:
        await last_check()

        async def trace(event: str, details: Any) -> None:
            nonlocal connecting
            if event in _CONNECTING:
                connecting = True
            elif event.endswith("send_request_headers.started") and details["request"].method != b"CONNECT":
                await last_check()
                connecting = False

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
        if connecting:
            raise NotSentError(f"no connection was made within {within:g} s", method=method, path=path) from None
        raise NoAnswerError(f"no answer within {within:g} s", method=method, path=path) from None
    except (httpx.DecodingError, _TooLargeError):
        raise UnreadableAnswerError("the answer is not text", method=method, path=path) from None
    except (httpx.HTTPError, OSError):  # what TLS says in the middle of an exchange comes as it is
        what = "the connection was cut before the answer was complete"
        raise NoAnswerError(what, method=method, path=path) from None
    return Answer(answer.status_code, retry_after_seconds(answer.headers.get("Retry-After")), bytes(body))


_CONNECTING = ("connection.connect_tcp.started", "connection.start_tls.started")
"""What httpx's transport says before anything of a request is sent. A proxy is asked for its tunnel in between."""


class _TooLargeError(Exception):
    pass


async def repeated(read: Callable[[], Awaitable[_T]], *, paced: bool = False) -> _T:
    """The result of a read, tried again where that may help. Never for an order.

    `paced` says that a `Pace` holds the read back where there were too many.
    """
    failed = too_many = 0
    while True:
        try:
            return await read()
        except PartnerError as error:
            if is_too_many(error):
                too_many += 1
            else:
                failed += 1
            if not _worth_repeating(error) or failed >= ATTEMPTS or too_many >= ATTEMPTS_WHEN_TOO_MANY:
                raise
            pause = 0.0 if paced and is_too_many(error) else _pause(error, failed + too_many)
        if pause:
            await anyio.sleep(pause)


def _worth_repeating(error: PartnerError) -> bool:
    return error.transient and (error.retry_after is None or error.retry_after <= LONGEST_PAUSE)


def _pause(error: PartnerError, tries: int) -> float:
    """Seconds until the next try: as many as were asked for, else random ones, up to twice as many after each try."""
    if error.retry_after is not None:
        return error.retry_after
    return random.uniform(0, min(0.5 * 2 ** (tries - 1), LONGEST_OWN_PAUSE))  # noqa: S311 - no secret


def retry_after_seconds(header: str | None) -> float | None:
    """Seconds of a `Retry-After` header, which is a number or a date."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return seconds if 0 <= seconds < float("inf") else 0.0 if seconds < 0 else None

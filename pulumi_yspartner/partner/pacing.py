"""How fast the API is asked: so many requests at once, and all of them slower together when it says so."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import httpx

from ..errors import NotSentError, PartnerError, PortalFailedError

TOO_MANY = 429
LONGEST_PAUSE = 60.0
"""Seconds of `Retry-After` that are waited out; who asks for more is not asked again in this run."""
FIRST_PAUSE = 0.5
"""Seconds of the first pause where the API does not say how long; each further one in a row is twice as long."""
LONGEST_OWN_PAUSE = 8.0
SPREAD = 0.25
"""The part of a pause by which requests are spread after it, so that they don't all come back at once."""
PATIENCE = 60.0
"""Seconds without any answer but "too many requests" after which nobody asks any more."""


class Lanes(AsyncExitStack):
    """One HTTP client per request at a time, each with a connection of its own; closed at the end of the block.

    One client with many connections looks through all of them, and through all who wait, at every request.
    """

    def __init__(self, most: int, new_client: Callable[[], httpx.AsyncClient]) -> None:
        super().__init__()
        self._new_client = new_client
        self._limiter = anyio.CapacityLimiter(most)
        self._idle: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def room(self, own: httpx.AsyncClient | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """Room for one request, and the client to make it with: one's own, or the one whose connection was used
        last."""
        async with self._limiter:
            if own is not None:
                yield own
                return
            client = self._idle.pop() if self._idle else await self.enter_async_context(self._new_client())
            try:
                yield client
            finally:
                self._idle.append(client)


class Pace:
    """When the next request may be sent. A "too many requests" that one hears holds back all."""

    def __init__(self) -> None:
        self._resume_at = 0.0
        self._pause = 0.0
        self._in_a_row = 0
        self._refused_since: float | None = None

    async def turn(self, method: str, path: str) -> None:
        """Wait until asking is welcome again. Raises `NotSentError` where that has not been so for long."""
        waited_for = 0.0
        while self._resume_at > max(waited_for, now := time.monotonic()):
            if self._refused_since is not None and now - self._refused_since > PATIENCE:
                what = f'the portal has said nothing but "too many requests" for {PATIENCE:g} s, so it was not asked'
                raise _HeldBackError(what, method=method, path=path)
            waited_for = self._resume_at
            # Not all at once again.
            await anyio.sleep(self._resume_at - now + random.uniform(0, SPREAD * self._pause))  # noqa: S311

    def hear(self, error: PartnerError | None) -> None:
        """Take note of how a request ended: None for an answer."""
        if error is None or not is_too_many(error):
            self._in_a_row, self._refused_since = 0, None
            return
        now = time.monotonic()
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now < self._resume_at:
            return  # it was sent before the pause that is on, and says nothing new
        asked_for = error.retry_after
        if asked_for is not None and asked_for > LONGEST_PAUSE:
            return
        self._pause = min(FIRST_PAUSE * 2**self._in_a_row, LONGEST_OWN_PAUSE) if asked_for is None else asked_for
        self._in_a_row += 1
        self._resume_at = now + self._pause


class _HeldBackError(NotSentError):
    """Asking again at once would be just what the portal does not want."""

    transient = False


def is_too_many(error: BaseException | None) -> bool:
    """Whether the API refused a request only because there were too many."""
    return isinstance(error, PortalFailedError) and error.status == TOO_MANY

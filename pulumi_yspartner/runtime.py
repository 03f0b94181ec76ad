"""What a provider process needs to read and to order: an event loop, a connection, and one `Ordering` for all calls.

A module of its own, so that a preview, which does neither, need not wait for the import of an HTTP client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from .model import State
from .ordering import Ordering
from .partner import Account, connect
from .settings import Settings
from .sources import capacity_source_ahead


class Runtime:
    """One event loop, one client and one `Ordering` for all calls of a provider process."""

    def __init__(self, settings: Settings, engine_address: str | None) -> None:
        self._settings = settings
        self._engine_address = engine_address
        self._start = threading.Lock()
        self._loop: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None
        self._open = AsyncExitStack()
        self._connected: Ordering | None = None

    def run(self, work: Callable[[Ordering], Awaitable[State]]) -> State:
        """Run asynchronous work from one of the host's threads."""
        with self._start:
            if self._portal is None:
                # Never left: its thread is a daemon, and the process ends with the engine's command.
                self._loop = start_blocking_portal()
                self._portal = self._loop.__enter__()
                self._portal.call(self._prepare)
        return self._portal.call(self._work, work)

    async def _prepare(self) -> None:
        self._connecting = anyio.Lock()

    async def _work(self, work: Callable[[Ordering], Awaitable[State]]) -> State:
        async with self._connecting:
            if self._connected is None:
                client = await self._open.enter_async_context(connect(self._settings))
                account = Account(client, self._settings)
                self._connected = Ordering(
                    account=account,
                    source=capacity_source_ahead(account, self._settings),
                    settings=self._settings,
                    engine_is_alive=self.engine_is_alive,
                    now=time.time,
                )
        return await work(self._connected)

    async def engine_is_alive(self) -> bool:
        """Whether somebody is there to hear of an order: this process is not ending (Ctrl-C ends it while calls go on
        in other threads), and the engine still listens. Without an address nobody can tell."""
        if self._engine_address is None or is_ending():
            return False
        host, _, port = self._engine_address.rpartition(":")
        try:
            with anyio.fail_after(2):
                await (await anyio.connect_tcp(host.strip("[]"), int(port))).aclose()
        except (OSError, TimeoutError, ValueError):
            return False
        return True


def is_ending() -> bool:
    """Whether the interpreter is shutting down: from then on it takes no new work into any thread pool."""
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int)
    except RuntimeError:
        return True
    return False

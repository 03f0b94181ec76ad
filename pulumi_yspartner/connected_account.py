"""The account, connected once for a whole program, and usable from any of its threads.

A program's text runs while its event loop runs nothing else, so what a look-up waits for has to happen elsewhere: on an
event loop in a thread of its own. The fleet's reading goes the same way, and so shares what a look-up has read.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import TYPE_CHECKING, TypeVar

from .settings import Settings

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from .partner import Account, PartnerClient

T = TypeVar("T")
Work = Callable[["Account"], Awaitable[T]]
Connect = Callable[[Settings], AbstractAsyncContextManager["PartnerClient"]]


class ConnectedAccount:
    """Connects when first asked. Raises `SettingsError` then, where there are no credentials.

    The client is loaded then, too: what only imports this package need not wait for that.
    """

    def __init__(self, settings: Settings, connect: Connect | None = None) -> None:
        self._settings = settings
        self._connect = connect
        self._lock = threading.Lock()
        self._waiting = 0
        self._open = ExitStack()
        self._connected: tuple[BlockingPortal, Account] | None = None

    def ask(self, work: Work[T]) -> T:
        """Do work with the account, and wait for it without the running event loop."""
        portal, account = self._connection()
        return portal.call(work, account)

    async def asked(self, work: Work[T]) -> T:
        """Do work with the account, and let the running event loop go on."""
        portal, account = self._connection()
        self._waiting += 1
        try:
            return await asyncio.wrap_future(portal.start_task_soon(work, account))
        finally:
            self._waiting -= 1

    def start(self, work: Work[T]) -> Future[T]:
        """Begin to do work with the account, while this thread goes on. Whoever ends the connection waits for it."""
        portal, account = self._connection()
        return portal.start_task_soon(work, account)

    def close(self) -> None:
        """End the connection and its thread, unless somebody waits for an answer. The next who asks connects anew."""
        if self._waiting:
            return
        with self._lock:
            self._connected = None
            self._open.close()

    def _connection(self) -> tuple[BlockingPortal, Account]:
        with self._lock:
            if self._connected is None:
                from anyio.from_thread import start_blocking_portal

                from .partner import Account, connect

                connection = (self._connect or connect)(self._settings)
                with ExitStack() as opening:
                    portal = opening.enter_context(start_blocking_portal())
                    client = opening.enter_context(portal.wrap_async_context_manager(connection))
                    self._connected = portal, portal.call(Account, client, self._settings)
                    self._open = opening.pop_all()
            return self._connected

"""The sandbox as a real HTTP server in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import create_app
from .portal import Portal


class _Connection(H11Protocol):
    """A connection that the application can close under the client's feet: `scope["state"]["connection"]`."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)

    def abort(self) -> None:
        """Close at once; what hasn't been sent is lost."""
        self.transport.abort()

    def close(self) -> None:
        """Send what was written, then close."""
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn, but quick to start and to stop: held requests are dropped, not waited for."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        # A connection that was just accepted takes a few turns of the loop to turn up, and one to go.
        for _ in range(4):
            for connection in list(self.server_state.connections):
                if isinstance(connection, _Connection):
                    connection.abort()
            await asyncio.sleep(0)
        requests = list(self.server_state.tasks)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    def end(self) -> None:
        """Stop, from another thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._end.set)


class SandboxServer:
    """Serves a portal on loopback while the `with` block runs.

    ```python
    with SandboxServer(Portal()) as server:
        httpx.get(server.url + "/_sandbox/purchases")
    ```
    """

    def __init__(self, portal: Portal, host: str = "127.0.0.1", port: int = 0) -> None:
        self.portal = portal
        self.host = host
        self.port = port
        """The port asked for; once started, the port in use."""
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def pbx_url(self, serial_number: str) -> str:
        """The base URL of a PBX's own API."""
        return f"{self.url}/pbx/{serial_number}"

    def start(self) -> None:
        """Start; a port that is in use is an `OSError` here."""
        # The protocol is named because asyncio switches off Nagle's algorithm only then: 40 ms per answer.
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.host, self.port))
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        config = uvicorn.Config(
            create_app(self.portal),
            http=_Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            timeout_keep_alive=60,
        )
        server = _Server(config)

        def run() -> None:
            try:
                asyncio.run(server.serve([sock]))
            finally:
                server.up.set()

        self._server = server
        self._thread = threading.Thread(target=run, name="yspartner-sandbox", daemon=True)
        self._thread.start()
        if not server.up.wait(10) or not server.started:
            self.stop()
            raise RuntimeError("the sandbox didn't start")

    def stop(self) -> None:
        """Stop; whatever is held or slow is dropped."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join(10)
            self._server = self._thread = None

    def __enter__(self) -> SandboxServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

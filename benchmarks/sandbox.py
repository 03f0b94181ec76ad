"""The sandbox in a process of its own, so that what it does is not done by what is measured."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from pulumi_yspartner.sandbox import Behaviour, Portal, SandboxServer

from .processes import cpu_seconds


class Sandbox:
    """A Partner API on loopback in another process, which is told what to do through a pipe."""

    def __init__(self, latency: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, latency), daemon=True)
        self._process.start()
        theirs.close()  # so that an end of the process is heard of
        self.url, self.client_id, self.client_secret = self._pipe.recv()

    def add_pbxs(self, serial_numbers: list[str], extensions: int, concurrent_calls: int) -> None:
        """Put PBXs into the account; those that are there get these counts again."""
        self._ask("add_pbxs", serial_numbers, extensions, concurrent_calls)

    def seed_history(self, orders: int) -> None:
        """Add orders of past years."""
        self._ask("seed_history", orders)

    def answer(self, **dialect: Any) -> None:
        """Answer as the default dialect does, but for these fields."""
        self._ask("answer", dialect)

    def add_fault(self, fault: str) -> None:
        """Switch a fault on, in its text form."""
        self._ask("add_fault", fault)

    def forget(self) -> None:
        """No more faults, and no more orders of past years."""
        self._ask("forget")

    def pages(self) -> tuple[int, int]:
        """The pages of the product list and of the order list, at a hundred items each."""
        products, orders = self._ask("pages")
        return int(products), int(orders)

    def requests(self) -> dict[str, int]:
        """The requests since the last time, by endpoint."""
        return dict(self._ask("requests"))

    def most_at_once(self) -> int:
        """The most requests that were under way at a time since `requests` was asked last."""
        return int(self._ask("most_at_once"))

    def purchases(self) -> int:
        """The orders that were placed in all."""
        return int(self._ask("purchases"))

    def cpu_seconds(self) -> float:
        """What the process has used so far."""
        return cpu_seconds(self._process.pid or 0)

    def _ask(self, command: str, *arguments: Any) -> Any:
        self._pipe.send((command, *arguments))
        return self._pipe.recv()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join(10)


class _Commands:
    """What the process is told, carried out."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def add_pbxs(self, serial_numbers: list[str], extensions: int, concurrent_calls: int) -> None:
        for serial_number in serial_numbers:
            if serial_number in self.portal.pbxs:
                self.portal.set_counts(serial_number, extensions, concurrent_calls)
            else:
                self.portal.add_pbx(serial_number, extensions, concurrent_calls)

    def seed_history(self, orders: int) -> None:
        self.portal.seed_history(orders)

    def answer(self, dialect: dict[str, Any]) -> None:
        self.portal.dialect = replace(type(self.portal.dialect)(), **dialect)

    def add_fault(self, fault: str) -> None:
        self.portal.faults.add(fault)

    def forget(self) -> None:
        self.portal.faults.clear()
        self.portal.forget_history()

    def pages(self) -> tuple[int, int]:
        return -(-len(self.portal.pbxs) // 100), max(1, -(-len(self.portal.listed_orders()) // 100))

    def requests(self) -> dict[str, int]:
        requests = dict(self.portal.requests)
        self.portal.reset_requests()
        return requests

    def most_at_once(self) -> int:
        return self.portal.max_in_flight

    def purchases(self) -> int:
        return self.portal.purchases


def _serve(pipe: Connection, latency: float) -> None:
    portal = Portal(behaviour=Behaviour(latency=latency))
    commands = _Commands(portal)
    with SandboxServer(portal) as server:
        pipe.send((server.url, portal.client_id, portal.client_secret))
        while True:
            try:
                command, *arguments = pipe.recv()
            except EOFError:
                return
            pipe.send(getattr(commands, command)(*arguments))

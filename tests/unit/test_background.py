"""Reading PBXs in the account's thread while the program's goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pulumi_yspartner.background import BackgroundReader
from pulumi_yspartner.connected_account import ConnectedAccount
from pulumi_yspartner.errors import NotSentError, SettingsError
from pulumi_yspartner.model import Declaration
from pulumi_yspartner.settings import Settings

SERIALS = [f"3651D{index:07}" for index in range(30)]


class Portal:
    """A portal that every PBX has fifty extensions in; a failure of it concerns all."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.lists = 0
        self.threads: set[int] = set()
        self.asked_before_the_loop_ran: set[str] = set()
        self.loop_ran = False

    @asynccontextmanager
    async def connect(self, _settings: Settings) -> AsyncIterator[Any]:
        yield self

    async def products(self) -> list[Any]:
        self.lists += 1
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        return [{"productNo": serial} for serial in SERIALS]

    async def product(self, serial_number: str) -> Any:
        if not self.loop_ran:
            self.asked_before_the_loop_ran.add(serial_number)
        return {"productNo": serial_number, "extensionCapacity": 50, "concurrentCallCapacity": 12}

    async def contacts(self) -> list[Any]:
        raise NotImplementedError


def declaration(serial_number: str) -> Declaration:
    return Declaration(serial_number=serial_number, extensions=50)


def read_all(portal: Portal, *, first_wait_for: threading.Event | None = None) -> tuple[BackgroundReader, list[Any]]:
    settings = Settings(client_id="me", client_secret="secret")
    account = ConnectedAccount(settings, portal.connect)
    reader = BackgroundReader(account, settings)

    async def program() -> list[Any]:
        waiting = [reader.ask(declaration(serial)) for serial in SERIALS]
        if first_wait_for is not None:
            assert first_wait_for.wait(10)
        portal.loop_ran = True
        return await asyncio.gather(*waiting, return_exceptions=True)

    try:
        return reader, asyncio.run(program())
    finally:
        account.close()


def test_pbxs_are_read_while_the_program_still_declares() -> None:
    portal = Portal()
    all_read = threading.Event()
    product = portal.product

    async def seen(serial_number: str) -> Any:
        answer = await product(serial_number)
        if len(portal.asked_before_the_loop_ran) == len(SERIALS):
            all_read.set()
        return answer

    portal.product = seen  # type: ignore[method-assign]
    reader, readings = read_all(portal, first_wait_for=all_read)
    assert [reading.counts for reading in readings] == [{"extensions": 50, "concurrent_calls": 12}] * len(SERIALS)
    assert portal.threads.isdisjoint({threading.get_ident()})
    assert portal.lists == 1
    assert (reader.asked, reader.answered) == (len(SERIALS), len(SERIALS))
    assert reader.problem is None


def test_a_portal_that_cannot_be_read_is_asked_once_for_all() -> None:
    portal = Portal(NotSentError("no connection", method="GET", path="/"))
    reader, readings = read_all(portal)
    assert portal.lists == 1
    assert reader.problem is not None
    assert reader.problem.startswith("the portal could not be read: no connection")
    assert {reading.unreadable for reading in readings} == {reader.problem}


def test_without_credentials_nobody_connects_a_second_time() -> None:
    settings = Settings()
    connections = 0

    @asynccontextmanager
    async def connect(settings: Settings) -> AsyncIterator[Any]:
        nonlocal connections
        connections += 1
        settings.credentials()
        yield

    reader = BackgroundReader(ConnectedAccount(settings, connect), settings)

    async def program() -> list[Any]:
        return await asyncio.gather(*(reader.ask(declaration(serial)) for serial in SERIALS))

    readings = asyncio.run(program())
    assert reader.problem is not None
    assert "yspartner:clientId is missing" in reader.problem
    assert {reading.unreadable for reading in readings} == {reader.problem}
    assert connections == 1
    assert reader.answered == len(SERIALS)


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), SettingsError("a setting")], ids=lambda error: type(error).__name__
)
def test_what_goes_wrong_reaches_whoever_waits_for_the_reading(error: Exception) -> None:
    reader, readings = read_all(Portal(error))
    if isinstance(error, SettingsError):
        assert {reading.unreadable for reading in readings} == {"a setting"}
    else:
        assert {str(reading) for reading in readings} == {"a bug"}
    assert reader.answered == len(SERIALS)

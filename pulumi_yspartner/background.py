"""Reading PBXs in the account's thread, while the program's thread goes on.

PBXs and readings cross between the two threads many at a time, because at each crossing one waits for the other.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .connected_account import ConnectedAccount
from .errors import YsPartnerError
from .model import Declaration, Reading
from .settings import Settings
from .wording import why_unreadable

if TYPE_CHECKING:
    from .observing import Observer
    from .partner import Account

CROSSING = 0.01
"""Seconds in which PBXs, or readings, gather to cross together."""

_Asked = tuple[Declaration, "asyncio.Future[Reading]"]


class BackgroundReader:
    """Reads each PBX as soon as it is asked for. `ask` belongs to the program's thread."""

    def __init__(self, account: ConnectedAccount, settings: Settings) -> None:
        self._account = account
        self._settings = settings
        self._observer: Observer | None = None
        self._asked: deque[_Asked] = deque()
        self._answered: deque[tuple[asyncio.Future[Reading], Reading | Exception]] = deque()
        self._is_called = False
        self._is_calling_back = False
        self._can_connect = True
        self.problem: str | None = None
        """Why nothing can be read at all, in words."""
        self.asked = 0
        self.answered = 0

    def ask(self, declaration: Declaration) -> asyncio.Future[Reading]:
        """What is seen of one PBX; the future is the running event loop's."""
        reading: asyncio.Future[Reading] = asyncio.get_event_loop().create_future()
        self.asked += 1
        if not self._can_connect:
            self._answer_at_once(reading)
            return reading
        self._asked.append((declaration, reading))
        if not self._is_called:
            self._is_called = True
            try:
                self._account.start(self._read_what_is_asked)
            except YsPartnerError as error:  # there are no credentials, now or later
                self._can_connect = False
                self.problem = why_unreadable(error)
                self._asked.clear()
                self._answer_at_once(reading)
        return reading

    def _answer_at_once(self, reading: asyncio.Future[Reading]) -> None:
        self.answered += 1
        reading.set_result(Reading(unreadable=self.problem))

    # --- in the account's thread -----------------------------------------------------------------------------------

    async def _read_what_is_asked(self, account: Account) -> None:
        await asyncio.sleep(CROSSING)
        self._is_called = False
        # Whoever has an account has loaded its client by now; before, nobody need wait for that.
        from .observing import Observer
        from .partner.client import run_all

        if self._observer is None or self._observer.account is not account:
            self._observer = Observer(account, self._settings)
        observer = self._observer

        async def read(asked: _Asked) -> None:
            declaration, reading = asked
            try:
                result: Reading | Exception = await observer.read(declaration, time.time())
            except Exception as error:  # noqa: BLE001 - raised where the reading is waited for
                result = error
            self.problem = observer.problem or self.problem
            self._answer(reading, result)

        await run_all([(read, self._asked.popleft()) for _ in range(len(self._asked))])

    def _answer(self, reading: asyncio.Future[Reading], result: Reading | Exception) -> None:
        self._answered.append((reading, result))
        if not self._is_calling_back:
            self._is_calling_back = True
            asyncio.get_running_loop().call_later(CROSSING, self._call_back, reading.get_loop())

    def _call_back(self, program: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the program has ended
            program.call_soon_threadsafe(self._hand_over)

    # --- in the program's thread -----------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        self._is_calling_back = False
        while self._answered:
            reading, result = self._answered.popleft()
            self.answered += 1
            if reading.done():
                continue
            if isinstance(result, Exception):
                reading.set_exception(result)
            else:
                reading.set_result(result)

"""The program's side of all its `PbxCapacity`: each PBX is read as soon as it is declared, and gets a line.

Constructing a resource has its PBX read, in another thread: this one is busy with the rest of the program. The
constructors all run before the event loop runs anything, so the whole fleet is known before the first is registered.
When a resource is registered, one line is attached to its row: what would be bought, why that is refused, or that the
PBX is short. After the last one comes a total, and, where something was refused, one error that ends the run: by then
every purchase and every refusal has been shown.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from pulumi.output import Output, contains_unknowns
from pulumi.runtime.config import CONFIG, get_config, get_config_env
from pydantic import ValidationError

from .background import BackgroundReader
from .connected_account import ConnectedAccount
from .errors import SettingsError
from .lines import Buy, Nothing, Problem, Refusals, Refused, Rest, Short, Total, Unpriced, Unreadable, on_order
from .model import (
    NEVER_PLACED,
    UNCONFIRMED,
    CountName,
    Declaration,
    OrderRecord,
    Purchase,
    Reading,
    shortfall,
    unix,
)
from .money import Money
from .orders import is_dead, is_settled
from .settings import NAMESPACE, Settings, load
from .wording import amounts, declared_twice, describe, priced, steps

MOST_LINES = 50
"""Messages per run that say what is bought or short; each costs about 10 ms. One more holds all other lines."""

TURNS_FOR_OUTPUTS = 100
"""Turns of the event loop, in which an output that is known already resolves."""

PROGRESS_AFTER = 3.0
"""Seconds of reading after which its progress is shown."""
PROGRESS_EVERY = 1.0
"""Seconds between two looks at it."""


# --- settings ------------------------------------------------------------------------------------------------------


def settings_of_this_program() -> Settings:
    """The settings as the program sees them; raises `pulumi.RunError` for malformed ones."""
    prefix = f"{NAMESPACE}:"
    names = {*CONFIG.get(), *get_config_env()}
    keys = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    config = {key: str(value) for key in keys if (value := get_config(f"{prefix}{key}")) is not None}
    try:
        return load(config, os.environ)
    except SettingsError as error:
        raise pulumi.RunError(f"{error}. Nothing was bought.") from None


# --- the fleet -----------------------------------------------------------------------------------------------------


class PbxsRefusedError(pulumi.RunError):
    """Ends a run in which PBXs were refused, after everything was said."""


@dataclass
class Member:
    """One resource of the fleet, on its way from the constructor to its line."""

    observed: Awaitable[dict[str, Any] | None] | None = None
    declaration: Declaration | None = None
    reading: Reading | None = None


@dataclass
class Fleet:
    """All the `PbxCapacity` of one program."""

    settings: Settings
    account: ConnectedAccount
    started: float = field(default_factory=time.time)
    members: list[Member] = field(default_factory=list)
    declared: Counter[str] = field(default_factory=Counter)
    """Resources per serial number."""
    undeclared: int = 0
    """Resources whose inputs are outputs that have not resolved yet."""
    reported: int = 0
    lines: list[tuple[str, str]] = field(default_factory=list)
    """What is said of each PBX, with its resource's name."""
    bought: Counter[CountName] = field(default_factory=Counter)
    buyers: int = 0
    prices: list[Money | None] = field(default_factory=list)
    unpriced: str | None = None
    refusals: int = 0

    def __post_init__(self) -> None:
        self.reader = BackgroundReader(self.account, self.settings)

    @classmethod
    def of_this_program(cls) -> Fleet:
        """The fleet of the running program. A new program (another event loop) has a new one; several may run at once,
        in threads of their own."""
        loop = asyncio.get_event_loop()
        if loop not in _fleets:
            for each in list(_fleets):  # a copy: programs of other threads come and go
                if each.is_closed():
                    _fleets.pop(each, None)
            _fleets[loop] = new_fleet.get()()
        return _fleets[loop]

    # --- observing -------------------------------------------------------------------------------------------------

    def join(self, declared: dict[str, Any]) -> Member:
        """Note a resource down and have its PBX read; its `observed` resolves when that is done."""
        member = Member()
        if not self.members:
            _wait_for_requests_first()
            if _somebody_watches():
                asyncio.get_event_loop().call_later(PROGRESS_AFTER, self._tell_progress)
        self.members.append(member)
        if any(isinstance(value, Output) for value in declared.values()):
            self.undeclared += 1
            member.observed = self._observed_when_known(member, declared)
        else:
            self._declare(member, declared)
            member.observed = self._observed(member, self._start(member))
        return member

    async def _observed_when_known(self, member: Member, declared: dict[str, Any]) -> dict[str, Any] | None:
        try:
            values = await Output.from_input(declared).future(with_unknowns=True)
        finally:
            self.undeclared -= 1
        self._declare(member, cast("dict[str, Any]", values))
        return await self._observed(member, self._start(member))

    async def _observed(self, member: Member, reading: Awaitable[Reading] | None) -> dict[str, Any] | None:
        if reading is None or member.declaration is None:
            return None
        read = await reading
        # A PBX that another resource declares, too, is refused for both. An output that is known already gets the time
        # to say so; one that has to be waited for may depend on this very resource.
        for _ in range(TURNS_FOR_OUTPUTS):
            if not self.undeclared:
                break
            await asyncio.sleep(0)
        serial = member.declaration.serial_number
        member.reading = read.model_copy(update={"duplicate": declared_twice(serial, self.declared[serial])})
        return member.reading.dump()

    def _declare(self, member: Member, declared: dict[str, Any]) -> None:
        """Take the declaration, unless `check` will refuse it before it looks at any count."""
        known = {name: value for name, value in declared.items() if value is not None}
        if contains_unknowns(known):
            return
        with suppress(ValidationError):
            member.declaration = Declaration.model_validate(known)

    async def read(self, members: Iterable[Member]) -> None:
        """Give these members their readings, side by side. What can't be read is said in the readings."""
        await asyncio.gather(*(self._observed(member, self._start(member)) for member in members))

    def _start(self, member: Member) -> asyncio.Future[Reading] | None:
        if member.declaration is None:
            return None
        self.declared[member.declaration.serial_number] += 1
        return self.reader.ask(member.declaration)

    def _tell_progress(self) -> None:
        """One moving line while reading takes long."""
        if self.reader.answered < self.reader.asked:
            pulumi.log.info(f"read {self.reader.answered} of {_pbxs(self.reader.asked)}", ephemeral=True)
            asyncio.get_event_loop().call_later(PROGRESS_EVERY, self._tell_progress)

    # --- reporting -------------------------------------------------------------------------------------------------

    async def report(self, resource: pulumi.Resource, member: Member) -> None:
        """Say what becomes of one resource; after the last, say the total and end a run with refusals."""
        try:
            said = await Said.of(resource)
        except Exception:  # noqa: BLE001 - registering it failed; the engine reports that
            said = None
        if said is not None and member.declaration is not None:
            self.say(resource, member.declaration, member.reading, said)
        self.reported += 1
        if self.reported == len(self.members):
            await self.conclude()

    def say(self, resource: pulumi.Resource, declaration: Declaration, reading: Reading | None, said: Said) -> None:
        """The line of one resource, from what was read and what the engine answered."""
        serial = declaration.serial_number
        if reading is not None and reading.duplicate:
            said.refused = said.refused or reading.duplicate
        if said.refused:
            self.refusals += 1
            why = (
                "the portal could not be read, see the stack's error"
                if said.refused == self.reader.problem
                else said.refused
            )
            pulumi.log.error(str(Refused(why, serial)), resource)
        elif said.purchase is not None:
            self._count(said.purchase.quantities)
            price, why_unknown = (reading or Reading()).price_for(said.purchase.quantities, declaration.want)
            self.prices.append(price)
            self.unpriced = self.unpriced or why_unknown
            used = reading.used if reading else {}
            self._line(Buy(said.purchase.summary, price, serial, used), resource)
        elif placed := said.placed_since(self.started):
            self._count(placed.quantities)
            self._line_about_order(placed, serial, resource)
        elif reading is None:
            pass
        elif reading.unreadable:
            if reading.unreadable != self.reader.problem:
                pulumi.log.warn(str(Unreadable(reading.unreadable, serial)), resource)
        elif shortfall(declaration.want, reading.counts):
            self._line(_short(declaration, reading, self._why_short(reading, said)), resource)
        elif said.is_new:
            self._line(Nothing(reading.counts, declaration.want, serial, reading.used), resource)

    def _count(self, quantities: dict[CountName, int]) -> None:
        self.buyers += 1
        self.bought.update(quantities)

    def _line(self, line: object, resource: pulumi.Resource) -> None:
        self.lines.append((resource.pulumi_resource_name, str(line)))
        if len(self.lines) <= MOST_LINES:
            pulumi.log.info(str(line), resource)

    def _line_about_order(self, placed: OrderRecord, serial: str, resource: pulumi.Resource) -> None:
        bought = steps(placed.quantities, placed.before)
        if placed.status == UNCONFIRMED:
            pulumi.log.warn(
                f"UNCONFIRMED: an order for {bought} was sent and its outcome is not known (reference "
                f"{placed.reference}). Look for it in the portal; nothing more is ordered for {serial} until the next "
                f"`pulumi up` has found out.",
                resource,
            )
        elif is_dead(placed.status, self.settings):
            pulumi.log.warn(
                f"order {placed.order_no} came back as {placed.status}: {bought} for {serial} came to nothing. It is "
                f"not ordered again by itself; change reorder to ask once more.",
                resource,
            )
        else:
            self._line(f"ordered: {placed.order_no or 'number unknown'}, {placed.status}; {bought}; {serial}", resource)

    def _why_short(self, reading: Reading, said: Said) -> str:
        now = time.time()
        pending = [
            describe(order, now)
            for order in reading.orders
            if not is_settled(order, said.orders, reading.counts, self.settings, now)
        ]
        if pending:
            return on_order(pending)
        if said.is_new:
            return "nothing is bought, because no count is new or raised"
        if any(order.status == UNCONFIRMED for order in said.orders):
            return "the outcome of an order is unconfirmed"
        lost = any(order.status == NEVER_PLACED for order in said.orders[-1:])
        why = "the last order was never placed; " if lost else ""
        return f"{why}an unchanged declaration buys nothing, change reorder to order it"

    def close_if_unused(self) -> None:
        """End the connection where no resource waits for it; what a look-up needs it for ends it after itself."""
        if self.reported == len(self.members):
            self.account.close()

    async def conclude(self) -> None:
        """The lines after the last resource's. Raises `PbxsRefusedError` where one was refused."""
        self.account.close()
        for _ in range(10):
            await asyncio.sleep(0)  # Pulumi logs a resource's line in a task of its own; an error here would end it
        if self.reader.problem:
            say = pulumi.log.error if self.refusals else pulumi.log.warn
            say(str(Problem(self.reader.problem)))
        if rest := self.lines[MOST_LINES:]:
            pulumi.log.info(str(Rest(tuple(rest))))
        if self.buyers:
            if self.unpriced:
                pulumi.log.info(str(Unpriced(self.unpriced)))
            pulumi.log.info(self._total())
        if self.refusals:
            raise PbxsRefusedError(str(Refusals(self.refusals, len(self.members))))

    def _total(self) -> str:
        if not pulumi.runtime.is_dry_run():
            return f"ordered for {self.buyers} of {_pbxs(len(self.members))}: {amounts(self.bought)}"
        off = self.settings.purchases != "allow"
        return str(Total(self.buyers, len(self.members), self.bought, priced(self.prices), off))


def _new_fleet() -> Fleet:
    settings = settings_of_this_program()
    return Fleet(settings, ConnectedAccount(settings))


new_fleet: ContextVar[Callable[[], Fleet]] = ContextVar("new_fleet", default=_new_fleet)
"""Makes a program's fleet; tests of programs have it read what they say rather than a portal."""

_fleets: dict[asyncio.AbstractEventLoop, Fleet] = {}


def _somebody_watches() -> bool:
    """Whether this runs at a terminal. Elsewhere a line that should move is printed again and again into a log."""
    if os.environ.get("CI"):
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _wait_for_requests_first() -> None:
    """Have the SDK wait for each registration before it waits for outputs.

    At a program's end it does so only if a request to the engine is under way, and at that moment none is. Otherwise
    it waits for any of all outputs, again after each: that is quadratic in the fleet's size.
    """
    done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
    done.set_result(None)
    with suppress(ImportError, AttributeError):  # an SDK that is built otherwise is only slower
        from pulumi.runtime.settings import _get_rpc_manager

        _get_rpc_manager().rpcs.append(done)


@dataclass
class Said:
    """What the engine answered for a resource. In a preview, what is not known yet is absent."""

    purchase: Purchase | None
    refused: str | None
    orders: tuple[OrderRecord, ...]
    is_new: bool
    """Whether this run changes the resource; told in a preview only."""

    @classmethod
    async def of(cls, resource: pulumi.Resource) -> Said:
        outputs = cast("Any", resource)  # `purchase` and `refused` are no documented outputs
        purchase, refused = await _known(outputs.purchase), await _known(outputs.refused)
        orders = await _known(outputs.orders)
        return cls(
            purchase=Purchase.model_validate(purchase) if purchase else None,
            refused=refused,
            orders=tuple(OrderRecord.model_validate(order) for order in orders or []),
            is_new=not await outputs.status.is_known(),
        )

    def placed_since(self, started: float) -> OrderRecord | None:
        """The order that this run placed, if it placed one. Only an update places any."""
        if pulumi.runtime.is_dry_run() or not self.orders:
            return None
        last = self.orders[-1]
        return last if last.time is not None and unix(last.time) >= int(started) else None


async def _known(output: Any) -> Any:
    return await output.future() if await output.is_known() else None


def _short(declaration: Declaration, reading: Reading, why: str) -> Short:
    names = shortfall(declaration.want, reading.counts)
    have, want = ({name: counts[name] for name in names} for counts in (reading.counts, declaration.want))
    return Short(have, want, why, declaration.serial_number, reading.used)


def _pbxs(number: int) -> str:
    return f"{number} PBX" if number == 1 else f"{number} PBXs"

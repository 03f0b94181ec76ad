"""The program's side of all its `PbxCapacity`: one reading for the whole fleet, and a line for each.

Constructing a resource only notes it down. The program's constructors all run before the event loop runs anything, so
the first task sees the whole fleet and reads it in one batch. When a resource is registered, one line is attached to
its row: what would be bought, why that is refused, or that the PBX is short. After the last one comes a total, and,
where something was refused, one error that ends the run: by then every purchase and every refusal has been shown.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from pulumi.output import Output, contains_unknowns
from pulumi.runtime.config import CONFIG, get_config, get_config_env
from pydantic import ValidationError

from .errors import SettingsError, YsPartnerError
from .lines import Buy, Nothing, Problem, Refusals, Refused, Rest, Short, Total, Unreadable, on_order
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
from .observing import Observation, duplicates, observe, unreadable
from .orders import is_dead, is_settled
from .partner import Account, connect
from .settings import NAMESPACE, Settings, load
from .sources import capacity_source
from .wording import amounts, describe, priced, steps

MOST_LINES = 50
"""Messages per run that say what is bought or short; each costs about 10 ms. One more holds all other lines."""


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
    started: float = field(default_factory=time.time)
    members: list[Member] = field(default_factory=list)
    waiting: list[tuple[Member, Declaration, asyncio.Future[None]]] = field(default_factory=list)
    batch: asyncio.Task[None] | None = None
    reported: int = 0
    lines: list[tuple[str, str]] = field(default_factory=list)
    """What is said of each PBX, with its resource's name."""
    problems: set[str] = field(default_factory=set)
    bought: Counter[CountName] = field(default_factory=Counter)
    buyers: int = 0
    refusals: int = 0
    account: Account | None = None
    open_connections: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    def of_this_program(cls) -> Fleet:
        """The fleet of the running program; a new program (another event loop) has a new one."""
        global _current
        loop = asyncio.get_event_loop()
        if _current is None or _current[0] is not loop:
            _current = (loop, cls(settings_of_this_program()))
        return _current[1]

    # --- observing -------------------------------------------------------------------------------------------------

    def join(self, declared: dict[str, Any]) -> Member:
        """Note a resource down; its `observed` resolves with its batch."""
        member = Member()
        self.members.append(member)
        if any(isinstance(value, Output) for value in declared.values()):
            member.observed = self._observe_when_known(member, declared)
        else:
            member.observed = self._observed(member, self._enqueue(member, declared))
        return member

    async def _observe_when_known(self, member: Member, declared: dict[str, Any]) -> dict[str, Any] | None:
        values = await Output.from_input(declared).future(with_unknowns=True)
        return await self._observed(member, self._enqueue(member, cast("dict[str, Any]", values)))

    async def _observed(self, member: Member, read: asyncio.Future[None] | None) -> dict[str, Any] | None:
        if read is not None:
            await read
        return None if member.reading is None else member.reading.dump()

    def _enqueue(self, member: Member, declared: dict[str, Any]) -> asyncio.Future[None] | None:
        """Add to the next batch; None for what `check` will refuse before it looks at any count."""
        known = {name: value for name, value in declared.items() if value is not None}
        if contains_unknowns(known):
            return None
        try:
            member.declaration = Declaration.model_validate(known)
        except ValidationError:
            return None
        read: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        self.waiting.append((member, member.declaration, read))
        if self.batch is None:
            self.batch = asyncio.ensure_future(self._read_batches())
        return read

    async def _read_batches(self) -> None:
        """Read what is waiting, and what came to wait in the meantime, until nothing is."""
        while self.waiting:
            batch, self.waiting = self.waiting, []
            try:
                declarations = [declaration for _, declaration, _ in batch]
                observation = await self._observe(declarations)
                if observation.problem:
                    self.problems.add(observation.problem)
                twice = duplicates([each.declaration.serial_number for each in self.members if each.declaration])
                for (member, declaration, _), reading in zip(batch, observation.readings, strict=True):
                    duplicate = twice.get(declaration.serial_number)
                    member.reading = reading.model_copy(update={"duplicate": duplicate})
            except Exception as error:  # noqa: BLE001 - raised where the readings are waited for
                for _, _, read in batch:
                    read.set_exception(error)
            else:
                for _, _, read in batch:
                    read.set_result(None)
        self.batch = None

    async def _observe(self, declarations: Sequence[Declaration]) -> Observation:
        try:
            if self.account is None:
                client = await self.open_connections.enter_async_context(connect(self.settings))
                self.account = Account(client, self.settings)
            source = capacity_source(self.account, self.settings)
            return await observe(self.account, source, declarations, self.settings, time.time())
        except YsPartnerError as error:
            return unreadable(declarations, error)

    # --- reporting -------------------------------------------------------------------------------------------------

    async def report(self, resource: pulumi.Resource, member: Member) -> None:
        """Say what becomes of one resource; after the last, say the total and end a run with refusals."""
        try:
            said = await _Said.of(resource)
        except Exception:  # noqa: BLE001 - registering it failed; the engine reports that
            said = None
        if said is not None and member.declaration is not None:
            self._say(resource, member, member.declaration, said)
        self.reported += 1
        if self.reported == len(self.members):
            await self._conclude()

    def _say(self, resource: pulumi.Resource, member: Member, declaration: Declaration, said: _Said) -> None:
        reading = member.reading
        serial = declaration.serial_number
        if reading is not None and reading.duplicate:
            said.refused = said.refused or reading.duplicate
        if said.refused:
            self.refusals += 1
            why = (
                "the portal could not be read, see the stack's error" if said.refused in self.problems else said.refused
            )
            pulumi.log.error(str(Refused(why, serial)), resource)
        elif said.purchase is not None:
            self._count(said.purchase.quantities)
            price = Money.parse(reading.price) if reading is not None and reading.price else None
            self._line(Buy(said.purchase.summary, price, serial, reading.used if reading else {}), resource)
        elif placed := said.placed_since(self.started):
            self._count(placed.quantities)
            self._line_about_order(placed, serial, resource)
        elif reading is None:
            pass
        elif reading.unreadable:
            if reading.unreadable not in self.problems:
                pulumi.log.warn(str(Unreadable(reading.unreadable, serial)), resource)
        elif shortfall(declaration.want, reading.counts):
            self._line(_short(declaration, reading, self._why_short(reading, said)), resource)
        elif said.is_new:
            self._line(Nothing(reading.counts, declaration.want, serial, reading.used), resource)

    def _count(self, quantities: dict[CountName, int]) -> None:
        self.buyers += 1
        self.bought.update(quantities)

    def _line(self, line: object, resource: pulumi.Resource) -> None:
        self.lines.append((resource._name, str(line)))
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

    def _why_short(self, reading: Reading, said: _Said) -> str:
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

    async def _conclude(self) -> None:
        await self.open_connections.aclose()
        self.account, self.open_connections = None, AsyncExitStack()
        for _ in range(10):
            await asyncio.sleep(0)  # Pulumi logs a resource's line in a task of its own; an error here would end it
        for problem in sorted(self.problems):
            say = pulumi.log.error if self.refusals else pulumi.log.warn
            say(str(Problem(problem)))
        if rest := self.lines[MOST_LINES:]:
            pulumi.log.info(str(Rest(tuple(rest))))
        if self.buyers:
            pulumi.log.info(self._total())
        if self.refusals:
            raise pulumi.RunError(str(Refusals(self.refusals, len(self.members))))

    def _total(self) -> str:
        if not pulumi.runtime.is_dry_run():
            return f"ordered for {self.buyers} of {_pbxs(len(self.members))}: {amounts(self.bought)}"
        off = self.settings.purchases != "allow"
        return str(Total(self.buyers, len(self.members), self.bought, priced([None]), off))


_current: tuple[asyncio.AbstractEventLoop, Fleet] | None = None


@dataclass
class _Said:
    """What the engine answered for a resource. In a preview, what is not known yet is absent."""

    purchase: Purchase | None
    refused: str | None
    orders: tuple[OrderRecord, ...]
    is_new: bool
    """Whether this run changes the resource; told in a preview only."""

    @classmethod
    async def of(cls, resource: pulumi.Resource) -> _Said:
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

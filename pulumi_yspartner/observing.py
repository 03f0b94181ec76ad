"""Reading, for a whole fleet at once, what one run needs to know: counts first, and more only where a PBX is short.

The engine calls `check` one resource after the other, so reading there would cost the fleet's size times the latency.
The program reads instead, in one batch, and hands each resource what was seen of its PBX.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import PartnerError, ReadingError, SettingsError, YsPartnerError
from .model import Declaration, Reading, missing, shortfall
from .partner import Account
from .partner.client import run_all
from .settings import Settings
from .sources import CapacitySource


@dataclass(frozen=True)
class Observation:
    """What one batch saw, in the order of the declarations, and what kept all of it from being read."""

    readings: tuple[Reading, ...]
    problem: str | None = None
    """Why nothing could be read at all (credentials, an unreachable portal), in words."""


async def observe(
    account: Account, source: CapacitySource, declarations: Sequence[Declaration], settings: Settings, now: float
) -> Observation:
    """Read every declared PBX. Never raises for what the portal answers: it is in the readings, in words."""
    try:
        read = await source.read([declaration.serial_number for declaration in declarations])
    except YsPartnerError as error:
        return unreadable(declarations, error)

    readings: list[Reading] = []
    for declaration in declarations:
        counts = read[declaration.serial_number]
        wanted = missing(declaration.want, counts.counts)
        unreadable_why = counts.unreadable if wanted else None
        readings.append(Reading(unreadable=unreadable_why, used=dict(counts.used), **dict(counts.counts)))

    async def add_purchase(index: int) -> None:
        readings[index] = await _with_purchase(account, declarations[index], readings[index], settings, now)

    short = [
        (add_purchase, index)
        for index, (declaration, reading) in enumerate(zip(declarations, readings, strict=True))
        if not reading.unreadable and shortfall(declaration.want, reading.counts)
    ]
    await run_all(short)
    return Observation(tuple(readings))


def unreadable(declarations: Sequence[Declaration], error: YsPartnerError) -> Observation:
    """The observation of a run in which nothing could be read."""
    problem = str(error) if isinstance(error, SettingsError) else f"the portal could not be read: {error}"
    return Observation(tuple(Reading(unreadable=problem) for _ in declarations), problem)


def duplicates(serial_numbers: Sequence[str]) -> dict[str, str]:
    """For each serial number that is declared more than once, why that is refused."""
    return {
        serial: f"serial number {serial} is declared by {number} resources; declare each PBX once"
        for serial, number in Counter(serial_numbers).items()
        if number > 1
    }


async def _with_purchase(
    account: Account, declaration: Declaration, reading: Reading, settings: Settings, now: float
) -> Reading:
    """The reading completed by what a purchase needs: orders, contact, plan and services."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    need = shortfall(declaration.want, reading.counts)

    async def read_orders(_: None) -> None:
        try:
            found["orders"] = await account.orders_of(declaration.serial_number, now=now)
        except (PartnerError, ReadingError) as error:
            problems.append(f"its orders could not be read: {error}")

    async def read_contact(_: None) -> None:
        try:
            found["billing_contact_id"] = await account.contact(
                declaration.billing_contact_id or settings.billing_contact_id
            )
        except (PartnerError, ReadingError) as error:
            problems.append(str(error))

    async def read_plan(_: None) -> None:
        try:
            catalog = await account.catalog(declaration.serial_number)
            found["plan_id"] = catalog.plan(declaration.plan_id)
        except (PartnerError, ReadingError) as error:
            problems.append(str(error))
            return
        found["not_offered"] = {}
        for name in need:
            try:
                catalog.services(found["plan_id"], [name])
            except ReadingError as error:
                found["not_offered"][name] = str(error)

    await run_all([(read_orders, None), (read_contact, None), (read_plan, None)])
    return reading.model_copy(update={**found, "obstacle": "; ".join(sorted(problems)) or None})

"""Reading what one run needs to know of its PBXs: counts first, and more only where a PBX is short.

The engine calls `check` one resource after the other, so reading there would cost the fleet's size times the latency.
The program reads instead, all PBXs side by side, and hands each resource what was seen of its PBX.
"""

from __future__ import annotations

from typing import Any

from .errors import ReadingError, YsPartnerError
from .model import Counts, Declaration, Reading, missing, shortfall
from .orders import waits
from .partner import Account, Catalog
from .partner.client import run_all
from .settings import Settings
from .sources import CapacitySource, capacity_source
from .wording import why_unreadable


class Observer:
    """Reads the PBXs of one run, each as soon as it is asked for. What concerns all of them is read once."""

    def __init__(self, account: Account, settings: Settings) -> None:
        self.account = account
        self._settings = settings
        self._source: CapacitySource | None = None
        self.problem: str | None = None
        """Why nothing can be read at all (credentials, an unreachable portal), in words; nobody asks again then."""

    async def read(self, declaration: Declaration, now: float) -> Reading:
        """What is seen of one PBX. Never raises for what the portal answers: it is in the reading, in words."""
        serial = declaration.serial_number
        try:
            counts = None if self.problem else (await self._capacity_source().read([serial]))[serial]
        except YsPartnerError as error:
            self.problem = self.problem or why_unreadable(error)
            counts = None
        if counts is None:
            return Reading(unreadable=self.problem)
        wanted = missing(declaration.want, counts.counts)
        why = counts.unreadable if wanted else None
        reading = Reading(unreadable=why, used=dict(counts.used), **dict(counts.counts))
        if reading.unreadable or not shortfall(declaration.want, reading.counts):
            return reading
        return await _with_purchase(self.account, declaration, reading, self._settings, now)

    def _capacity_source(self) -> CapacitySource:
        if self._source is None:
            self._source = capacity_source(self.account, self._settings)
        return self._source


async def _with_purchase(
    account: Account, declaration: Declaration, reading: Reading, settings: Settings, now: float
) -> Reading:
    """The reading completed by what a purchase needs: orders, contact, plan and services, and what it would cost."""
    found: dict[str, Any] = {}
    catalogs: list[Catalog] = []
    problems: list[str] = []
    need = shortfall(declaration.want, reading.counts)

    async def read_orders(_: None) -> None:
        try:
            found["orders"] = await account.orders_of(declaration.serial_number, now=now)
        except YsPartnerError as error:
            problems.append(f"its orders could not be read: {error}")

    async def read_contact(_: None) -> None:
        try:
            found["billing_contact_id"] = await account.contact(
                declaration.billing_contact_id or settings.billing_contact_id
            )
        except YsPartnerError as error:
            problems.append(str(error))

    async def read_plan(_: None) -> None:
        try:
            catalog = await account.catalog(declaration.serial_number)
            found["plan_id"] = catalog.plan(declaration.plan_id)
            catalogs.append(catalog)
        except YsPartnerError as error:
            problems.append(str(error))
            return
        found["not_offered"] = {}
        for name in need:
            try:
                catalog.services(found["plan_id"], [name])
            except ReadingError as error:
                found["not_offered"][name] = str(error)

    await run_all([(read_orders, None), (read_contact, None), (read_plan, None)])
    if not problems and not found["not_offered"] and not any(waits(order, settings) for order in found["orders"]):
        found.update(await _price(account, declaration, catalogs[0], found["plan_id"], need, settings))
    return reading.model_copy(update={**found, "obstacle": "; ".join(sorted(problems)) or None})


async def _price(
    account: Account, declaration: Declaration, catalog: Catalog, plan_id: str, need: Counts, settings: Settings
) -> dict[str, str]:
    """The price of what is short, or why it is not known: for a reviewer's eyes, so no failure here is a problem."""
    try:
        price = await account.price(declaration.serial_number, catalog, plan_id, need, within=settings.timeout)
    except YsPartnerError as error:
        return {"unpriced": str(error)}
    return {"price": str(price)}

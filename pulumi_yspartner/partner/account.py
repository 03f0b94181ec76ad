"""What belongs to the whole account, read once for all PBXs that ask."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio

from ..errors import NoAnswerError, ReadingError
from ..model import SUCCEED, Counts, SeenOrder
from ..money import Money
from ..orders import is_dead, is_old
from ..settings import Settings
from . import answers
from .client import PRICE, Catalog, PartnerClient, PriceRequest, run_all
from .shared_value import ALWAYS, SharedValue

FRESH = 5.0
"""Seconds: what is read right before an order may be shared with orders for other PBXs within this time."""


@dataclass(frozen=True)
class ProductList:
    """The account's PBXs by serial number."""

    by_serial_number: dict[str, answers.Found]


@dataclass
class OrderList:
    """The account's orders, as the list has them, looked up without going through all of them each time."""

    by_serial_number: dict[str, list[answers.ReadOrder]] = field(default_factory=dict)
    of_unknown_pbx: dict[str, answers.ReadOrder] = field(default_factory=dict)
    """By number, those of which the list doesn't state the PBX."""
    to_be_told: dict[bool, list[answers.ReadOrder]] = field(default_factory=dict)
    """Of these, the ones whose details must be read; with or without old dead ones."""


class Account:
    """The account's lists, shared; and what is read per PBX. `max_age` is in seconds, None accepts any age."""

    def __init__(self, client: PartnerClient, settings: Settings) -> None:
        self.client = client
        self._settings = settings
        self._products = SharedValue(self._read_products)
        self._contacts = SharedValue(client.contacts)
        self._orders = SharedValue(self._read_orders)
        self._details: dict[str, SharedValue[answers.ReadOrder]] = {}
        self._ordered_at: dict[str, float] = {}

    async def products(self, max_age: float | None = None, about: Iterable[str] = ()) -> ProductList:
        """All PBXs of the account; never as they were before an order of ours for a PBX that this is asked `about`."""
        since = max((self._ordered_at.get(serial, ALWAYS) for serial in about), default=ALWAYS)
        return await self._products.get(max_age, since)

    async def product(self, serial_number: str) -> Any:
        """The details of one PBX, read now."""
        return await self.client.product(serial_number)

    async def catalog(self, serial_number: str) -> Catalog:
        """What can be bought for one PBX, read now."""
        return await self.client.catalog(serial_number)

    async def price(
        self, serial_number: str, catalog: Catalog, plan_id: str, quantities: Counts, *, within: float
    ) -> Money:
        """What an order of these quantities would cost, read now. Raises `YsPartnerError` where the portal does not
        tell it within so many seconds, repeats included."""
        request = PriceRequest(serial_number, catalog.pricing_ids(plan_id, quantities), quantities)
        try:
            with anyio.fail_after(within):
                answer = await self.client.price(request)
        except TimeoutError:
            raise NoAnswerError(f"no price within {within:g} s", method="POST", path=PRICE) from None
        return answers.price(answer, self._settings.price_fields)

    async def contacts(self) -> list[answers.BillingContact]:
        """All billing contacts of the account."""
        return await self._contacts.get()

    async def contact(self, chosen: str | None) -> str:
        """The id of the billing contact to order with: the chosen one, else the account's only one."""
        contacts = await self._contacts.get()
        listed = ", ".join(f"{contact.id} ({contact.name})" for contact in contacts) or "none"
        ids = {contact.id for contact in contacts}
        if chosen is not None:
            if chosen not in ids:
                raise ReadingError(f"billing contact {chosen} is not among the account's: {listed}")
            return chosen
        if len(ids) != 1:
            what = "the account has several billing contacts" if ids else "the account has no billing contact"
            raise ReadingError(
                f"{what}: {listed}. Set billing_contact_id, or yspartner:billingContactId, to one of them"
            )
        return ids.pop()

    async def orders_of(
        self,
        serial_number: str,
        *,
        now: float,
        known: Collection[str] = (),
        all_dead: bool = False,
        max_age: float | None = None,
    ) -> tuple[SeenOrder, ...]:
        """The orders for one PBX that matter: unsettled ones in full, settled ones as the list has them.

        `known` are numbers of orders that are known to be for it, whatever the list says.

        Whether the list states serial numbers, references and quantities is UNKNOWN. What it leaves out is read from
        the details: of orders that may still change counts, and of dead ones, whose reference matters (rule 9). Old
        dead ones of which the list doesn't even tell the PBX are read with `all_dead` only: an account may have many.
        """
        listed = await self._orders.get(max_age, self._ordered_at.get(serial_number, ALWAYS))
        if all_dead not in listed.to_be_told:
            unknown = listed.of_unknown_pbx.values()
            listed.to_be_told[all_dead] = [each for each in unknown if self._needs_details(each, now, all_dead)]
        named = [listed.of_unknown_pbx[order_no] for order_no in known if order_no in listed.of_unknown_pbx]
        stated = listed.by_serial_number.get(serial_number, ())
        relevant = {each.order_no: each for each in (*stated, *listed.to_be_told[all_dead], *named)}.values()
        details: dict[str, answers.ReadOrder] = {}

        async def read(order: answers.ReadOrder) -> None:
            shared = self._details.setdefault(order.order_no, SharedValue(lambda: self.client.order(order.order_no)))
            details[order.order_no] = await shared.get()

        await run_all([(read, order) for order in relevant if self._needs_details(order, now, all_dead)])
        seen = []
        for order in relevant:
            more = details.get(order.order_no)
            serial = order.serial_number or (more.serial_number if more else None)
            if serial == serial_number or order.order_no in known or (serial is None and more is not None):
                if serial is None and order.order_no not in known and not self._is_dead(order):
                    raise ReadingError(f"order {order.order_no} does not say which PBX it is for")
                seen.append(order.seen(more))
        return tuple(seen)

    def outdate(self, serial_number: str) -> None:
        """From now on, no list that was read, or began to be read, before is good for this PBX: an order is about to
        change what it says of it. It changes nothing about the others, which go on sharing."""
        self._ordered_at[serial_number] = time.monotonic()

    def _needs_details(self, order: answers.ReadOrder, now: float, all_dead: bool) -> bool:
        if order.order_no in self._settings.settled_orders:
            return False
        if self._is_dead(order):
            known_pbx = order.serial_number is not None
            return not order.references and (known_pbx or all_dead or not is_old(order.created, self._settings, now))
        succeeded = order.status is not None and order.status.casefold() == SUCCEED
        return not (succeeded and is_old(order.created, self._settings, now))

    def _is_dead(self, order: answers.ReadOrder) -> bool:
        return order.status is not None and is_dead(order.status, self._settings)

    async def _read_orders(self) -> OrderList:
        read = OrderList()
        # An order that moves to the next page while pages are read stands in the list twice.
        for order in {order.order_no: order for order in await self.client.orders()}.values():
            if order.serial_number is None:
                read.of_unknown_pbx[order.order_no] = order
            else:
                read.by_serial_number.setdefault(order.serial_number, []).append(order)
        return read

    async def _read_products(self) -> ProductList:
        return ProductList(answers.products(await self.client.products()))

"""The one place where an order is placed, as visible steps.

An order can't be undone, has no idempotency key and buys again when it is sent again. So `Ordering.fulfil` reads
again, compares with what was reviewed, looks for orders in flight, checks permission and limits, makes sure that what
it returns can be stored, and only then sends, once. After that it never raises: whatever is known is recorded, and
what is not known is recorded as unconfirmed, for the next run to settle.

Numbers in brackets are the rules of the design that a step keeps.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio

from .errors import NotSentError, ReadingError, RefusedError, RequestRefusedError, YsPartnerError
from .model import (
    UNCONFIRMED,
    Counts,
    Declaration,
    OrderRecord,
    Purchase,
    SeenOrder,
    State,
    iso,
    missing,
    shortfall,
)
from .orders import (
    adopted,
    blocked_by,
    covers,
    dead_with_reference,
    is_open,
    is_settled,
    is_unlisted,
    needs_reorder,
    reference,
    status,
    up_to_date,
)
from .partner import Account, Catalog, OrderRequest, Receipt
from .partner.account import FRESH
from .partner.client import run_all
from .planning import over_amount, over_limit
from .settings import Settings
from .sources import CapacitySource
from .wording import NOTHING_BOUGHT, amount, amounts

_log = logging.getLogger(__name__)

RECENT = 60.0
"""Seconds: how old the order list may be for taking note of orders that earlier runs placed."""
READS_HOLD_FOR = 15.0
"""Seconds after which what was read before an order is too old to order on."""
LOOK_EVERY = 1.0
"""Seconds between two looks for an order whose answer was lost."""


@dataclass
class Ordering:
    """Brings PBXs up to their declarations. One per process: it holds a lock per serial number."""

    account: Account
    source: CapacitySource
    settings: Settings
    engine_is_alive: Callable[[], Awaitable[bool]]
    """Whether the engine that asked for the order still lives. A provider outlives a killed engine."""
    now: Callable[[], float]
    """Unix seconds."""
    _sent: set[str] = field(default_factory=set)
    """Serial numbers for which this process has sent an order: one run never sends a second."""
    _locks: defaultdict[str, anyio.Lock] = field(default_factory=lambda: defaultdict(anyio.Lock))

    async def fulfil(
        self, declaration: Declaration, purchase: Purchase | None, observed: Counts, state: State | None
    ) -> State:
        """Buy what was reviewed, or record that nothing is bought. `state` is None for a new resource.

        Raises `YsPartnerError` only when certainly nothing was bought.
        """
        async with self._locks[declaration.serial_number]:
            if purchase is None:
                return await self._take_note(declaration, state)
            try:
                return await self._buy(declaration, purchase, observed, state)
            except RefusedError:
                raise
            except YsPartnerError as error:
                raise RefusedError(f"{error}. {NOTHING_BOUGHT}") from None

    async def refresh(self, state: State) -> State:
        """What is known now of a resource, without buying. Raises `YsPartnerError` when it can't be read."""
        declaration = state.declaration
        have = await self._counts(declaration, max_age=None)
        seen: tuple[SeenOrder, ...] = ()
        if any(is_open(record, have, self.settings) for record in state.orders):
            seen = await self._orders(declaration, state.orders, max_age=None)
        return self._state(declaration, have, up_to_date(state.orders, seen, have, self.settings, self.now()))

    # --- nothing to buy --------------------------------------------------------------------------------------------

    async def _take_note(self, declaration: Declaration, state: State | None) -> State:
        """Record what is there: live counts, and every order of ours that is found (6)."""
        known = state.orders if state else ()
        try:
            have = await self._counts(declaration, max_age=FRESH)
            seen = await self._orders(declaration, known, max_age=RECENT)
        except YsPartnerError as error:
            if state is None:
                raise RefusedError(f"{error}. {NOTHING_BOUGHT}") from None
            # A PBX that is not being bought for disturbs nobody (10): keep what was known.
            _log.warning("%s: %s", declaration.serial_number, error)
            return self._state(declaration, state.capacity, known)
        records = up_to_date(known, seen, have, self.settings, self.now())
        own = reference(declaration)
        ours = [order for order in seen if own in order.references]
        return self._state(declaration, have, _recorded(records, ours, declaration))

    # --- an order --------------------------------------------------------------------------------------------------

    async def _buy(self, declaration: Declaration, purchase: Purchase, observed: Counts, state: State | None) -> State:
        serial = declaration.serial_number

        # 1. Permission and limits on counts (7), and one order per run: these need no look at the portal.
        self._permit(purchase)
        if serial in self._sent:
            raise RefusedError(f"an order for it was sent in this very run. {NOTHING_BOUGHT} Run again")

        # 2. Read again, right before ordering (2). No count, no order (1).
        read_at = self.now()
        known = state.orders if state else ()
        have, seen, contact_id, catalog = await self._read_for_order(declaration, purchase, known, is_new=state is None)
        records = up_to_date(known, seen, have, self.settings, read_at)

        # 3. The counts are those that were reviewed (2), and the purchase does not lead past the declaration.
        _compare(declaration, purchase, observed, have)

        # 4. One order in flight per PBX (3, 4, 5, 9).
        if found := self._in_flight(purchase, records, seen, have, is_new=state is None):
            return self._state(declaration, have, _recorded(records, [found], declaration))

        # 5. Within the limit on money (7), at the price of this moment.
        plan_id = catalog.plan(purchase.plan_id)
        await self._afford(serial, purchase, catalog, plan_id)

        # 6. Build the order, and make sure that whatever comes of it can be stored (6).
        request = OrderRequest(
            serial_number=serial,
            billing_contact_id=contact_id,
            plan_id=plan_id,
            services=catalog.services(plan_id, purchase.quantities),
            quantities=purchase.quantities,
            po_number=" ".join(part for part in (declaration.po_number, purchase.reference) if part),
        )
        attempt = OrderRecord.buying(
            purchase.quantities,
            have,
            reference=purchase.reference,
            status=UNCONFIRMED,
            time=iso(self.now()),
            known=tuple(order.order_no for order in seen),
        )
        unconfirmed = self._state(declaration, have, (*records, attempt))
        json.dumps([unconfirmed.outputs(), request.body()])

        # 7. When nothing is left to wait for: the reads are seconds old, and somebody hears of the order (2).
        async def last_check() -> None:
            if not 0 <= self.now() - read_at <= READS_HOLD_FOR:  # a clock that was set back tells no age
                raise RefusedError(f"reading took so long that the counts may have moved. {NOTHING_BOUGHT} Run again")
            if not await self.engine_is_alive():
                raise RefusedError(f"the Pulumi engine that asked for this order is gone. {NOTHING_BOUGHT}")

        # 8. Send, once (5). From here on, only "certainly nothing was bought" raises.
        self._sent.add(serial)
        self.account.outdate(serial)
        try:
            receipt = await self.account.client.place(request, last_check)
        except RefusedError:
            self._sent.discard(serial)
            raise
        except NotSentError as error:
            self._sent.discard(serial)
            raise RefusedError(f"{error}. The order was not sent. {NOTHING_BOUGHT} Run again") from None
        except RequestRefusedError as error:
            self._sent.discard(serial)
            raise RefusedError(f"the portal refused the order: {error}. {NOTHING_BOUGHT}") from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the order may exist
            _log.warning("%s: the answer to an order was lost: %s", serial, error)
            receipt = Receipt(None, None, None, None)

        # 9. Confirm and record; nothing in here may raise (6).
        try:
            if receipt.order_no is None or receipt.serial_number not in (None, serial):
                return await self._confirm(declaration, records, attempt, have)
            have = await self._counts_if_possible(declaration, have)
            return self._state(declaration, have, (*records, _placed(attempt, receipt)))
        except Exception:  # noqa: BLE001 - whatever it is, the order may exist
            _log.exception("%s: an order was sent, and confirming it failed", serial)
            return unconfirmed

    def _in_flight(
        self,
        purchase: Purchase,
        records: tuple[OrderRecord, ...],
        seen: tuple[SeenOrder, ...],
        have: Counts,
        *,
        is_new: bool,
    ) -> SeenOrder | None:
        """An open order of ours that covers the purchase, to be adopted; None when nothing is in flight.

        Raises `RefusedError` for everything else that is in flight.
        """
        now = self.now()
        for record in records:
            if record.status == UNCONFIRMED:
                raise RefusedError(
                    f"an order for {amounts(record.quantities)} was sent at {record.time} (reference "
                    f"{record.reference}) and its outcome is not known yet. {NOTHING_BOUGHT} Look for it in the portal "
                    f"(Billing > Orders); it is settled once it shows there or in the counts, or after "
                    f"{self.settings.settle_hours:g} h"
                )
            if is_unlisted(record, seen, have, self.settings, now):
                raise RefusedError(
                    f"order {record.order_no} ({record.status}, {amounts(record.quantities)}) was placed at "
                    f"{record.time}; it is not in the portal's list, and its capacity not in the counts yet. "
                    f"{NOTHING_BOUGHT} Run again later, or, when a person has checked it, list {record.order_no} in "
                    f"yspartner:settledOrders"
                )
        unsettled = [order for order in seen if not is_settled(order, records, have, self.settings, now)]
        for order in unsettled:
            if covers(order, purchase.quantities, purchase.reference):
                return order
        if unsettled:
            raise RefusedError(f"{blocked_by(unsettled[0], self.settings, now)}. {NOTHING_BOUGHT}")
        if is_new and (dead := dead_with_reference(seen, purchase.reference, self.settings)):
            raise RefusedError(f"{needs_reorder(dead, now)}. {NOTHING_BOUGHT}")
        return None

    def _permit(self, purchase: Purchase) -> None:
        if self.settings.purchases != "allow":
            raise RefusedError(
                f"purchases are off: this would {purchase.summary}. {NOTHING_BOUGHT} To let `pulumi up` buy, set "
                f"YSPARTNER_PURCHASES=allow for the job, or run `pulumi config set yspartner:purchases allow`"
            )
        if problem := over_limit(purchase.quantities, self.settings.limits):
            raise RefusedError(f"{problem}. {NOTHING_BOUGHT}")

    async def _afford(self, serial: str, purchase: Purchase, catalog: Catalog, plan_id: str) -> None:
        """Refuse an order whose price is not certainly within the limit. Without such a limit no price is read."""
        if self.settings.limits.amount is None:
            return
        price, why_unknown = None, None
        try:
            price = await self.account.price(serial, catalog, plan_id, purchase.quantities, within=READS_HOLD_FOR)
        except YsPartnerError as error:
            why_unknown = str(error)
        if problem := over_amount(price, why_unknown, self.settings.limits):
            raise RefusedError(f"{problem}. {NOTHING_BOUGHT}")

    async def _confirm(
        self, declaration: Declaration, records: tuple[OrderRecord, ...], attempt: OrderRecord, have: Counts
    ) -> State:
        """Look for an order whose outcome is unclear, in the list and in the counts, for a bounded time (5)."""
        with anyio.move_on_after(self.settings.timeout):
            while True:
                try:
                    have = await self._counts(declaration, max_age=0)
                    seen = await self._orders(declaration, records, max_age=0)
                except YsPartnerError as error:
                    _log.info("%s: still unclear: %s", declaration.serial_number, error)
                else:
                    *_, latest = up_to_date((*records, attempt), seen, have, self.settings, self.now())
                    if latest.status != UNCONFIRMED:
                        return self._state(declaration, have, (*records, latest))
                await anyio.sleep(LOOK_EVERY)
        return self._state(declaration, have, (*records, attempt))

    # --- reading ---------------------------------------------------------------------------------------------------

    async def _read_for_order(
        self, declaration: Declaration, purchase: Purchase, known: tuple[OrderRecord, ...], *, is_new: bool
    ) -> tuple[Counts, tuple[SeenOrder, ...], str, Catalog]:
        """Everything an order depends on, read side by side. Where several can't be read, the first here is raised."""
        reads: dict[str, Awaitable[Any]] = {
            "counts": self._counts(declaration, max_age=FRESH),
            "orders": self._orders(declaration, known, max_age=FRESH, all_dead=is_new),
            "contact": self.account.contact(purchase.billing_contact_id),
            "catalog": self.account.catalog(declaration.serial_number),
        }
        read: dict[str, Any] = {}

        async def run(name: str) -> None:
            try:
                read[name] = await reads[name]
            except YsPartnerError as error:
                read[name] = error

        await run_all([(run, name) for name in reads])
        for name in reads:
            if isinstance(read[name], YsPartnerError):
                raise read[name]
        return read["counts"], read["orders"], read["contact"], read["catalog"]

    async def _orders(
        self,
        declaration: Declaration,
        known: tuple[OrderRecord, ...],
        max_age: float | None,
        *,
        all_dead: bool = False,
    ) -> tuple[SeenOrder, ...]:
        numbers = [record.order_no for record in known if record.order_no is not None]
        return await self.account.orders_of(
            declaration.serial_number, now=self.now(), known=numbers, all_dead=all_dead, max_age=max_age
        )

    async def _counts(self, declaration: Declaration, max_age: float | None) -> Counts:
        serial = declaration.serial_number
        read = (await self.source.read([serial], max_age))[serial]
        if missing(declaration.want, read.counts):
            raise ReadingError(read.unreadable or "a count is missing")
        return read.counts

    async def _counts_if_possible(self, declaration: Declaration, before: Counts) -> Counts:
        try:
            return await self._counts(declaration, max_age=0)
        except YsPartnerError as error:
            _log.warning("%s: the order was placed; %s", declaration.serial_number, error)
            return before

    def _state(self, declaration: Declaration, have: Counts, records: tuple[OrderRecord, ...]) -> State:
        return State(
            declaration=declaration,
            capacity=dict(have),
            orders=records,
            status=status(declaration, have, records, self.settings, self.now()),
        )


def _compare(declaration: Declaration, purchase: Purchase, observed: Counts, have: Counts) -> None:
    want = declaration.want
    for name in want:
        if have[name] != observed.get(name):
            was = observed.get(name, "not read")
            raise RefusedError(
                f"{name} moved from {was} to {have[name]} since this purchase was reviewed. {NOTHING_BOUGHT} "
                f"Run `pulumi preview` again and review the new purchase"
            )
    need = shortfall(want, have)
    for name, quantity in purchase.quantities.items():
        if quantity > need.get(name, 0):
            raise RefusedError(
                f"{amount(name, quantity)} would lead past the declared {want.get(name, 0)}. {NOTHING_BOUGHT}"
            )


def _recorded(
    records: tuple[OrderRecord, ...], orders: Iterable[SeenOrder], declaration: Declaration
) -> tuple[OrderRecord, ...]:
    """The records, and the given orders of ours that are not among them yet."""
    numbers = {record.order_no for record in records}
    return (*records, *(adopted(order, declaration) for order in orders if order.order_no not in numbers))


def _placed(attempt: OrderRecord, receipt: Receipt) -> OrderRecord:
    return attempt.model_copy(
        update={
            "order_no": receipt.order_no,
            "transaction_no": receipt.transaction_no,
            "status": receipt.status or "unknown",
            "known": None,
        }
    )

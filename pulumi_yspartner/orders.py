"""What an order means: whether it is ours, may still change the counts, or has come to something. Pure.

A *dead* order has a status of which nothing more is to come; an *unsettled* one may still change the counts.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

from .model import (
    COUNTED,
    COUNTS,
    NEVER_PLACED,
    SUCCEED,
    UNCONFIRMED,
    Counts,
    Declaration,
    OrderRecord,
    SeenOrder,
    Status,
    iso,
    missing,
    shortfall,
    unix,
)
from .settings import Settings
from .wording import describe


def reference(declaration: Declaration) -> str:
    """Our reference of an order: `YS-` and a short hash of serial number, wants and `reorder`.

    The same declaration always has the same one, so an order that a crashed run placed can be found again.
    """
    parts = [declaration.serial_number, *(str(declaration.want.get(name, "-")) for name in COUNTS)]
    text = "\n".join([*parts, declaration.reorder or ""])
    digest = hashlib.sha256(text.encode()).digest()
    return "YS-" + base64.b32encode(digest).decode()[:12]


def is_dead(status: str, settings: Settings) -> bool:
    """Whether nothing more is to come of an order with this status."""
    return status.casefold() in {dead.casefold() for dead in settings.dead_order_statuses}


def is_old(created: float | None, settings: Settings, now: float) -> bool:
    """Whether an order is older than `settleHours`. One of unknown age is not."""
    return created is not None and now - created > settings.settle_hours * 3600


def is_settled(order: SeenOrder, records: Iterable[OrderRecord], have: Counts, settings: Settings, now: float) -> bool:
    """Whether an order can't change the counts any more (design rule 3); everything unclear is unsettled."""
    if is_dead(order.status, settings) or order.order_no in settings.settled_orders:
        return True
    if order.status.casefold() != SUCCEED:
        return False
    if is_old(order.created, settings, now):
        return True
    return any(record.order_no == order.order_no and record.reached(have) for record in records)


def waits(order: SeenOrder, settings: Settings) -> bool:
    """Whether an order is neither over nor through, so that certainly nothing is ordered beside it."""
    return order.status.casefold() != SUCCEED and not is_settled(order, (), {}, settings, now=0.0)


def covers(order: SeenOrder, need: Counts, own_reference: str) -> bool:
    """Whether an order carries our reference and buys at least the need."""
    return own_reference in order.references and all(
        order.quantities.get(name, 0) >= number for name, number in need.items()
    )


def how_to_settle(order: SeenOrder, settings: Settings) -> str:
    """What a person does about an order that blocks."""
    if order.status.casefold() == SUCCEED:
        return (
            f"It is settled once its capacity is in the counts, after {settings.settle_hours:g} h, "
            f"or when a person has checked it and lists {order.order_no} in yspartner:settledOrders"
        )
    return (
        f"Pay or cancel it in the portal (Billing > Orders), or, when a person has checked it, "
        f"list {order.order_no} in yspartner:settledOrders"
    )


def blocked_by(order: SeenOrder, settings: Settings, now: float) -> str:
    """Why nothing is ordered while this order is unsettled."""
    return (
        f"order {describe(order, now)} for this PBX is not settled, and one order at a time is in flight per PBX. "
        f"{how_to_settle(order, settings)}"
    )


def adopted(order: SeenOrder, declaration: Declaration) -> OrderRecord:
    """The record of an order of ours that was found rather than remembered.

    Our orders buy up to the declared floors, and the reference binds those, so the counts before it follow.
    """
    before = {
        name: max(0, declaration.want[name] - number)
        for name, number in order.quantities.items()
        if name in declaration.want
    }
    return OrderRecord.buying(
        order.quantities,
        before,
        order_no=order.order_no,
        reference=reference(declaration),
        status=order.status,
        time=iso(order.created) if order.created is not None else None,
    )


def same_purchase(order: SeenOrder, attempt: OrderRecord) -> bool:
    """Whether an order that appeared after an attempt is that attempt's.

    Our reference says so; another reference of ours says no; without any, the quantities must not contradict.
    """
    if order.references:
        return attempt.reference in order.references
    return not order.quantities or order.quantities == attempt.quantities


def settle(
    attempt: OrderRecord, orders: Iterable[SeenOrder], have: Counts, settings: Settings, now: float
) -> OrderRecord:
    """What is known now of an attempt whose outcome was unclear, judged by what was stored with it only."""
    if attempt.status == UNCONFIRMED:
        appeared = [order for order in orders if order.order_no not in (attempt.known or ())]
        ours = [order for order in appeared if same_purchase(order, attempt)]
        ours.sort(key=lambda order: attempt.reference not in order.references)
    else:  # settled without a number: only an order that names it can still be it
        ours = [order for order in orders if attempt.reference in order.references]
    if ours:
        return attempt.model_copy(update={"order_no": ours[0].order_no, "status": ours[0].status, "known": None})
    if attempt.status != UNCONFIRMED:
        return attempt
    if attempt.reached(have):
        return attempt.model_copy(update={"status": COUNTED, "known": None})
    sent = unix(attempt.time) if attempt.time else None
    if is_old(sent, settings, now):
        return attempt.model_copy(update={"status": NEVER_PLACED, "known": None})
    return attempt


def up_to_date(
    records: Iterable[OrderRecord], orders: Sequence[SeenOrder], have: Counts, settings: Settings, now: float
) -> tuple[OrderRecord, ...]:
    """The records with the statuses that the portal shows now, and unclear attempts settled where evidence allows."""
    records = tuple(records)
    seen = {order.order_no: order for order in orders}
    claimed = {record.order_no for record in records if record.order_no}
    fresh: dict[int, OrderRecord] = {}
    # Attempts that are still open come first: an order that appeared is theirs before it is a settled one's.
    for index, record in sorted(enumerate(records), key=lambda each: each[1].status != UNCONFIRMED):
        if record.order_no is None:
            free = [order for order in orders if order.order_no not in claimed]
            record = settle(record, free, have, settings, now)
            if record.order_no is not None:
                claimed.add(record.order_no)
        elif record.order_no in seen:
            record = record.model_copy(update={"status": seen[record.order_no].status})
        fresh[index] = record
    return tuple(fresh[index] for index in range(len(records)))


def is_open(record: OrderRecord, have: Counts, settings: Settings) -> bool:
    """Whether a recorded order may still change the counts, as far as the record and the counts tell."""
    if record.status in (COUNTED, NEVER_PLACED) or is_dead(record.status, settings):
        return False
    if record.order_no in settings.settled_orders:
        return False
    return record.status.casefold() != SUCCEED or not record.reached(have)


def is_unlisted(record: OrderRecord, orders: Iterable[SeenOrder], have: Counts, settings: Settings, now: float) -> bool:
    """Whether a recorded order may still change the counts although the portal's list doesn't show it (yet)."""
    if not is_open(record, have, settings) or any(order.order_no == record.order_no for order in orders):
        return False
    sent = unix(record.time) if record.time else None
    return record.status.casefold() != SUCCEED or not is_old(sent, settings, now)


def status(
    declaration: Declaration, have: Counts, records: Sequence[OrderRecord], settings: Settings, now: float
) -> Status:
    """A resource's `status`, from the counts and the recorded orders."""
    if any(record.status == UNCONFIRMED for record in records):
        return "unconfirmed"
    want = declaration.want
    if not missing(want, have) and not shortfall(want, have):
        return "satisfied"
    pending = [record for record in records if is_open(record, have, settings)]
    if any(record.status.casefold() != SUCCEED for record in pending):
        return "awaiting_payment"
    if any(not is_old(unix(record.time) if record.time else None, settings, now) for record in pending):
        return "ordered"
    return "short"


def dead_with_reference(orders: Iterable[SeenOrder], own_reference: str, settings: Settings) -> SeenOrder | None:
    """An order of ours of which nothing more is to come, if there is one."""
    for order in orders:
        if own_reference in order.references and is_dead(order.status, settings):
            return order
    return None


def needs_reorder(order: SeenOrder, now: float) -> str:
    """Why a dead order asks for a person's word before the same is bought again."""
    return (
        f"order {describe(order, now)} was placed for this very declaration and came to nothing. "
        f'To order again, set reorder="..." to a new text'
    )

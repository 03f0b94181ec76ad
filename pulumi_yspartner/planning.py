"""The pure rules: what would be bought, what is refused, what an order means. No I/O, no clock, no Pulumi.

Words: *want* is a declared floor; *have* a live count; *need* is want minus have, not below 0, per count. A *dead*
order has a status of which nothing more is to come; an *unsettled* one may still change the counts.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .model import (
    COUNTED,
    COUNTS,
    NEVER_PLACED,
    SUCCEED,
    UNCONFIRMED,
    CountName,
    Counts,
    Declaration,
    OrderRecord,
    Purchase,
    Reading,
    SeenOrder,
    Status,
    iso,
    unix,
)
from .settings import Limits, Settings

NOTHING_BOUGHT = "Nothing was bought."


# --- words ---------------------------------------------------------------------------------------------------------


_NOUNS: dict[CountName, tuple[str, str]] = {
    "extensions": ("extension", "extensions"),
    "concurrent_calls": ("concurrent call", "concurrent calls"),
}


def amount(name: CountName, number: int) -> str:
    """A count in words: `1 extension`, `48 concurrent calls`."""
    singular, plural = _NOUNS[name]
    return f"{number} {singular if number == 1 else plural}"


def amounts(counts: Counts) -> str:
    """Several counts in words."""
    return ", ".join(amount(name, counts[name]) for name in COUNTS if name in counts) or "nothing"


def steps(quantities: Counts, have: Counts) -> str:
    """Quantities with where they lead: `200 extensions (50 -> 250)`."""
    return ", ".join(
        f"{amount(name, quantities[name])} ({have[name]} -> {have[name] + quantities[name]})"
        for name in COUNTS
        if quantities.get(name)
    )


def shortage(want: Counts, have: Counts) -> str:
    """What is missing: `50 of 250 extensions`; empty when nothing is."""
    return ", ".join(
        f"{have[name]} of {amount(name, want[name])}"
        for name in COUNTS
        if name in want and name in have and have[name] < want[name]
    )


def age(created: float | None, now: float) -> str:
    """An order's age in words."""
    if created is None:
        return "of unknown age"
    minutes = max(0, int(now - created) // 60)
    if minutes < 120:
        return f"{minutes} min old"
    return f"{minutes // 60} h old" if minutes < 48 * 60 else f"{minutes // 1440} days old"


def describe(order: SeenOrder, now: float) -> str:
    """An order in words: number, status, age, and what it buys where that is known."""
    buys = f", {amounts(order.quantities)}" if order.quantities else ""
    return f"order {order.order_no} ({order.status}, {age(order.created, now)}{buys})"


# --- counts --------------------------------------------------------------------------------------------------------


def shortfall(want: Counts, have: Counts) -> dict[CountName, int]:
    """Need per count, where there is one. Every wanted count must be known."""
    return {name: want[name] - have[name] for name in COUNTS if name in want and want[name] > have[name]}


def missing(want: Counts, have: Counts) -> list[CountName]:
    """The wanted counts that are not known."""
    return [name for name in COUNTS if name in want and name not in have]


def asked(declaration: Declaration, old: Declaration | None) -> set[CountName]:
    """The counts that this declaration asks to be bought up to: only new and raised ones, each for itself.

    A changed `reorder` asks once more for all of them.
    """
    want = declaration.want
    if old is None or (declaration.reorder is not None and declaration.reorder != old.reorder):
        return set(want)
    return {name for name, floor in want.items() if name not in old.want or floor > old.want[name]}


def lowered(declaration: Declaration, old: Declaration | None) -> set[CountName]:
    """The counts that were declared before, still are, and are lower now."""
    if old is None:
        return set()
    return {name for name, floor in declaration.want.items() if name in old.want and floor < old.want[name]}


def reference(declaration: Declaration) -> str:
    """Our reference of an order: `YS-` and a short hash of serial number, wants and `reorder`.

    The same declaration always has the same one, so an order that a crashed run placed can be found again.
    """
    parts = [declaration.serial_number, *(str(declaration.want.get(name, "-")) for name in COUNTS)]
    text = "\n".join([*parts, declaration.reorder or ""])
    digest = hashlib.sha256(text.encode()).digest()
    return "YS-" + base64.b32encode(digest).decode()[:12]


# --- orders --------------------------------------------------------------------------------------------------------


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
        f"{describe(order, now)} for this PBX is not settled, and one order at a time is in flight per PBX. "
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
    appeared = [order for order in orders if order.order_no not in (attempt.known or ())]
    ours = [order for order in appeared if same_purchase(order, attempt)]
    ours.sort(key=lambda order: attempt.reference not in order.references)
    if ours:
        return attempt.model_copy(update={"order_no": ours[0].order_no, "status": ours[0].status, "known": None})
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
    seen = {order.order_no: order for order in orders}
    claimed = {record.order_no for record in records if record.order_no}
    fresh = []
    for record in records:
        if record.status == UNCONFIRMED:
            free = [order for order in orders if order.order_no not in claimed]
            record = settle(record, free, have, settings, now)
            if record.order_no is not None:
                claimed.add(record.order_no)
        elif record.order_no in seen:
            record = record.model_copy(update={"status": seen[record.order_no].status})
        fresh.append(record)
    return tuple(fresh)


def is_open(record: OrderRecord, have: Counts, settings: Settings) -> bool:
    """Whether a recorded order may still change the counts, as far as the record and the counts tell."""
    if record.status in (COUNTED, NEVER_PLACED) or is_dead(record.status, settings):
        return False
    if record.order_no in settings.settled_orders:
        return False
    return record.status == UNCONFIRMED or not record.reached(have)


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


# --- limits --------------------------------------------------------------------------------------------------------


def over_limit(quantities: Counts, price: str | None, limits: Limits) -> str | None:
    """Why one order is above a limit, in words; None when it is within all."""
    problems = []
    for name in COUNTS:
        limit = getattr(limits, name)
        if limit is not None and quantities.get(name, 0) > limit:
            problems.append(f"{amount(name, quantities[name])} is above the limit of {limit} per order")
    if limits.amount is not None and price is None:
        problems.append(f"the price is unknown and the limit is {limits.amount} per order")
    return " and ".join(problems) or None


# --- the plan ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What `check` decides for one PBX: a purchase, a refusal, or neither."""

    purchase: Purchase | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Before:
    """What the engine remembers of the last successful run: the declaration, and the purchase it was made with."""

    declaration: Declaration
    purchase: Purchase | None = None
    counts: Counts | None = None

    def purchase_reached(self, have: Counts) -> bool:
        """Whether the counts hold the last purchase. True when there was none to wait for."""
        if self.purchase is None or self.counts is None:
            return True
        return all(
            have.get(name, 0) >= self.counts.get(name, 0) + quantity
            for name, quantity in self.purchase.quantities.items()
        )


def plan(
    declaration: Declaration, before: Before | None, reading: Reading | None, settings: Settings, now: float
) -> Plan:
    """What a declaration would buy, given what the engine remembers and what this run has read.

    `before` is None for a new resource. Only a new or raised count buys; an unchanged declaration never does.
    """
    old = before.declaration if before else None
    asking, down = asked(declaration, old), lowered(declaration, old)
    if not asking and not down:
        return Plan()
    if reading is None:
        return Plan(refused=f"its counts were not read in this run. {NOTHING_BOUGHT}")
    try:
        return _plan(declaration, before, reading, settings, now, asking, down)
    except _Refusal as refusal:
        return Plan(refused=str(refusal))


class _Refusal(Exception):
    pass


def _plan(
    declaration: Declaration,
    before: Before | None,
    reading: Reading,
    settings: Settings,
    now: float,
    asking: Collection[CountName],
    down: Collection[CountName],
) -> Plan:
    want, have = declaration.want, reading.counts
    if reading.duplicate:
        raise _Refusal(reading.duplicate)
    unread = missing(want, have)
    if reading.unreadable or unread:
        raise _Refusal(reading.unreadable or f"the portal states no count of {amounts_named(unread)}")
    for name in COUNTS:
        if name in down and want[name] < have[name]:
            raise _Refusal(
                f"{name} is lowered to {want[name]}, but the PBX has {amount(name, have[name])}, and nothing can be "
                f"given back through the API. Declare {have[name]}, or end it with the vendor first"
            )
    need = {name: number for name, number in shortfall(want, have).items() if name in asking}
    if not need:
        return Plan()

    own = reference(declaration)
    unsettled = [order for order in reading.orders if _blocks_in_check(order, before, have, settings, now)]
    if any(covers(order, need, own) for order in unsettled):
        return Plan()  # `create` and `update` record it
    if unsettled:
        raise _Refusal(blocked_by(unsettled[0], settings, now))
    if before is None and (dead := dead_with_reference(reading.orders, own, settings)):
        raise _Refusal(needs_reorder(dead, now))
    if reading.obstacle or reading.billing_contact_id is None or reading.plan_id is None:
        raise _Refusal(reading.obstacle or "no billing contact or plan was read for it in this run")
    for name in need:
        if name in reading.not_offered:
            raise _Refusal(reading.not_offered[name])
    if problem := over_limit(need, reading.price, settings.limits):
        raise _Refusal(f"{problem} (yspartner:limits)")
    return Plan(
        purchase=Purchase(
            summary=f"buy {steps(need, have)}",
            extensions=need.get("extensions", 0),
            concurrent_calls=need.get("concurrent_calls", 0),
            billing_contact_id=reading.billing_contact_id,
            plan_id=reading.plan_id,
            reference=own,
        )
    )


def amounts_named(names: Iterable[CountName]) -> str:
    """Names of counts in words."""
    return " and ".join(_NOUNS[name][1] for name in names)


def _blocks_in_check(order: SeenOrder, before: Before | None, have: Counts, settings: Settings, now: float) -> bool:
    """Whether an order certainly blocks, by what `check` can see: it has the old inputs, but not the state.

    A young succeeded order of a resource that exists may stand in its state and be counted already, unless it is the
    last purchase's and the counts don't hold that yet. `update` knows exactly.
    """
    if is_settled(order, (), have, settings, now):
        return False
    if before is None or order.status.casefold() != SUCCEED:
        return True
    if before.purchase is None or before.purchase_reached(have):
        return False
    return not order.references or before.purchase.reference in order.references


def dead_with_reference(orders: Iterable[SeenOrder], own_reference: str, settings: Settings) -> SeenOrder | None:
    """An order of ours of which nothing more is to come, if there is one."""
    for order in orders:
        if own_reference in order.references and is_dead(order.status, settings):
            return order
    return None


def needs_reorder(order: SeenOrder, now: float) -> str:
    """Why a dead order asks for a person's word before the same is bought again."""
    return (
        f"{describe(order, now)} was placed for this very declaration and came to nothing. "
        f'To order again, set reorder="..." to a new text'
    )

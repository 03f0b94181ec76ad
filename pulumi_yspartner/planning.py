"""What would be bought for a declaration, and what is refused: the decision that `check` makes. Pure.

Words: *want* is a declared floor; *have* a live count; *need* is want minus have, not below 0, per count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .model import (
    COUNTS,
    SUCCEED,
    CountName,
    Counts,
    Declaration,
    Purchase,
    Reading,
    SeenOrder,
    missing,
    shortfall,
)
from .money import Money, within
from .orders import blocked_by, covers, dead_with_reference, is_settled, needs_reorder, reference
from .settings import Limits, Settings
from .wording import amount, amounts_named, steps


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
        return Plan(refused="its counts were not read in this run")
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
    if problem := over_limit(need, settings.limits):
        raise _Refusal(problem)
    if problem := over_amount(*reading.price_for(need, want), settings.limits):
        raise _Refusal(problem)
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


def over_limit(quantities: Counts, limits: Limits) -> str | None:
    """Why one order is above a limit on counts, in words; None when it is within all."""
    problems = []
    for name in COUNTS:
        limit = getattr(limits, name)
        if limit is not None and quantities.get(name, 0) > limit:
            problems.append(f"{amount(name, quantities[name])} is above the limit of {limit} per order")
    return f"{' and '.join(problems)} (yspartner:limits)" if problems else None


def over_amount(price: Money | None, why_unknown: str | None, limits: Limits) -> str | None:
    """Why one order is not certainly within the limit on money, in words; None when it is, or there is no limit."""
    if limits.amount is None or within(price, limits.amount):
        return None
    limit = f"not within the limit of {limits.amount} per order (yspartner:limits)"
    if price is not None:
        return f"the price of {price} is {limit}"
    return f"the price is unknown and so {limit}: {why_unknown}"

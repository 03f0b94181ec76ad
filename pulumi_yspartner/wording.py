"""Counts, prices and orders in words, for the lines and messages that people read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import SettingsError, YsPartnerError
from .model import COUNTS, CountName, Counts, SeenOrder
from .money import Money, sums

NOTHING_BOUGHT = "Nothing was bought."


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


def priced(prices: Sequence[Money | None]) -> str:
    """What purchases cost together, None for each price that is not known: `price 1250.00 USD`, `price unknown`,
    `price 80.00 EUR, 1250.00 USD and 2 unknown`."""
    known = [price for price in prices if price is not None]
    if not known:
        return "price unknown"
    unknown = len(prices) - len(known)
    return f"price {', '.join(map(str, sums(known)))}" + (f" and {unknown} unknown" if unknown else "")


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
    return f"{order.order_no} ({order.status}, {age(order.created, now)}{buys})"


def amounts_named(names: Iterable[CountName]) -> str:
    """Names of counts in words."""
    return " and ".join(_NOUNS[name][1] for name in names)


def why_unreadable(error: YsPartnerError) -> str:
    """What to say of every PBX of a run in which nothing can be read."""
    return str(error) if isinstance(error, SettingsError) else f"the portal could not be read: {error}"


def declared_twice(serial_number: str, resources: int) -> str | None:
    """Why a serial number that several resources declare is refused."""
    if resources < 2:
        return None
    return f"serial number {serial_number} is declared by {resources} resources; declare each PBX once"

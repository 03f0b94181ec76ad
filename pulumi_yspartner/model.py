"""The words of this package as data: declarations, orders, purchases, readings.

These models cross process and file borders (Pulumi's inputs and state), so they read what older versions wrote: extra
fields are ignored, and whole numbers that come back as floats become whole again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .money import Money

CountName = Literal["extensions", "concurrent_calls"]
COUNTS: tuple[CountName, ...] = ("extensions", "concurrent_calls")

Counts = Mapping[CountName, int]
"""Whole numbers per count; a count that is not declared or not known is absent."""

MAX_COUNT = 1_000_000
"""No PBX comes near it; it catches slips such as a serial number in the wrong place."""

UNCONFIRMED = "unconfirmed"
"""Our own order status: sent, and neither an answer nor a trace of it found yet."""
COUNTED = "counted"
"""Our own order status: never seen in the order list, but the counts hold what it asked for."""
NEVER_PLACED = "never_placed"
"""Our own order status: no trace of it after `settleHours`; nothing was bought."""
SUCCEED = "succeed"
"""The portal's status of an order that went through (SEEN: query-order-list.html)."""

Status = Literal["satisfied", "ordered", "awaiting_payment", "unconfirmed", "short"]


def normalised_serial_number(value: str) -> str:
    """A serial number as it is used everywhere: stripped, upper case. Raises `ValueError` when it can't be one."""
    serial = value.strip().upper()
    if not serial:
        raise ValueError("must not be empty")
    if len(serial) > 64 or any(char.isspace() or unicodedata.category(char)[0] == "C" for char in serial):
        raise ValueError("is not a serial number")
    return serial


def _serial_number(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text, in quotes")
    return normalised_serial_number(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"must be a whole number, and {value} is not")
    if value < 1:
        raise ValueError(f"must be at least 1, and {int(value)} is not; leave it out to not declare it")
    if value > MAX_COUNT:
        raise ValueError(f"must be at most {MAX_COUNT}; a PBX has far less")
    return int(value)


def _id(value: object) -> str:
    # A 19-digit id that was written as a number has lost its last digits by now: numbers travel as doubles.
    if not isinstance(value, str):
        raise ValueError("must be text, in quotes: as a number its last digits are lost")
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("must be the id's digits, in quotes")
    return digits


def _line(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    text = value.strip()
    if not text or len(text) > 128 or any(unicodedata.category(char)[0] == "C" for char in text):
        raise ValueError("must be one line of 1 to 128 characters")
    return text


SerialNumber = Annotated[str, BeforeValidator(_serial_number)]
DeclaredCount = Annotated[int, BeforeValidator(_count)]
Id = Annotated[str, BeforeValidator(_id)]
Line = Annotated[str, BeforeValidator(_line)]
Quantity = Annotated[int, Field(ge=0)]


class Model(BaseModel):
    """Base of what crosses a process or file border."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def dump(self) -> dict[str, Any]:
        """As JSON primitives, without what is absent."""
        return self.model_dump(mode="json", exclude_none=True)


class Declaration(Model):
    """What the program declares for one PBX. Counts are floors: totals that it must at least have."""

    serial_number: SerialNumber
    extensions: DeclaredCount | None = None
    concurrent_calls: DeclaredCount | None = None
    billing_contact_id: Id | None = None
    plan_id: Id | None = None
    po_number: Line | None = None
    reorder: Line | None = None

    @model_validator(mode="after")
    def _declares_a_count(self) -> Declaration:
        if not self.want:
            raise ValueError("or concurrent_calls must be declared: nothing is without a count")
        return self

    @property
    def want(self) -> dict[CountName, int]:
        """The declared floors."""
        return _present(self, COUNTS)


DECLARED = tuple(Declaration.model_fields)
"""The names of the inputs that a program declares."""


class Purchase(Model):
    """What one order would buy. Built in `check` only; a saved plan binds it."""

    summary: str
    extensions: Quantity
    concurrent_calls: Quantity
    billing_contact_id: str
    plan_id: str
    reference: str

    @property
    def quantities(self) -> dict[CountName, int]:
        """What is bought of each count; counts of which nothing is bought are absent."""
        return {name: quantity for name in COUNTS if (quantity := getattr(self, name)) > 0}


class OrderRecord(Model):
    """An order that this resource placed or found, as the state keeps it."""

    order_no: str | None = None
    transaction_no: str | None = None
    reference: str | None = None
    status: str
    extensions: Quantity | None = None
    concurrent_calls: Quantity | None = None
    extensions_before: Quantity | None = None
    concurrent_calls_before: Quantity | None = None
    time: str | None = None
    """When it was sent (or created, for an order that was found), ISO 8601 in UTC."""
    known: tuple[str, ...] | None = None
    """Of an attempt: the PBX's orders that existed before it was sent, so that a new one can be told."""

    @classmethod
    def buying(cls, quantities: Counts, before: Counts, **rest: Any) -> OrderRecord:
        """An order of these quantities, with the counts before it."""
        counts_before = {f"{name}_before": before[name] for name in quantities if name in before}
        return cls.model_validate({**rest, **quantities, **counts_before})

    @property
    def quantities(self) -> dict[CountName, int]:
        """What it buys of each count."""
        return {name: quantity for name, quantity in _present(self, COUNTS).items() if quantity > 0}

    @property
    def before(self) -> dict[CountName, int]:
        """The counts before it."""
        found = {name: getattr(self, f"{name}_before") for name in COUNTS}
        return {name: count for name, count in found.items() if count is not None}

    def reached(self, have: Counts) -> bool:
        """Whether every count has reached the count before this order plus its quantity."""
        quantities, before = self.quantities, self.before
        return bool(quantities) and all(
            name in before and name in have and have[name] >= before[name] + quantity
            for name, quantity in quantities.items()
        )


class SeenOrder(Model):
    """An order for one PBX as the portal shows it, whoever placed it."""

    order_no: str
    status: str
    created: float | None = None
    """Unix seconds; absent where no age could be read."""
    references: tuple[str, ...] = ()
    """Our references that were found anywhere in it."""
    extensions: Quantity | None = None
    concurrent_calls: Quantity | None = None

    @property
    def quantities(self) -> dict[CountName, int]:
        """What it buys of each count, as far as that could be read."""
        return {name: quantity for name, quantity in _present(self, COUNTS).items() if quantity > 0}


class Reading(Model):
    """What one run saw of one PBX. The program hands it to `check` as `observed`; `check` keeps only the counts."""

    extensions: Quantity | None = None
    concurrent_calls: Quantity | None = None
    used: dict[CountName, int] = {}
    """How many of the counts are in use, where their source tells. For people only: it decides nothing."""
    unreadable: str | None = None
    """Why the counts could not be read, in words."""
    obstacle: str | None = None
    """Why no order could be built although the counts are known (contact, plan, services), in words."""
    duplicate: str | None = None
    """Set where several resources declare the same serial number, in words."""
    orders: tuple[SeenOrder, ...] = ()
    """Orders of this PBX; read only where it is short."""
    billing_contact_id: str | None = None
    plan_id: str | None = None
    not_offered: dict[CountName, str] = {}
    """Of the counts that are short: why one can't be ordered, in words."""
    price: str | None = None
    """What the portal would charge for all that is short, such as `1250.00 USD`; absent when it could not be told."""
    unpriced: str | None = None
    """Why no price is known though one was asked for, in words."""

    @property
    def counts(self) -> dict[CountName, int]:
        """The counts that were read."""
        return _present(self, COUNTS)

    def price_for(self, quantities: Counts, want: Counts) -> tuple[Money | None, str | None]:
        """The price of a purchase of these quantities, or why it is not known, in words.

        It was asked for all that is short: what a part of that would cost is not known.
        """
        price = Money.parse(self.price) if self.price is not None else None
        if price is None:
            return None, self.unpriced or "it was not read in this run"
        if dict(quantities) != shortfall(want, self.counts):
            return None, "it was read for all that the PBX lacks, of which only a part is bought; reorder buys it all"
        return price, None


class State(Model):
    """A resource's outputs: the declaration, and what was known after the last change or refresh."""

    declaration: Declaration
    capacity: dict[CountName, int]
    orders: tuple[OrderRecord, ...] = ()
    status: Status

    def outputs(self) -> dict[str, Any]:
        """As Pulumi's state holds it: the declared inputs, then what is computed."""
        return {
            **self.declaration.dump(),
            "capacity": dict(self.capacity),
            "orders": [order.dump() for order in self.orders],
            "status": self.status,
        }

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> State:
        """Read what this or an older version wrote."""
        return cls.model_validate(
            {
                "declaration": {name: outputs[name] for name in DECLARED if outputs.get(name) is not None},
                "capacity": outputs.get("capacity") or {},
                "orders": outputs.get("orders") or (),
                "status": outputs.get("status") or "short",
            }
        )


REFERENCE = re.compile(r"YS-[A-Z2-7]{12}")
"""The form of our references, for finding them inside any text of an order."""


def iso(seconds: float) -> str:
    """Unix seconds as ISO 8601 text in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(text: str) -> float:
    """The inverse of `iso`."""
    return datetime.fromisoformat(text).timestamp()


def shortfall(want: Counts, have: Counts) -> dict[CountName, int]:
    """Need per count, where there is one. Every wanted count must be known."""
    return {name: want[name] - have[name] for name in COUNTS if name in want and want[name] > have[name]}


def missing(want: Counts, have: Counts) -> list[CountName]:
    """The wanted counts that are not known."""
    return [name for name in COUNTS if name in want and name not in have]


_T = TypeVar("_T", bound=str)


def _present(model: BaseModel, names: tuple[_T, ...]) -> dict[_T, int]:
    return {name: value for name in names if (value := getattr(model, name)) is not None}

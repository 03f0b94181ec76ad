"""Reading answers that are only half documented. Pure; every name carries its mark.

Things are found by their documented key names, at whatever depth and under whatever container they stand. Ids may be
text or numbers; extra fields are ignored. Whoever has a real account corrects names here, in one place.

Marks: SEEN stands in the vendor's documentation, INFERRED follows from it, UNKNOWN is a tolerant guess that decides
nothing by itself (what is not found is an error, never a default).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..errors import ReadingError
from ..model import COUNTS, REFERENCE, CountName, Counts, SeenOrder
from ..money import Money, amount_of, currency_of
from ..settings import CapacityFields, PriceFields

# --- names ---------------------------------------------------------------------------------------------------------

PRODUCT_NO = "productNo"  # SEEN in orders and requests; INFERRED in the product list
PLAN_ID = "planId"  # SEEN in the tutorials' steps
SERVICE_ID = "serviceId"  # SEEN in the tutorials' steps
BILLING_CONTACT_ID = "billingContactId"  # SEEN
ORDER_NO = "orderNo"  # SEEN
ORDER_STATUS = "orderStatus"  # SEEN
TRANSACTION_NO = "transactionNo"  # SEEN in the tutorial's answer
CREATE_TIME = "createTime"  # SEEN; its unit is UNKNOWN
ACTIVATION_STATUS = "activationStatus"  # SEEN
LABELS = ("comment", "remark", "productAlias", "alias", "name")
"""What people call a PBX. `comment` is SEEN in the product list, the others are UNKNOWN; a label decides nothing."""
QUANTITY = "quantity"  # SEEN in requests; INFERRED in order details

COUNT_NAMES: dict[CountName, tuple[str, ...]] = {
    # UNKNOWN in the portal's answers. SEEN in this vendor's other APIs: YCM instances, the PBX's own, YCM subscription.
    "extensions": ("extensionCapacity", "extension_capacity", "totalExtensions"),
    "concurrent_calls": ("concurrentCallCapacity", "cc_capacity", "totalConcurrentCalls"),
}
SERVICE_NAMES: dict[CountName, str] = {
    # SEEN in the tutorial
    "extensions": "extension expansion",
    "concurrent_calls": "concurrent call expansion",
}
CURRENT_MARKS = ("current", "isCurrent", "currentPlan", "isCurrentPlan", "inUse")  # UNKNOWN; counts only when true
PRICING_ID_NAMES = ("pricingServiceId", "pricingId")  # UNKNOWN in this answer; SEEN in requests, which need it
AMOUNT_NAMES = ("totalPrice", "totalAmount", "finalPrice", "finalAmount", "payPrice", "payAmount", "price", "amount")
"""UNKNOWN, all of them; names that mean the price of the whole."""
CURRENCY_NAMES = ("currencyCode", "currency")  # UNKNOWN in this answer; the first is SEEN in the order list
LONGEST_TEXT = 128
"""Characters of an id or name that are read."""
_TOO_LARGE = 10**20
"""Whole numbers from here on are no id, time or count: ids have 19 digits."""
CURRENT_PLAN_ID = "currentPlanId"  # UNKNOWN


# --- finding -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """An object inside an answer, with where it stands and what it stands in."""

    path: str
    value: dict[str, Any]
    ancestors: tuple[dict[str, Any], ...] = ()


def objects(document: Any) -> Iterator[Found]:
    """Every JSON object of an answer, outermost first."""
    pending: list[tuple[str, Any, tuple[dict[str, Any], ...]]] = [("$", document, ())]
    while pending:
        path, node, ancestors = pending.pop()
        if isinstance(node, dict):
            yield Found(path, node, ancestors)
            inside = (*ancestors, node)
            pending.extend((f"{path}.{key}", node[key], inside) for key in reversed(node) if _holds(node[key]))
        elif isinstance(node, list):
            pending.extend(
                (f"{path}[{index}]", node[index], ancestors)
                for index in range(len(node) - 1, -1, -1)
                if _holds(node[index])
            )


def _holds(value: Any) -> bool:
    """Whether an object may be in it."""
    return isinstance(value, dict | list)


def having(document: Any, key: str) -> list[Found]:
    """The objects of an answer that hold `key` with an id."""
    return [found for found in objects(document) if text(found.value.get(key)) is not None]


def text(value: Any) -> str | None:
    """An id or number as text; None for anything else. Numbers keep all their digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < _TOO_LARGE else None
    if isinstance(value, str):
        return printable(value) or None
    return None


def printable(value: str) -> str:
    """Vendor text as it may stand in a message: on one line, without control characters, and short."""
    return "".join(char for char in value[:LONGEST_TEXT] if char.isprintable()).strip()


def first(document: Any, key: str) -> str | None:
    """The first id under `key`, outermost first."""
    return next((text(found.value[key]) for found in having(document, key)), None)


def name_of(found: Found, kind: str) -> str:
    """An object's name: `planName` for the kind "plan", else `name`, else any key that ends so (UNKNOWN which)."""
    named = {key.casefold(): value for key, value in found.value.items() if key.casefold().endswith("name")}
    for key in (f"{kind}name", "name", *named):
        if isinstance(value := named.get(key), str):
            return printable(value)
    return ""


def keys_of(document: Any, most: int = 40) -> str:
    """The names of fields in an answer, for messages. Names only: values may be personal."""
    names = dict.fromkeys(key for found in objects(document) for key in found.value)
    listed = [name for name in names if name.isprintable()][:most]
    return ", ".join(listed) + (", ..." if len(names) > most else "") or "no fields"


# --- pages ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page of a list. SEEN: `results`, `total`, `totalPage`; a bare list is taken as well."""

    items: list[Any]
    pages: int | None
    total: int | None


def page(result: Any) -> Page:
    """Read one page; raises `ReadingError` for what is no list."""
    if isinstance(result, list):
        return Page(result, None, None)
    if isinstance(result, dict) and isinstance(result.get("results"), list):
        return Page(result["results"], _whole(result.get("totalPage")), _whole(result.get("total")))
    if isinstance(result, dict) and result.get("results", None) is None and _whole(result.get("total")) == 0:
        return Page([], 0, 0)
    raise ReadingError(f"a list was expected, found: {keys_of(result)}")


# --- products ------------------------------------------------------------------------------------------------------


def products(document: Any) -> dict[str, Found]:
    """The PBXs of a product list, by serial number. One that stands there twice is read as both: they must agree."""
    read: dict[str, Found] = {}
    for found in having(document, PRODUCT_NO):
        serial = str(text(found.value[PRODUCT_NO])).upper()
        if any(text(holder.get(PRODUCT_NO)) is not None for holder in found.ancestors):
            continue  # a part of the PBX it stands in
        known = read.get(serial)
        read[serial] = Found(found.path, {"sameSerialNumber": [known.value, found.value]}) if known else found
    return read


def label(product: Found) -> str:
    """What people call a PBX, where its item of the product list says so; else empty."""
    labels = (product.value.get(key) for key in LABELS)
    return next((one_line(value) for value in labels if isinstance(value, str) and value.strip()), "")


def one_line(text: str) -> str:
    """Text of others as a comment: nothing in it can end the line or move a cursor."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


# --- counts --------------------------------------------------------------------------------------------------------


def counts(document: Any, serial_number: str, fields: CapacityFields) -> dict[CountName, int]:
    """The counts that an answer about one PBX states; a count that it does not state is absent.

    Raises `ReadingError` when a count is found twice with different values or is no whole number, or when the answer
    is about another PBX.
    """
    others = {serial.upper() for found in having(document, PRODUCT_NO) if (serial := text(found.value[PRODUCT_NO]))} - {
        serial_number
    }
    if others:
        raise ReadingError(f"the answer for {serial_number} is about {', '.join(sorted(others)[:3])}")
    read: dict[CountName, int] = {}
    for name in COUNTS:
        expression = getattr(fields, name)
        found = (
            _configured(document, expression, "capacityFields") if expression else _spelled(document, COUNT_NAMES[name])
        )
        values = {where: _count(value, where) for where, value in found}
        if len(set(values.values())) > 1:
            places = ", ".join(f"{where} = {value}" for where, value in values.items())
            raise ReadingError(f"{name} is stated more than once and differently: {places}")
        if values:
            read[name] = next(iter(values.values()))
    return read


def no_count(names: Sequence[CountName], document: Any, fields: CapacityFields) -> str:
    """What to say when a count is not stated where it is looked for."""
    places = [getattr(fields, name) or " or ".join(COUNT_NAMES[name]) for name in names]
    looked_for = "; ".join(f"{name} as {place}" for name, place in zip(names, places, strict=True))
    return (
        f"the portal's product answer does not state its counts (looked for {looked_for}; fields found: "
        f"{keys_of(document)}). Set yspartner:capacityFields to where the counts stand"
    )


def _spelled(document: Any, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    return [
        (f"{found.path}.{key}", found.value[key])
        for found in objects(document)
        for key in names
        if found.value.get(key) is not None
    ]


def _configured(document: Any, expression: str, setting: str) -> list[tuple[str, Any]]:
    import jmespath  # here, because few accounts need it, and every program waits for it
    import jmespath.exceptions

    try:
        value = jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        raise ReadingError(f"yspartner:{setting} {expression}: {type(error).__name__}") from None
    if isinstance(value, list):
        return [(f"{expression}[{index}]", each) for index, each in enumerate(value) if each is not None]
    return [] if value is None else [(expression, value)]


def _count(value: Any, where: str) -> int:
    number = _whole(value)
    if number is None or number < 0:
        raise ReadingError(f"{where} is no count: {_shown(value)}")
    return number


def _shown(value: Any) -> str:
    """A value that is not what it should be, short enough for a message."""
    return f"{value!r:.40}" if isinstance(value, str | int | Decimal) else type(value).__name__


def _whole(value: Any) -> int | None:
    """A whole number, also as text; None for anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value.strip()) if len(value) < 20 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE else None


# --- plans, services, contacts -------------------------------------------------------------------------------------


def current_plan(document: Any, chosen: str | None) -> str:
    """The id of the plan that a PBX has: the only one, the one marked as current, or the chosen one.

    Raises `ReadingError`, which lists the plans, when none of these tells.
    """
    by_id: dict[str, list[Found]] = {}
    for found in having(document, PLAN_ID):
        by_id.setdefault(str(text(found.value[PLAN_ID])), []).append(found)
    listed = ", ".join(f"{plan} ({name_of(found[0], 'plan') or 'unnamed'})" for plan, found in by_id.items()) or "none"
    if chosen is not None:
        if chosen not in by_id:
            raise ReadingError(f"plan {chosen} is not among the PBX's plans: {listed}")
        return chosen
    if len(by_id) == 1:
        return next(iter(by_id))
    marked = {
        plan
        for plan, places in by_id.items()
        if any(found.value.get(mark) is True for found in places for mark in CURRENT_MARKS)
    } | ({str(first(document, CURRENT_PLAN_ID))} & set(by_id))
    if len(marked) == 1:
        return marked.pop()
    if not by_id:
        raise ReadingError(f"the purchase answer holds no {PLAN_ID}; fields found: {keys_of(document)}")
    raise ReadingError(f"which plan the PBX has can't be told; set plan_id to one of: {listed}")


def services(document: Any, plan_id: str) -> dict[CountName, str]:
    """The ids of the two expansion services, told apart by their names, as far as the answer has them.

    A service that stands under another plan is that plan's. Raises `ReadingError` when
    several ids are left.
    """
    return _service_ids(document, plan_id, (SERVICE_ID,), "ids")


def pricing_ids(document: Any, plan_id: str) -> dict[CountName, str]:
    """The ids with which the prices of the two expansion services are asked for, as far as the answer has them.

    They stand in the services' own objects. Raises `ReadingError` when several are left.
    """
    return _service_ids(document, plan_id, PRICING_ID_NAMES, "pricing ids")


def _service_ids(document: Any, plan_id: str, keys: tuple[str, ...], what: str) -> dict[CountName, str]:
    found_services = having(document, SERVICE_ID)
    read: dict[CountName, str] = {}
    for name in COUNTS:
        named = [found for found in found_services if name_of(found, "service").casefold() == SERVICE_NAMES[name]]
        stated = [
            text(found.value.get(key)) for found in named if _under_plan(found) in (None, plan_id) for key in keys
        ]
        ids = {id for id in stated if id is not None}
        if len(ids) > 1:
            raise ReadingError(f'the service "{SERVICE_NAMES[name]}" has several {what}: {", ".join(sorted(ids))}')
        if ids:
            read[name] = ids.pop()
    return read


def service_names(document: Any) -> str:
    """The services of an answer in words."""
    names = dict.fromkeys(name_of(found, "service") for found in having(document, SERVICE_ID))
    return ", ".join(name for name in names if name) or "none"


def _under_plan(found: Found) -> str | None:
    for holder in (found.value, *reversed(found.ancestors)):
        if (plan := text(holder.get(PLAN_ID))) is not None:
            return plan
    return None


@dataclass(frozen=True)
class BillingContact:
    """Somebody whom an order can be billed to. What is not stated is empty."""

    id: str
    """Its 19 digits, as text."""
    company: str = ""
    person: str = ""
    """First and last name."""
    email_address: str = field(default="", repr=False)
    """Where the invoice goes."""

    @property
    def name(self) -> str:
        """The company, else the person."""
        return self.company or self.person or "unnamed"


def contacts(document: Any) -> list[BillingContact]:
    """The billing contacts of an answer (all names SEEN)."""
    read = {}
    for found in having(document, BILLING_CONTACT_ID):
        company, first_name, last_name, email = (
            printable(value) if isinstance(value := found.value.get(key), str) else ""
            for key in ("company", "firstName", "lastName", "emailAddress")
        )
        id = str(text(found.value[BILLING_CONTACT_ID]))
        read[id] = BillingContact(id, company, f"{first_name} {last_name}".strip(), email)
    return list(read.values())


# --- prices --------------------------------------------------------------------------------------------------------

_AMOUNT = re.compile("amount|charge|cost|discount|due|fee|money|pay|price|sum|tax|total", re.IGNORECASE)
_NO_AMOUNT = re.compile("(code|count|date|id|no|number|time|type)$", re.IGNORECASE)


def price(document: Any, fields: PriceFields) -> Money:
    """The price that an answer states. What such an answer looks like is UNKNOWN.

    An amount is a price only with a currency code beside it. Amounts in lists, or beside a quantity, are prices of
    parts. Raises `ReadingError` when there is no price, or more than one: which one would be charged is not guessed.
    """
    if fields.amount:
        stated = _configured(document, fields.amount, "priceFields")
    else:
        stated = _stated_amounts(document, anywhere=fields.currency is not None)
    if fields.currency:
        codes = _configured(document, fields.currency, "priceFields")
    else:
        codes = _spelled(document, CURRENCY_NAMES)
    if not stated or not codes:
        raise ReadingError(_no_price(document, fields))
    amounts = {where: _amount(value, where) for where, value in stated}
    currencies = {where: _currency(value, where) for where, value in codes}
    for what, found in (("price", amounts), ("price's currency", currencies)):
        if len(set(found.values())) > 1:
            places = ", ".join(f"{where} = {value}" for where, value in found.items())
            raise ReadingError(f"the {what} is stated more than once and differently: {places}. {_SET_PRICE_FIELDS}")
    return Money(next(iter(amounts.values())), next(iter(currencies.values())))


_SET_PRICE_FIELDS = "Set yspartner:priceFields to where the price stands"


def _no_price(document: Any, fields: PriceFields) -> str:
    amount = fields.amount or " or ".join(AMOUNT_NAMES)
    currency = fields.currency or " or ".join(CURRENCY_NAMES)
    return (
        f"the portal's answer states no price (looked for the amount as {amount}, the currency as {currency}; fields "
        f"found: {keys_of(document)}). {_SET_PRICE_FIELDS}"
    )


def _stated_amounts(document: Any, *, anywhere: bool) -> list[tuple[str, Any]]:
    """Everything that may be the price of the whole, if one of it has a name for that; `anywhere`: also without a
    currency beside it."""
    stated = [
        (found, key)
        for found in objects(document)
        if not _INDEX.search(found.path) and QUANTITY not in found.value
        if anywhere or any(found.value.get(name) is not None for name in CURRENCY_NAMES)
        for key, value in found.value.items()
        if _AMOUNT.search(key) and not _NO_AMOUNT.search(key) and _may_be_amount(value)
    ]
    if not any(key in AMOUNT_NAMES for _, key in stated):
        return []
    return [(f"{found.path}.{key}", found.value[key]) for found, key in stated]


def _may_be_amount(value: Any) -> bool:
    if isinstance(value, str):
        return any(char.isdigit() for char in value)
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _amount(value: Any, where: str) -> Decimal:
    amount = amount_of(value)
    if amount is None:
        raise ReadingError(f"{where} is no amount of money: {_shown(value)}")
    amount = amount.normalize()
    # As prices are written: 1250.5 is 1250.50. Nothing is rounded.
    return amount if int(amount.as_tuple().exponent) <= -2 else amount.quantize(Decimal("0.01"))


def _currency(value: Any, where: str) -> str:
    currency = currency_of(value)
    if currency is None:
        raise ReadingError(f"{where} is no currency code such as USD: {_shown(value)}")
    return currency


# --- orders --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadOrder:
    """What one item of the order list, or one answer about an order, tells."""

    order_no: str
    status: str | None
    serial_number: str | None
    created: float | None
    references: tuple[str, ...]
    quantities: Counts

    def seen(self, details: ReadOrder | None = None) -> SeenOrder:
        """As an order of one PBX, completed from its details where those say more. The list's status is the newer."""
        more = details or self
        return SeenOrder.model_validate(
            {
                "order_no": self.order_no,
                "status": self.status or more.status or "unknown",
                "created": self.created if self.created is not None else more.created,
                "references": tuple(dict.fromkeys([*self.references, *more.references])),
                **more.quantities,
                **self.quantities,
            }
        )


def order(document: Any) -> ReadOrder:
    """Read an order; raises `ReadingError` when it has no number."""
    order_no = first(document, ORDER_NO)
    if order_no is None:
        raise ReadingError(f"an order without {ORDER_NO}; fields found: {keys_of(document)}")
    serial = first(document, PRODUCT_NO)
    return ReadOrder(
        order_no=order_no,
        status=first(document, ORDER_STATUS),
        serial_number=serial.upper() if serial else None,
        created=_youngest(document),
        references=tuple(dict.fromkeys(_references(document))),
        quantities=_quantities(document),
    )


def _youngest(document: Any) -> float | None:
    """When an order was created. Its answer may hold other times too (the PBX's): the latest is the careful one."""
    times = [when(found.value[CREATE_TIME]) for found in objects(document) if found.value.get(CREATE_TIME) is not None]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def when(value: Any) -> float | None:
    """A time as Unix seconds, its unit told by its magnitude (seconds, milliseconds, microseconds) or ISO 8601 text."""
    number = _whole(value)
    if number is not None:
        return next((seconds for power in (1, 1_000, 1_000_000) if _can_be(seconds := number / power)), None)
    if isinstance(value, str):
        stated = value.strip()
        try:
            moment = datetime.fromisoformat(stated)
            # Without an hour or an offset, the latest possible reading is the careful one.
            if len(stated) <= len("2026-01-31"):
                moment += timedelta(days=1)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC) + timedelta(hours=12)
            seconds = moment.timestamp()
        except (ValueError, OverflowError):
            return None
        return seconds if _can_be(seconds) else None
    return None


def _can_be(seconds: float) -> bool:
    return 1e9 <= seconds < 1e10  # 2001 to 2286


def _references(document: Any) -> Iterator[str]:
    """Our references anywhere in an order's texts: which field `poNumber` comes back in is UNKNOWN."""
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            yield from REFERENCE.findall(node)
        elif isinstance(node, dict | list):
            pending.extend(node.values() if isinstance(node, dict) else node)


def _quantities(document: Any) -> dict[CountName, int]:
    """What an order buys, where its details name the service and a quantity (INFERRED); otherwise nothing.

    An order that holds anything else that can't be read is left without quantities: they decide whether it covers a
    need, and half of them would be a guess.
    """
    read: dict[CountName, int] = {}
    for found in objects(document):
        if QUANTITY not in found.value:
            continue
        names = {value.strip().casefold() for value in found.value.values() if isinstance(value, str)}
        kind = next((name for name in COUNTS if SERVICE_NAMES[name] in names), None)
        number = _whole(found.value[QUANTITY])
        if kind is None or number is None or number < 0 or read.setdefault(kind, number) != number:
            return {}
    return read


# --- the answer to an order ----------------------------------------------------------------------------------------


def receipt(document: Any) -> tuple[str | None, str | None, str | None, str | None]:
    """Order number, transaction number, status and serial number (SEEN) of the answer to an order, where stated."""
    serial = first(document, PRODUCT_NO)
    return (
        first(document, ORDER_NO),
        first(document, TRANSACTION_NO),
        first(document, ORDER_STATUS),
        serial.upper() if serial else None,
    )


# --- where a name was found ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sought:
    """A half documented name, and the answer in which it is looked for."""

    what: str
    answer: str
    names: tuple[str, ...]
    mark: str


SOUGHT = (
    Sought("serial number", "product list", (PRODUCT_NO,), "INFERRED"),
    Sought("extensions", "product list", COUNT_NAMES["extensions"], "UNKNOWN"),
    Sought("concurrent calls", "product list", COUNT_NAMES["concurrent_calls"], "UNKNOWN"),
    Sought("extensions", "product details", COUNT_NAMES["extensions"], "UNKNOWN"),
    Sought("concurrent calls", "product details", COUNT_NAMES["concurrent_calls"], "UNKNOWN"),
    Sought("plans", "purchase info", (PLAN_ID,), "SEEN"),
    Sought("current plan", "purchase info", (*CURRENT_MARKS, CURRENT_PLAN_ID), "UNKNOWN"),
    Sought("services", "purchase info", (SERVICE_ID,), "SEEN"),
    Sought("pricing id", "purchase info", PRICING_ID_NAMES, "UNKNOWN"),
    Sought("amount", "price", AMOUNT_NAMES, "UNKNOWN"),
    Sought("currency", "price", CURRENCY_NAMES, "UNKNOWN"),
    Sought("contact", "contacts", (BILLING_CONTACT_ID,), "SEEN"),
    Sought("order number", "order list", (ORDER_NO,), "SEEN"),
    Sought("order's status", "order list", (ORDER_STATUS,), "SEEN"),
    Sought("order's time", "order list", (CREATE_TIME,), "SEEN"),
    Sought("order's PBX", "order list", (PRODUCT_NO,), "INFERRED"),
    Sought("order's PBX", "order details", (PRODUCT_NO,), "SEEN"),
    Sought("quantity", "order details", (QUANTITY,), "INFERRED"),
)
"""What is looked for by its name alone. Only the marks and words here are for people; the names are those above."""


def places(document: Any, names: Iterable[str]) -> list[str]:
    """The JSON paths under which any of these names stands; places in lists are not told apart."""
    found = (f"{found.path}.{name}" for found in objects(document) for name in names if name in found.value)
    return list(dict.fromkeys(_INDEX.sub("[*]", path) for path in found))


def configured_places(document: Any, expression: str, setting: str) -> list[str]:
    """The JMESPath itself, where it yields something in an answer or in any object of it."""
    return [expression] if any(_configured(each.value, expression, setting) for each in objects(document)) else []


def reference_places(document: Any) -> list[str]:
    """The JSON paths at which our references stand."""
    found = (
        f"{found.path}.{key}"
        for found in objects(document)
        for key, value in found.value.items()
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, str) and REFERENCE.search(each)
    )
    return list(dict.fromkeys(_INDEX.sub("[*]", path) for path in found))


def plans(document: Any) -> dict[str, str]:
    """The plans of an answer: id and name."""
    return {str(text(found.value[PLAN_ID])): name_of(found, "plan") or "unnamed" for found in having(document, PLAN_ID)}


def times(document: Any) -> list[Any]:
    """Every value under `createTime`, as it came."""
    return [found.value[CREATE_TIME] for found in objects(document) if found.value.get(CREATE_TIME) is not None]


_INDEX = re.compile(r"\[\d+\]")

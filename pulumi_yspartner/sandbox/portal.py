"""What the sandbox's portal knows: PBXs, plans, services, contacts, orders, tokens, and a movable clock.

Nothing here speaks HTTP. Every method may be called from any thread.
"""

from __future__ import annotations

import bisect
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from .dialect import Dialect
from .faults import Faults

Count = Literal["extensions", "concurrent_calls"]
"""The two things that an expansion order can add to."""

When = Literal["instant", "manual"] | float
"""At once, when a test says so, or after this many seconds of the portal's clock."""

SOFTWARE_EDITION = 12
"""The product id of a P-Series Software Edition PBX."""

SUCCEED = "succeed"
CANCELLED = "cancelled"
FINAL = (SUCCEED, CANCELLED, "failed", "invalid", "refunded")
"""The statuses of orders that wait for nobody."""
REFRESH_TOKEN_LIFE = 15 * 24 * 3600.0
COUNTS: tuple[Count, ...] = ("extensions", "concurrent_calls")


PRICES: Mapping[Count, Decimal] = {"extensions": Decimal("6.25"), "concurrent_calls": Decimal("12.50")}
"""What one more costs for a year; made up."""


class Clock:
    """Real time plus an offset that tests move."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch, as the portal sees them."""
        return time.time() + self._offset

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the portal's time: tokens expire, orders age, slow capacity lands."""
        self._offset += hours * 3600 + minutes * 60 + seconds


@dataclass
class Behaviour:
    """How the portal behaves from now on; every field may be changed at any time.

    `landing` and `listing` are those in force when an order is taken; an order keeps them for its life.
    """

    order_status: str = SUCCEED
    """The status that a new order gets; anything but `succeed` leaves the counts alone."""
    landing: When | Mapping[Count, When] = "instant"
    """When an order that succeeded shows in the counts; one value, or one per count."""
    listing: When = "instant"
    """When a new order can be found, in the order list and by its number."""
    latency: float = 0.0
    """Seconds that every answer takes."""
    token_life: float = 1800.0
    """Seconds until an access token expires, by the portal's clock."""
    prices: Mapping[Count, Decimal] = field(default_factory=lambda: dict(PRICES))
    """What one more of each costs, in USD."""

    def landing_of(self, count: Count) -> When:
        """When an order for `count` lands."""
        return self.landing.get(count, "instant") if isinstance(self.landing, Mapping) else self.landing


@dataclass(frozen=True)
class Plan:
    """A subscription plan. The plan id goes into orders, the pricing id into price requests."""

    plan_id: int
    name: str
    pricing_id: int


@dataclass(frozen=True)
class Service:
    """A service that can be bought for a PBX."""

    service_id: int
    name: str
    pricing_id: int
    count: Count | None = None
    """What it expands; None for a service that this sandbox doesn't sell."""
    plan_id: int | None = None
    """The only plan that it belongs to; None for every plan."""


@dataclass(frozen=True)
class Contact:
    """A billing contact."""

    contact_id: int
    company: str
    email: str


@dataclass
class Pbx:
    """A PBX with its totals, as licensed now."""

    serial_number: str
    extensions: int
    concurrent_calls: int
    plan: Plan
    created: float
    instance_id: str

    def count(self, count: Count) -> int:
        """One of its counts."""
        return self.extensions if count == "extensions" else self.concurrent_calls

    def add(self, count: Count, quantity: int) -> None:
        """Raise one count."""
        setattr(self, count, self.count(count) + quantity)


@dataclass
class Order:
    """An order and everything that becomes of it."""

    order_no: str
    order_id: str
    transaction_no: str
    serial_number: str
    status: str
    created: float
    via: Literal["api", "portal", "history"]
    """Taken through the API (a purchase that we count), placed elsewhere, or seeded history."""
    extensions: int = 0
    concurrent_calls: int = 0
    po_number: str | None = None
    contact_id: int | None = None
    body: dict[str, Any] | None = None
    """The JSON exactly as received, for an order that came through the API."""
    landing: dict[Count, When] = field(default_factory=dict)
    listing: When = "instant"
    landed: set[Count] = field(default_factory=set)
    succeeded_at: float | None = None
    listed: bool = True
    before: dict[Count, int] = field(default_factory=dict)
    """What the PBX had when the order was taken; nothing for a PBX that isn't in the account."""
    after: dict[Count, int] = field(default_factory=dict)
    """What the PBX had once a count landed."""

    @property
    def is_open(self) -> bool:
        """Whether a person can still pay or cancel it."""
        return self.status.casefold() not in FINAL

    def quantity(self, count: Count) -> int:
        """How many of `count` the order is for."""
        return self.extensions if count == "extensions" else self.concurrent_calls


ENTERPRISE = Plan(3049040650094403584, "Enterprise Plan", 3049040650094403601)
ULTIMATE = Plan(3049040721948753920, "Ultimate Plan", 3049040721948753937)
# The first plan and the first service have the ids that the vendor's tutorial prints; the others are made up.
SERVICES = (
    Service(3049060579827040256, "Extension Expansion", 3049060579827040273, "extensions"),
    Service(3049060612492230656, "Concurrent Call Expansion", 3049060612492230673, "concurrent_calls"),
    Service(3049060645711233024, "Hot Standby", 3049060645711233041),
    Service(3049060678934315008, "Disaster Recovery", 3049060678934315025, plan_id=ULTIMATE.plan_id),
    Service(3049060712157396992, "Hotel PMS Integration", 3049060712157397009),
    Service(3049060745380478976, "Outbound Call Center", 3049060745380478993),
)
FIRST_CONTACT = Contact(3197218168379846218, "Example Partner Ltd", "billing@example.com")


class UnknownError(KeyError):
    """No such PBX, order or plan in the sandbox."""

    def __str__(self) -> str:
        return str(self.args[0])


class Portal:
    """One partner's portal account, in memory."""

    def __init__(
        self,
        *,
        behaviour: Behaviour | None = None,
        dialect: Dialect | None = None,
        client_id: str = "sandbox",
        client_secret: str = "sandbox-secret",  # noqa: S107 (it guards nothing)
    ) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.behaviour = behaviour or Behaviour()
        self.dialect = dialect or Dialect()
        self.faults = Faults()
        self.client_id = client_id
        self.client_secret = client_secret
        self.plans: list[Plan] = [ENTERPRISE, ULTIMATE]
        self.services: list[Service] = list(SERVICES)
        self.contacts: list[Contact] = [FIRST_CONTACT]
        self.pbxs: dict[str, Pbx] = {}
        self.on_order: Callable[[Order], None] | None = None
        """Called, in the server's thread, with each order taken through the API."""
        self.requests: Counter[str] = Counter()
        """How many requests came in, by endpoint name, also those that a fault spoiled."""
        self.in_flight = 0
        self.max_in_flight = 0
        self._orders: list[Order] = []  # in the order of creation time
        self._by_key: dict[str, Order] = {}
        self._waiting: list[Order] = []  # those that have still to land or to be listed
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: dict[str, float] = {}
        self._serial = 0

    # What a test sets up ----------------------------------------

    def add_pbx(self, serial_number: str, extensions: int, concurrent_calls: int, plan: Plan | str = ENTERPRISE) -> Pbx:
        """Put a PBX into the account."""
        with self.lock:
            pbx = Pbx(
                serial_number=serial_number,
                extensions=extensions,
                concurrent_calls=concurrent_calls,
                plan=self._plan(plan),
                created=self.clock.now() - 90 * 24 * 3600,
                instance_id=str(1088407 + len(self.pbxs)),
            )
            self.pbxs[serial_number] = pbx
            return pbx

    def set_counts(
        self, serial_number: str, extensions: int | None = None, concurrent_calls: int | None = None
    ) -> None:
        """Say what a PBX has now, for instance after a change outside of the API."""
        with self.lock:
            pbx = self.pbx(serial_number)
            if extensions is not None:
                pbx.extensions = extensions
            if concurrent_calls is not None:
                pbx.concurrent_calls = concurrent_calls

    def add_contact(self, contact_id: int, company: str, email: str = "other@example.com") -> Contact:
        """Add a billing contact; with two of them a buyer has to choose."""
        with self.lock:
            contact = Contact(contact_id, company, email)
            self.contacts.append(contact)
            return contact

    def place_elsewhere(
        self,
        serial_number: str,
        *,
        extensions: int = 0,
        concurrent_calls: int = 0,
        status: str = SUCCEED,
        po_number: str | None = None,
        age_hours: float = 0.0,
        order_no: str | None = None,
    ) -> Order:
        """Order as a second buyer, in the portal: recorded in `orders`, not counted in `purchases`.

        `order_no` is for an order that is known by its number already.
        """
        with self.lock:
            order = self._new_order(
                self.pbx(serial_number).serial_number,
                via="portal",
                status=status,
                created=self.clock.now() - age_hours * 3600,
                extensions=extensions,
                concurrent_calls=concurrent_calls,
                po_number=po_number,
            )
            order.order_no = order_no or order.order_no
            return self._record(order)

    def seed_history(self, n: int) -> None:
        """Add `n` orders of past years for PBXs that aren't in the account any more."""
        statuses = (SUCCEED, SUCCEED, SUCCEED, "cancelled", "refunded", "failed", "invalid")
        with self.lock:
            now = self.clock.now()
            for i in range(n):
                order = self._new_order(
                    f"3631D{1000000 + i % 700}",
                    via="history",
                    status=statuses[i % len(statuses)],
                    created=now - (30 + 2000 * (i + 1) / n) * 24 * 3600,
                    extensions=5 + i % 100,
                    po_number=f"PO-{i}" if i % 3 == 0 else None,
                )
                order.landed.update(COUNTS)
                self._by_key[order.order_no] = self._by_key[order.order_id] = order
                self._orders.append(order)
            self._orders.sort(key=_created)

    def forget_history(self) -> None:
        """Take the orders of past years away again."""
        with self.lock:
            for order in [order for order in self._orders if order.via == "history"]:
                del self._by_key[order.order_no], self._by_key[order.order_id]
            self._orders = [order for order in self._orders if order.via != "history"]

    def set_status(self, order_no: str, status: str) -> None:
        """Pay (`succeed`), deny (`failed`), cancel... an order. Capacity lands once it is `succeed`.

        Taking an order back afterwards leaves the counts alone: say `set_counts` where it should not.
        """
        with self.lock:
            order = self.order(order_no)
            order.status = status
            if status == SUCCEED and order.succeeded_at is None:
                order.succeeded_at = self.clock.now()
            self._settle()

    def pay(self, order_no: str) -> None:
        """Pay an open order, as a person does in the portal.

        Raises `UnknownError`; and `ValueError` for an order that isn't open.
        """
        self._close(order_no, SUCCEED)

    def cancel(self, order_no: str) -> None:
        """Cancel an open order, as a person does in the portal. Raises as `pay` does."""
        self._close(order_no, CANCELLED)

    def land(self, order_no: str, extensions: bool = True, concurrent_calls: bool = True) -> None:
        """Make what an order bought show in the counts now."""
        with self.lock:
            order = self.order(order_no)
            if extensions:
                self._land(order, "extensions")
            if concurrent_calls:
                self._land(order, "concurrent_calls")

    def reveal(self, order_no: str) -> None:
        """Make an order appear in the order list now."""
        with self.lock:
            self.order(order_no).listed = True

    # What a test asks ----------------------------------------

    @property
    def purchases(self) -> int:
        """How many orders were taken through the API."""
        with self.lock:
            return sum(order.via == "api" for order in self._orders)

    @property
    def orders(self) -> list[Order]:
        """Orders through the API and from elsewhere, oldest first, without seeded history."""
        with self.lock:
            return [order for order in self._orders if order.via != "history"]

    def count(self, endpoint: str) -> int:
        """How many requests came in for one endpoint."""
        with self.lock:
            return self.requests[endpoint]

    def reset_requests(self) -> None:
        """Forget the requests so far, and their peak."""
        with self.lock:
            self.requests.clear()
            self.max_in_flight = self.in_flight

    def order(self, key: str) -> Order:
        """An order by its number or its id, listed or not."""
        with self.lock:
            try:
                return self._by_key[key]
            except KeyError:
                raise UnknownError(f"no order {key} in the sandbox") from None

    def pbx(self, serial_number: str) -> Pbx:
        """A PBX with its counts of this moment."""
        with self.lock:
            self._settle()
            try:
                return self.pbxs[serial_number]
            except KeyError:
                raise UnknownError(f"no PBX {serial_number} in the sandbox") from None

    # What the HTTP side needs ----------------------------------------

    @contextmanager
    def serving(self, endpoint: str) -> Iterator[None]:
        """Count a request, and that it is under way."""
        with self.lock:
            self.requests[endpoint] += 1
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            yield
        finally:
            with self.lock:
                self.in_flight -= 1

    def all_pbxs(self) -> list[Pbx]:
        """Every PBX with its counts of this moment."""
        with self.lock:
            self._settle()
            return list(self.pbxs.values())

    def listed_orders(self) -> Sequence[Order]:
        """The orders that can be found, oldest first."""
        with self.lock:
            self._settle()
            if all(order.listed for order in self._waiting):
                return self._orders
            return [order for order in self._orders if order.listed]

    def take_order(self, body: dict[str, Any], status: str | None = None) -> Order:
        """Take an order that was checked before: this is a purchase."""
        with self.lock:
            quantities = dict.fromkeys(COUNTS, 0)
            for item in body["serviceList"]:
                count = self.service(item["serviceId"]).count
                if count is not None:
                    quantities[count] += item["quantity"]
            order = self._record(
                self._new_order(
                    body["productNo"],
                    via="api",
                    status=status or self.behaviour.order_status,
                    created=self.clock.now(),
                    extensions=quantities["extensions"],
                    concurrent_calls=quantities["concurrent_calls"],
                    po_number=body.get("poNumber"),
                    contact_id=body["billingId"],
                    body=body,
                    listing=self.behaviour.listing,
                )
            )
        if self.on_order is not None:
            self.on_order(order)
        return order

    def service(self, service_id: int) -> Service:
        """A service by its id."""
        for service in self.services:
            if service.service_id == service_id:
                return service
        raise UnknownError(f"no service {service_id} in the sandbox")

    def issue_tokens(self, audience: str = "") -> tuple[str, str]:
        """A new access token and refresh token, for the portal or for the PBX with this serial number."""
        with self.lock:
            access, refresh = secrets.token_hex(24), secrets.token_hex(24)
            now = self.clock.now()
            self._access[access] = (audience, now + self.behaviour.token_life)
            if not audience:
                self._refresh[refresh] = now + REFRESH_TOKEN_LIFE
            return access, refresh

    def rotate_tokens(self, refresh: str) -> tuple[str, str] | None:
        """New tokens for a refresh token that still holds; it stops working."""
        with self.lock:
            if self._refresh.pop(refresh, 0.0) <= self.clock.now():
                return None
            return self.issue_tokens()

    def token_holds(self, access: str, audience: str = "") -> bool:
        """Whether an access token was issued for this and hasn't expired."""
        with self.lock:
            issued_for, until = self._access.get(access, ("", 0.0))
            return issued_for == audience and until > self.clock.now()

    def expire_token(self, access: str) -> None:
        """End an access token before its time."""
        with self.lock:
            self._access.pop(access, None)

    # Inside ----------------------------------------

    def _close(self, order_no: str, status: str) -> None:
        with self.lock:
            order = self.order(order_no)
            if not order.is_open:
                raise ValueError(f"order {order.order_no} is {order.status} already")
            self.set_status(order_no, status)

    def _plan(self, plan: Plan | str) -> Plan:
        if isinstance(plan, Plan):
            return plan
        for known in self.plans:
            if plan in (known.name, str(known.plan_id)):
                return known
        raise UnknownError(f"no plan {plan!r} in the sandbox")

    def _new_order(
        self,
        serial_number: str,
        *,
        via: Literal["api", "portal", "history"],
        status: str,
        created: float,
        extensions: int = 0,
        concurrent_calls: int = 0,
        po_number: str | None = None,
        contact_id: int | None = None,
        body: dict[str, Any] | None = None,
        listing: When = "instant",
    ) -> Order:
        self._serial += 1
        pbx = self.pbxs.get(serial_number)
        return Order(
            order_no=f"OQ{3206269349344043008 + self._serial * 4096}",
            order_id=str(3206269349343043584 + self._serial * 4096),
            transaction_no=f"QO{3206269350577168385 + self._serial * 4096}",
            serial_number=serial_number,
            status=status,
            created=created,
            via=via,
            extensions=extensions,
            concurrent_calls=concurrent_calls,
            po_number=po_number,
            contact_id=contact_id if contact_id is not None else self.contacts[0].contact_id,
            body=body,
            landing={count: self.behaviour.landing_of(count) for count in COUNTS},
            listing=listing,
            listed=listing == "instant",
            succeeded_at=created if status == SUCCEED else None,
            before={count: pbx.count(count) for count in COUNTS} if pbx is not None else {},
        )

    def _record(self, order: Order) -> Order:
        self._by_key[order.order_no] = self._by_key[order.order_id] = order
        bisect.insort(self._orders, order, key=_created)
        self._waiting.append(order)
        self._settle()
        return order

    def _settle(self) -> None:
        """Let land and be listed what is due by now."""
        now = self.clock.now()
        for order in self._waiting:
            if isinstance(order.listing, int | float) and now >= order.created + order.listing:
                order.listed = True
            if order.status != SUCCEED or order.succeeded_at is None:
                continue
            for count, when in order.landing.items():
                if when == "instant" or (isinstance(when, int | float) and now >= order.succeeded_at + when):
                    self._land(order, count)
        self._waiting = [o for o in self._waiting if not o.listed or len(o.landed) < len(COUNTS)]

    def _land(self, order: Order, count: Count) -> None:
        if count not in order.landed:
            order.landed.add(count)
            pbx = self.pbxs.get(order.serial_number)
            if pbx is not None:
                pbx.add(count, order.quantity(count))
                order.after[count] = pbx.count(count)


def _created(order: Order) -> float:
    return order.created

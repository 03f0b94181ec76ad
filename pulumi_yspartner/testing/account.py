"""The account that a test describes, in place of the portal."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import ReadingError, RequestRefusedError
from ..model import COUNTS, CountName, normalised_serial_number
from ..money import Money
from ..partner import BillingContact, Catalog, PartnerClient, answers
from ..partner.client import PriceRequest
from ..settings import Settings

PLAN = "3049040650094403584"
CONTACT = BillingContact("3197218168379846218", "Example Partner Ltd", "Sam Example", "billing@example.com")


@dataclass(frozen=True)
class Order:
    """An order for a PBX that the portal shows, whoever placed it."""

    order_no: str
    status: str = "pending"
    """`pending`, `succeed`, `cancelled` and so on, as the portal has it."""
    extensions: int = 0
    concurrent_calls: int = 0
    hours_old: float = 1.0


@dataclass(frozen=True)
class Pbx:
    """A PBX of the account, and what it has now."""

    serial_number: str
    extensions: int | None = None
    """None: the portal doesn't state it."""
    concurrent_calls: int | None = None
    """None: the portal doesn't state it."""
    orders: Sequence[Order] = ()
    plans: Sequence[str] = (PLAN,)
    """Ids of the plans that the portal names for it. Of several, `plan_id` must choose."""
    label: str = ""
    """What people call it in the portal."""
    price: str | None = None
    """What the portal asks for an order for it, such as `1250.00 USD`. None: it doesn't say."""

    def __post_init__(self) -> None:
        if self.price is not None and Money.parse(self.price) is None:
            raise ValueError(f'{self.price!r} is no price such as "1250.00 USD"')


class DescribedAccount(PartnerClient):
    """Answers like the portal that a test describes. Nothing can be ordered from it."""

    def __init__(self, pbxs: Iterable[Pbx], contacts: Iterable[BillingContact]) -> None:
        super().__init__(_NoConnection())  # type: ignore[arg-type]
        self._pbxs = {normalised_serial_number(pbx.serial_number): pbx for pbx in pbxs}
        self._contacts = list(contacts)

    @asynccontextmanager
    async def connect(self, _settings: Settings) -> AsyncIterator[PartnerClient]:
        """In place of a connection to the portal."""
        yield self

    async def products(self) -> list[Any]:
        return [_product(serial, pbx) for serial, pbx in self._pbxs.items()]

    async def product(self, serial_number: str) -> Any:
        return _product(serial_number, self._pbxs[serial_number])

    async def catalog(self, serial_number: str) -> Catalog:
        plans = [{answers.PLAN_ID: plan, "planName": f"plan {plan}"} for plan in self._pbxs[serial_number].plans]
        return Catalog({"plans": plans, "services": [_service(name) for name in COUNTS]})

    async def contacts(self) -> list[BillingContact]:
        return self._contacts

    async def orders(self) -> list[answers.ReadOrder]:
        return [_order(serial, order) for serial, pbx in self._pbxs.items() for order in pbx.orders]

    async def order(self, order_no: str) -> answers.ReadOrder:
        return next(order for order in await self.orders() if order.order_no == order_no)

    async def price(self, request: PriceRequest) -> Any:
        price = Money.parse(self._pbxs[request.serial_number].price or "")
        if price is None:
            raise ReadingError("this test describes no price")
        return {answers.AMOUNT_NAMES[0]: str(price.amount), answers.CURRENCY_NAMES[0]: price.currency}


class _NoConnection:
    """What a described account can't answer is refused, as by a portal that doesn't offer it."""

    async def get(self, path: str, _query: object = None) -> NoReturn:
        self._refuse("GET", path)

    async def post_read(self, path: str, _body: object) -> NoReturn:
        self._refuse("POST", path)

    async def post_once(self, path: str, *_: object) -> NoReturn:
        self._refuse("POST", path)

    def _refuse(self, method: str, path: str) -> NoReturn:
        raise RequestRefusedError("a test has no portal", method=method, path=path, status=404)


def _product(serial_number: str, pbx: Pbx) -> dict[str, Any]:
    counts = {answers.COUNT_NAMES[name][0]: getattr(pbx, name) for name in COUNTS if getattr(pbx, name) is not None}
    return {
        answers.PRODUCT_NO: serial_number,
        answers.LABELS[0]: pbx.label,
        answers.ACTIVATION_STATUS: "activated",
        **counts,
    }


def _service(name: CountName) -> dict[str, Any]:
    id = f"30490605798270402{COUNTS.index(name):02}"
    return {answers.SERVICE_ID: id, answers.PRICING_ID_NAMES[0]: id, "serviceName": answers.SERVICE_NAMES[name]}


def _order(serial_number: str, order: Order) -> answers.ReadOrder:
    quantities = {name: quantity for name in COUNTS if (quantity := getattr(order, name))}
    created = time.time() - order.hours_old * 3600
    return answers.ReadOrder(order.order_no, order.status, serial_number, created, (), quantities)
